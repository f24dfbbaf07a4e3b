"""`manage.py migrate`: Django's, which here may also make the file of an SQLite database."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> Any:
        connections[options["database"]].prepare_database()  # the checks come first and read it
        return super().execute(*args, **options)
