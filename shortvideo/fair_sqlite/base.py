"""Django's SQLite backend, but for how a transaction waits for the write lock.

SQLite's own busy handler sleeps up to 100 ms between two looks. Beside a writer that begins its
next transaction a few milliseconds after the last, such as a bulk sync, it finds the lock taken
again and again, and a callback's single row waits for seconds. Here a transaction looks every few
milliseconds.

A write outside `transaction.atomic()` still waits as SQLite does: what somebody waits for, or what
a lease depends on, belongs inside one, however short.
"""

import time
from random import SystemRandom
from typing import Final

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

LOOK_SECONDS: Final = (0.001, 0.004)  # between two looks; at random, so that none is always last
_random = SystemRandom()


class DatabaseWrapper(base.DatabaseWrapper):
    """Used through `ENGINE`; the options are those of Django's backend."""

    def _start_transaction_under_autocommit(self) -> None:
        """Begin as `transaction_mode` says. Raises OperationalError after `timeout` seconds."""
        seconds = float(self.settings_dict["OPTIONS"].get("timeout", 5.0))
        ends_at = time.monotonic() + seconds
        with self.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 0")
            try:
                while not self._has_begun(is_last_look=time.monotonic() >= ends_at):
                    time.sleep(_random.uniform(*LOOK_SECONDS))
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {round(seconds * 1_000)}")

    def _has_begun(self, *, is_last_look: bool) -> bool:
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except OperationalError as error:
            if is_last_look or "locked" not in str(error):
                raise
            return False
        return True
