"""A database that does not fit its migrations is refused before anything is changed."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.recorder import MigrationRecorder

from recommendations.models import Recommendation
from shortvideo.database_checks import check_databases
from tests.data.test_migrations import schema
from tests.fixtures_databases import migrate
from videos.checks import check_triggers
from videos.models import CdnQuota, Takedown, TranscodeJob, Video, VodEvent

pytestmark = pytest.mark.django_db(transaction=True)

Change = Callable[[BaseDatabaseSchemaEditor], None]


def execute(alias: str, statement: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)


def messages(alias: str) -> list[str]:
    return [f"{each.id} {each.msg}" for each in check_databases([alias])]


def alter(editor: BaseDatabaseSchemaEditor, model: Any, name: str, **options: Any) -> None:
    """Give a field other options in the database."""
    field = model._meta.get_field(name)
    other = copy(field)
    for option, value in options.items():
        setattr(other, option, value)
    editor.alter_field(model, field, other)


def drop_column(editor: BaseDatabaseSchemaEditor) -> None:
    editor.remove_field(Video, Video._meta.get_field("further_media"))


def add_column(editor: BaseDatabaseSchemaEditor) -> None:
    field = models.CharField(max_length=9, null=True)
    field.set_attributes_from_name("mood")
    editor.add_field(Video, field)


def shorten_column(editor: BaseDatabaseSchemaEditor) -> None:
    alter(editor, Video, "title", max_length=9)


def allow_empty_column(editor: BaseDatabaseSchemaEditor) -> None:
    alter(editor, Video, "title", null=True)


def drop_index(editor: BaseDatabaseSchemaEditor) -> None:
    editor.remove_index(Video, Video._meta.indexes[0])


def drop_table(editor: BaseDatabaseSchemaEditor) -> None:
    editor.delete_model(CdnQuota)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            drop_column,
            "The table videos_video differs from its migrations: no column further_media.",
        ),
        (add_column, "The table videos_video differs from its migrations: an unknown column mood."),
        (shorten_column, "title is varchar(9) not null, not varchar("),
        (allow_empty_column, ", not varchar("),
        (drop_index, f"no {Video._meta.indexes[0].name}."),
        (drop_table, "The table videos_cdnquota is missing, although its migration is recorded."),
    ],
)
def test_a_changed_table_is_found(migrated: str, change: Change, sentence: str) -> None:
    with connections[migrated].schema_editor() as editor:
        change(editor)
    [message] = messages(migrated)
    assert message.startswith("shortvideo.E003 ")
    assert sentence in message


def replace_index(editor: BaseDatabaseSchemaEditor, name: str, definition: str) -> None:
    editor.execute(f"DROP INDEX {name}")
    editor.execute(definition.format(name))


def test_another_index_of_the_same_name_is_found(migrated: str) -> None:
    others = {
        "video_newest": "INDEX {} ON videos_video (creation_time DESC, vod_id DESC) "
        "WHERE deleted_at IS NULL",
        "video_changed": "INDEX {} ON videos_video (changed_at, id) WHERE deleted_at IS NOT NULL",
        "video_uploader_status": "INDEX {} ON videos_video (uploader_id, creation_time, id DESC) "
        "WHERE deleted_at IS NULL",
        "one_deletion_under_way": "INDEX {} ON videos_videodeletion (video_id) "
        "WHERE state = 'waiting'",
    }
    for name, definition in others.items():
        execute(migrated, f"DROP INDEX {name}")
        execute(migrated, f"CREATE {definition.format(name)}")
    execute(migrated, "CREATE UNIQUE INDEX surprise ON videos_reasontemplate (text)")
    text = "\n".join(messages(migrated))
    assert "video_newest is not this index (creation_time DESC, id DESC)" in text
    assert "video_changed is not this index (changed_at, id)" in text
    assert "video_uploader_status is not this index (uploader_id, creation_time DESC, id" in text
    assert "one_deletion_under_way is not this unique (video_id)" in text
    assert "videos_reasontemplate differs from its migrations: an unknown unique (text)." in text
    assert "video_censor_newest" not in text


def test_lost_and_changed_constraints_are_found(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(name: str, **condition: Any) -> models.CheckConstraint:
        return models.CheckConstraint(condition=models.Q(**condition), name=name)

    changed: dict[type[models.Model], list[models.CheckConstraint]] = {
        Recommendation: [],
        Video: [check("video_censor_status", censor_status="fail")],
        CdnQuota: [check("surprise", id__gt=5)],
    }
    with connections[migrated].schema_editor() as editor:
        for model, constraints in changed.items():
            before = model._meta.constraints
            monkeypatch.setattr(model._meta, "constraints", constraints)  # SQLite's editor reads it
            for each in before:
                editor.remove_constraint(model, each)
            for each in constraints:
                editor.add_constraint(model, each)
        alter(editor, VodEvent, "dedupe_key", _unique=False, unique=False)  # it is cached
        alter(editor, TranscodeJob, "video", db_constraint=False)
        alter(editor, Takedown, "video", db_index=False)
    assert sorted(message.partition("The table ")[2] for message in messages(migrated)) == [
        f"{table} differs from its migrations: {difference}."
        for table, difference in {
            "recommendations_recommendation": "no recommendation_ends_after_start",
            "videos_cdnquota": "an unknown check surprise",
            "videos_takedown": "no index (video_id)",
            "videos_transcodejob": "no foreign key from video_id to videos_video",
            "videos_video": "video_censor_status has another condition",
            "videos_vodevent": "no unique (dedupe_key)",
        }.items()
    ]


def test_an_index_of_the_operators_own_is_allowed(migrated: str) -> None:
    execute(migrated, "CREATE INDEX of_the_operator ON videos_video (title)")
    execute(migrated, "DROP INDEX video_changed")
    execute(
        migrated,
        "CREATE INDEX video_changed ON videos_video (changed_at, id) WHERE ((deleted_at) IS NULL)",
    )
    assert messages(migrated) == []


def test_a_database_of_another_program_is_refused(scratch: str) -> None:
    for table in ("notes", "tags", "users", "words"):
        execute(scratch, f"CREATE TABLE {table} (id integer)")
    sentence = (
        "The database belongs to another program: it has notes, tags, users and 1 more tables."
    )
    assert messages(scratch) == [f"shortvideo.E003 {sentence}"]
    before = schema(scratch)
    with pytest.raises(CommandError, match="belongs to another program"):
        migrate(scratch)
    assert schema(scratch) == before


def test_another_django_project_is_another_program(scratch: str) -> None:
    MigrationRecorder(connections[scratch]).record_applied("contenttypes", "0001_initial")
    execute(scratch, "CREATE TABLE shop_order (id integer)")
    [message] = messages(scratch)
    assert "another program: it has the tables shop_order." in message


def test_other_tables_beside_ours_are_allowed(migrated: str) -> None:
    execute(migrated, "CREATE TABLE notes (id integer)")
    assert messages(migrated) == []


def test_a_changed_database_is_not_migrated(first: str) -> None:
    execute(first, "ALTER TABLE outbox_delivery ADD COLUMN is_held integer")
    before = schema(first)
    with pytest.raises(CommandError, match=r"column is_held\.\nNothing was changed\. docs/"):
        call_command("migrate", database=first, verbosity=0, skip_checks=True)
    assert schema(first) == before


def test_an_earlier_database_is_compared_with_its_own_migrations(first: str) -> None:
    [message] = messages(first)
    assert message.startswith("shortvideo.W001 The database 'scratch' lacks ")


def test_a_database_of_a_later_version_is_refused(migrated: str) -> None:
    MigrationRecorder(connections[migrated]).record_applied("videos", "9999_of_tomorrow")
    sentence = "The database has applied videos.9999_of_tomorrow, which this version does not have."
    assert messages(migrated) == [f"shortvideo.E003 {sentence}"]


def test_tables_without_recorded_migrations_are_refused(migrated: str) -> None:
    recorder = MigrationRecorder(connections[migrated])
    recorder.record_unapplied("recommendations", "0001_initial")
    sentence = "The table recommendations_recommendation is there, although no migration of it is"
    assert messages(migrated) == [f"shortvideo.E003 {sentence} recorded."]


def test_a_gap_in_the_recorded_migrations_is_refused(migrated: str) -> None:
    MigrationRecorder(connections[migrated]).record_unapplied("videos", "0001_initial")
    [message] = messages(migrated)
    assert message.startswith("shortvideo.E002 Migration ")
    assert "is applied before its dependency videos.0001_initial" in message


def test_a_database_that_cannot_be_opened_is_named(scratch: str) -> None:
    settings = connections[scratch].settings_dict
    if connections[scratch].vendor == "sqlite":
        settings["NAME"] = "/no/such/folder/db.sqlite3"
    else:
        settings["PORT"] = "9"
    [error] = check_databases([scratch])
    assert error.id == "shortvideo.E001"
    assert str(error.msg).startswith("The database 'scratch' cannot be used: ")
    assert "\n" not in str(error.msg)
    assert check_triggers([scratch]) == []


@pytest.mark.parametrize("is_truncated", [True, False])
def test_a_file_that_is_no_database_is_named(migrated: str, is_truncated: bool) -> None:
    if connections[migrated].vendor != "sqlite":
        return
    path = Path(connections[migrated].settings_dict["NAME"])
    path.write_bytes(path.read_bytes()[:100_000] if is_truncated else b"Dear diary, " * 100)
    cause = "database disk image is malformed" if is_truncated else "file is not a database"
    assert messages(migrated) == [
        f"shortvideo.E001 The database 'scratch' cannot be used: {cause}."
    ]


def test_an_empty_file_is_a_new_database(scratch: str) -> None:
    if connections[scratch].vendor == "sqlite":
        Path(connections[scratch].settings_dict["NAME"]).touch()
    [message] = messages(scratch)
    assert message.startswith("shortvideo.W001 The database 'scratch' lacks ")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE notes (id integer)",
        """
        CREATE TABLE django_migrations (id integer PRIMARY KEY, app text, name text, applied text);
        INSERT INTO django_migrations VALUES (1, 'contenttypes', '0001_initial', '2026-01-01');
        CREATE TABLE shop_order (id integer)
        """,
    ],
    ids=["not Django", "Django"],
)
def test_a_file_of_another_program_stays_as_it_is(statement: str, scratch: str) -> None:
    if connections[scratch].vendor != "sqlite":
        return
    path = Path(connections[scratch].settings_dict["NAME"])
    with closing(sqlite3.connect(path)) as other:
        other.executescript(statement)
    before = path.read_bytes()
    assert "another program" in messages(scratch)[0]
    with pytest.raises(CommandError, match="another program"):
        migrate(scratch)
    connections[scratch].close()
    assert path.read_bytes() == before
