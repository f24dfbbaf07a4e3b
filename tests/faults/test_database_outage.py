"""The web server as it is shipped, while its database is locked, gone or silent."""

import os
import re
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode

from runner.postgres import PrivateCluster
from tests.contract.operations import OPERATIONS
from tests.factories import PASSWORD
from tests.faults.door import FORM, Answer, Door, database, door, serving
from tests.faults.processes import children_of
from tests.support.localvod import wait_until
from tests.support.postgres import private_postgres

__all__ = ["database", "door", "private_postgres"]

PLACES = 4  # two of the four threads of each process
# Each waits two seconds for the lock: one after the other in eight threads they would take 15.
QUEUED_WRITES = 60


def log_in_at_desk(door: Door, password: str = "no") -> Answer:
    csrf = "a" * 32
    form = {"csrfmiddlewaretoken": csrf, "username": door.user_name, "password": password}
    return door.ask(
        "POST",
        "/admin/login/",
        urlencode(form),
        Content_Type=FORM,
        Cookie=f"csrftoken={csrf}",
    )


def assert_unavailable(answer: Answer) -> None:
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.seconds < 10  # two or three, and what a busy machine adds


def test_while_sqlite_is_locked_writes_are_503_and_reads_work(
    door: Door, database: sqlite3.Connection
) -> None:
    database.execute("UPDATE accounts_consoletoken SET last_used_at = datetime('now', '-1 hour')")
    before = door.log.read_text().count("Traceback")
    [cookie] = re.findall(r"sessionid=\w+", log_in_at_desk(door, PASSWORD).headers["set-cookie"])
    database.execute("UPDATE django_session SET expire_date = datetime(expire_date, '-2 minutes')")
    database.execute("BEGIN EXCLUSIVE")
    blocking = f"createAudit?mediaId={door.vod_id}&status=Blocked&reason=y"
    try:
        reading = door.call("getVideos")
        assert (reading.status, reading.seconds < 10) == (200, True)
        with ThreadPoolExecutor(QUEUED_WRITES) as pool:
            writings = [pool.submit(door.call, blocking) for _ in range(QUEUED_WRITES - 2)]
            callback = pool.submit(door.send_callback, b'{"EventType": "a", "VideoId": "a"}')
            login = pool.submit(log_in_at_desk, door)
        for answer in (callback.result(), login.result(), *(each.result() for each in writings)):
            assert_unavailable(answer)
        assert writings[-1].result().envelope["code"] == "503"
        assert door.ask("GET", "/admin/videos/video/", Cookie=cookie).status == 200
    finally:
        database.execute("ROLLBACK")
    assert door.log.read_text().count("Traceback") == before


def test_reads_find_a_thread_while_writes_wait(tmp_path: Path, migrated_file: Path) -> None:
    path = shutil.copy(migrated_file, tmp_path / "db.sqlite3")
    patient = serving(f"sqlite:///{path}", tmp_path, DATABASE_LOCK_TIMEOUT="60000")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with patient as door, closing(other), ThreadPoolExecutor(24) as pool:
        other.execute("BEGIN EXCLUSIVE")
        blocking = f"createAudit?mediaId={door.vod_id}&status=Blocked&reason=y"
        writings = [pool.submit(door.call, blocking) for _ in range(24)]
        wait_until(lambda: sum(each.done() for each in writings) >= 24 - PLACES)
        assert [door.call("getVideos").status for _ in range(10)] == [200] * 10
        other.execute("ROLLBACK")
        statuses = Counter(each.result().status for each in writings)
    assert statuses[200] > 0
    assert statuses[503] >= 24 - PLACES
    assert statuses.total() == 24 == statuses[200] + statuses[503]


def test_a_moved_sqlite_file_is_503_and_is_not_made_anew(door: Door) -> None:
    path = door.log.with_name("db.sqlite3")
    with elsewhere(path):
        assert_unavailable(door.call("getVideos"))
        assert_unavailable(door.send_callback(b'{"EventType": "a", "VideoId": "a"}'))
        assert_unavailable(door.ask("GET", "/admin/", Cookie=f"sessionid={'a' * 32}"))
        assert not path.exists()
    assert door.call("getVideos").status == 200


@contextmanager
def elsewhere(path: Path) -> Iterator[None]:
    other = path.with_name("moved.sqlite3")
    path.rename(other)
    try:
        yield
    finally:
        other.rename(path)


def test_without_postgresql_every_door_is_503_until_it_is_back(
    private_postgres: PrivateCluster, tmp_path: Path
) -> None:
    with serving(private_postgres.url, tmp_path) as door:
        assert door.call("getVideos").status == 200
        private_postgres.restart()
        assert door.call("getVideos").status == 200
        with frozen(private_postgres):
            assert_unavailable(door.call("getVideos"))
            assert_unavailable(door.send_callback(b'{"EventType": "a", "VideoId": "a"}'))
        wait_until(lambda: door.call("getVideos").status == 200)
        private_postgres.end()
        for operation in OPERATIONS:
            answer = door.call(
                operation, b"a=b" if OPERATIONS[operation][0] == "POST" else None, Content_Type=FORM
            )
            assert_unavailable(answer)
            assert answer.envelope["message"] == "The database cannot be used now; try again."
        assert_unavailable(door.send_callback(b'{"EventType": "a", "VideoId": "a"}'))
        page = door.ask("GET", "/admin/", Cookie=f"sessionid={'a' * 32}")
        assert_unavailable(page)
        assert b"cannot reach its database" in page.body
        assert page.headers["cache-control"] == "no-store"
        assert "Traceback" not in door.log.read_text()
        private_postgres.restart()
        wait_until(lambda: door.call("getVideos").status == 200)


@contextmanager
def frozen(cluster: PrivateCluster) -> Iterator[None]:
    """Stop all processes of the server. The system still accepts connections for it."""
    pids = [cluster.pid, *children_of(cluster.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
