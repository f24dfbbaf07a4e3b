"""Django's PostgreSQL backend with a limit for each wait for the server.

PostgreSQL ends slow statements itself, unless it is frozen, for example while its machine swaps.
The system still accepts and confirms what is sent to it, so that no limit of libpq applies.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from shortvideo.bounded_postgresql.moments import MomentLoader

_CHECK_SECONDS: Final = 1.0  # for the answer of an idle connection, before it is used
# After a connection timed out. Otherwise each request that waits for a thread would find out anew.
_REFUSING_SECONDS: Final = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Named by `ENGINE`. Takes Django's options, and `answer_timeout` in seconds."""

    _refuses_until = 0.0  # of time.monotonic(), for all threads
    _seconds: float | None = None

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        self._seconds = params.pop("answer_timeout", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if time.monotonic() < DatabaseWrapper._refuses_until:
            raise psycopg.OperationalError("the server did not answer a moment ago")
        try:
            connection = super().get_new_connection(conn_params)
        except psycopg.errors.ConnectionTimeout:
            if self._seconds is not None:
                DatabaseWrapper._refuses_until = time.monotonic() + _REFUSING_SECONDS
            raise
        connection.adapters.register_loader("timestamptz", MomentLoader)
        patient = connection.wait

        def wait(*arguments: Any, **options: Any) -> Any:
            try:
                return patient(*arguments, **{"timeout": self._seconds, **options})
            except psycopg.OperationalError:
                if connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
                    connection.pgconn.finish()  # the answer could still come: to another question
                raise

        connection.wait = wait
        return connection

    def is_usable(self) -> bool:
        with self._answer_within(_CHECK_SECONDS):
            is_usable: bool = super().is_usable()
            return is_usable

    @contextmanager
    def _answer_within(self, seconds: float) -> Iterator[None]:
        before = self._seconds
        self._seconds = seconds
        try:
            yield
        finally:
            self._seconds = before
