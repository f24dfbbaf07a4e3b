"""A pytest plugin (`pytest -p tests.support.traits`): select tests by what they use.

`--with TRAIT` runs only tests that have the trait, `--without TRAIT` only tests that lack it; both
may be repeated. `run.py test` divides the tests among several runs of pytest in this way.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from django.test import TransactionTestCase

DATABASE_FIXTURES: Final = {
    "db",
    "transactional_db",
    "django_db_reset_sequences",
    "django_db_serialized_rollback",
    "live_server",
}
# Pages and answers run on PostgreSQL only, but for the modules that send user input into SQL.
# Orders of events and rules of services, in one thread, run on SQLite only, which is faster.
# `run.py test --both` runs all on both.
POSTGRESQL_ONLY: Final = (
    "tests/admin/",
    "tests/browser/",
    "tests/console/",
    "tests/contract/",
    "tests/services/test_queue_plans.py",
    "tests/videos/test_sync.py::test_a_sync_of_6000",
)
SQLITE_ONLY: Final = (
    "tests/faults/test_crash_points.py::test_a_frozen_worker",
    "tests/faults/test_crash_points.py::test_a_struck_worker",
    "tests/faults/test_event_order.py",
    "tests/faults/test_lying_cloud.py",
    "tests/faults/test_properties",
    "tests/faults/test_takedown_order.py",
    "tests/videos/test_decisions.py",
    "tests/videos/test_deliveries.py",
    "tests/videos/test_events.py",
    "tests/videos/test_evidence.py",
    "tests/videos/test_human_first.py",
    "tests/videos/test_incomplete_evidence.py",
    "tests/videos/test_later_files.py",
    "tests/videos/test_later_pictures.py",
    "tests/videos/test_overruling.py",
    "tests/videos/test_playable.py",
    "tests/videos/test_stale_decisions.py",
    "tests/videos/test_takedown_proof.py",
    "tests/videos/test_unsigned_bodies.py",
)
USER_INPUT: Final = (
    "tests/admin/test_lookups.py",
    "tests/admin/test_operators.py",
    "tests/admin/test_other_pages.py",
    "tests/console/test_bodies.py",
    "tests/console/test_changes.py",
    "tests/console/test_defects.py",
    "tests/console/test_lists.py",
    "tests/console/test_lockout.py",
    "tests/console/test_login.py",
    "tests/console/test_single.py",
    "tests/console/test_walks.py",
    "tests/contract/test_refusals.py",
)
# Tests of processes, browsers and ffmpeg leave a core idle.
PROCESSES: Final = (
    "tests/benchmarks/test_narrowband.py",
    "tests/browser/",
    "tests/faults/",
    "tests/localvod/test_demo_",
    "tests/localvod/test_durability.py",
    "tests/localvod/test_media_",
    "tests/localvod/test_state_versions.py",
    "tests/outbox/test_work_command.py",
    "tests/run/",
    "tests/videos/test_later_files.py",
    "tests/webhooks/test_browser.py",
    "tests/webhooks/test_worker_killed.py",
)
SLOW_FIXTURES: Final = {"transactional_db", "live_server", "localvod_server", "browser", "checkout"}


def touches_database(item: pytest.Item) -> bool:
    return (
        item.get_closest_marker("django_db") is not None
        or bool(DATABASE_FIXTURES & _fixtures(item))
        or issubclass(getattr(item, "cls", None) or object, TransactionTestCase)
    )


def runs_on_postgresql_only(item: pytest.Item) -> bool:
    is_listed = item.nodeid.startswith(POSTGRESQL_ONLY) and not item.nodeid.startswith(USER_INPUT)
    return is_listed and touches_database(item) and not _is_skipped_somewhere(item)


def runs_on_sqlite_only(item: pytest.Item) -> bool:
    return item.nodeid.startswith(SQLITE_ONLY) and not _is_skipped_somewhere(item)


def _is_skipped_somewhere(item: pytest.Item) -> bool:
    return item.get_closest_marker("skipif") is not None


def waits(item: pytest.Item) -> bool:
    return item.nodeid.startswith(PROCESSES)


def is_slow(item: pytest.Item) -> bool:
    """Waits, starts a program or commits."""
    marker = item.get_closest_marker("django_db")
    commits = marker is not None and bool(marker.kwargs.get("transaction"))
    return waits(item) or commits or bool(SLOW_FIXTURES & _fixtures(item))


TRAITS: Final[dict[str, Callable[[pytest.Item], bool]]] = {
    "database": touches_database,
    "postgresql_only": runs_on_postgresql_only,
    "sqlite_only": runs_on_sqlite_only,
    "waits": waits,
    "slow": is_slow,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("traits")
    for option in ("with", "without"):
        group.addoption(f"--{option}", action="append", default=[], choices=TRAITS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files whose tests would all be deselected: to import them takes seconds."""
    if collection_path.suffix != ".py" or not collection_path.is_relative_to(config.rootpath):
        return None
    waits = collection_path.relative_to(config.rootpath).as_posix().startswith(PROCESSES)
    is_unwanted = "waits" in config.getoption("--without" if waits else "--with")
    return True if is_unwanted else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = [TRAITS[name] for name in config.getoption("--with")]
    unwanted = [TRAITS[name] for name in config.getoption("--without")]
    selected: list[pytest.Item] = []
    deselected: list[pytest.Item] = []
    for item in items:
        is_selected = all(has(item) for has in wanted) and not any(has(item) for has in unwanted)
        (selected if is_selected else deselected).append(item)
    items[:] = selected
    if deselected:
        config.hook.pytest_deselected(items=deselected)


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))
