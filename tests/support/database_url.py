"""The database of the tests, for another process."""

from typing import Any

from django.db import connection


def database_url() -> str:
    """What DATABASE_URL must be for a process that shares it."""
    at: dict[str, Any] = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    return f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"
