"""The state of an earlier version is upgraded; that of a later version is refused unchanged."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from localvod.store import Database
from localvod.store.schema import UPGRADES, VERSION
from tests.localvod.conftest import sdk_config
from tests.localvod.test_cli import one_sentence, run
from tests.support.localvod import LocalVod

# The inverse of each version's upgrade.
DOWNGRADES = {
    1: ("ALTER TABLE videos DROP COLUMN source_time", "DROP INDEX videos_by_modification"),
}


def file_of(state: Path) -> Path:
    return state / "localvod.sqlite3"


def set_version(state: Path, version: int, *statements: str) -> None:
    with closing(sqlite3.connect(file_of(state))) as connection:
        for statement in (*statements, f"PRAGMA user_version = {version}"):
            connection.execute(statement)
        connection.commit()


def shape(state: Path) -> tuple[int, set[tuple[str, ...]]]:
    """The version, and all columns and indexes of the file."""
    with closing(sqlite3.connect(file_of(state))) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        columns = connection.execute(
            "SELECT item.type, item.name, ifnull(field.name, '') FROM sqlite_schema AS item "
            "LEFT JOIN pragma_table_info(item.name) AS field ON item.type = 'table'"
        )
        return version, set(columns)


def test_every_earlier_version_has_an_upgrade() -> None:
    assert list(UPGRADES) == list(DOWNGRADES) == list(range(1, VERSION))


@pytest.mark.parametrize("version", DOWNGRADES)
def test_an_upgraded_file_has_the_shape_of_a_new_file(tmp_path: Path, version: int) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for state in (old, new):
        Database(file_of(state))
    steps = [step for later in range(VERSION - 1, version - 1, -1) for step in DOWNGRADES[later]]
    set_version(old, version, *steps)
    assert shape(old) != shape(new)
    Database(file_of(old))
    assert shape(old) == shape(new)


def test_a_server_starts_with_the_state_of_version_1(tmp_path: Path) -> None:
    with LocalVod(tmp_path) as vod:
        video_id = vod.seed(status="Checking")
        vod.audit_in_console(video_id, "Blocked", "violence")
        vod.stop()
        set_version(tmp_path, 1, *DOWNGRADES[1])
        vod.start()
        client = Client(sdk_config(vod))
        found = client.search_media(models.SearchMediaRequest()).body.media_list
        assert [media.media_id for media in found] == [video_id]
        assert vod.state(video_id)["audits"][-1]["status"] == "Blocked"
        request = models.GetMezzanineInfoRequest(video_id=video_id)
        source = client.get_mezzanine_info(request).body.mezzanine
        # As in version 1: with a later time a client would assume another upload.
        assert source.creation_time == found[0].creation_time


def test_the_state_of_a_later_version_is_refused(tmp_path: Path) -> None:
    Database(file_of(tmp_path))
    set_version(tmp_path, VERSION + 1, "ALTER TABLE videos ADD COLUMN new TEXT")
    before = shape(tmp_path)
    sentence = one_sentence(run("serve", "--port", "0", "--state", str(tmp_path)))
    assert sentence.startswith(f"localvod: The state in {tmp_path} was written by a later version")
    assert "run.py demo --reset" in sentence
    assert shape(tmp_path) == before


def test_a_failed_upgrade_changes_nothing(tmp_path: Path) -> None:
    Database(file_of(tmp_path))
    set_version(tmp_path, 1)  # the file has the column already
    before = shape(tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="duplicate column"):
        Database(file_of(tmp_path))
    assert shape(tmp_path) == before
