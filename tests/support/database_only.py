"""A pytest plugin (`pytest -p tests.support.database_only`): only what touches the database runs.

`run.py test` runs everything on SQLite, and with this plugin once more on PostgreSQL what may
answer differently there. Pytest prints how many tests were deselected.
"""

import pytest
from django.test import TransactionTestCase

DATABASE_FIXTURES = {
    "db",
    "transactional_db",
    "django_db_reset_sequences",
    "django_db_serialized_rollback",
    "live_server",
}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    untouched = [item for item in items if not touches_database(item)]
    items[:] = [item for item in items if touches_database(item)]
    if untouched:
        config.hook.pytest_deselected(items=untouched)


def touches_database(item: pytest.Item) -> bool:
    """By its marker, by its fixtures (those that they use included) or by its class."""
    if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(fixtures_of(item)):
        return True
    test_class = getattr(item, "cls", None)
    return test_class is not None and issubclass(test_class, TransactionTestCase)


def fixtures_of(item: pytest.Item) -> list[str]:
    return list(getattr(item, "fixturenames", []))
