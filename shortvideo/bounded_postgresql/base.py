"""Django's PostgreSQL backend with a limit for each wait for the server.

PostgreSQL ends slow statements itself, unless it is frozen, for example while its machine swaps.
The system still accepts and confirms what is sent to it, so that no limit of libpq applies.
"""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.db.backends.postgresql import base
from psycopg import sql
from psycopg.pq import Format, TransactionStatus

from shortvideo.bounded_postgresql.moments import MomentLoader

_CHECK_SECONDS: Final = 1.0  # for the answer of an idle connection, before it is used
# A connection that answered this recently is not asked again, unless its socket says something.
_RECENT_SECONDS: Final = 1.0
_PLANNED_AFTER: Final = 1  # uses of a statement of `planning_cursor`
# After a connection timed out. Otherwise each request that waits for a thread would find out anew.
_REFUSING_SECONDS: Final = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Named by `ENGINE`. Takes Django's options, and `answer_timeout` in seconds."""

    _refuses_until = 0.0  # of time.monotonic(), for all threads
    _seconds: float | None = None
    _answered_at = 0.0  # of time.monotonic()

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        self._seconds = params.pop("answer_timeout", None)
        params["prepare_threshold"] = _PLANNED_AFTER
        return params

    def planning_cursor(self) -> Any:
        """A cursor whose statements PostgreSQL parses and plans once for this connection.

        For statements with constant text that run often: Django's own cursor writes values into it.
        """
        if self.queries_logged:  # in DEBUG and tests: the log shows values, not $1
            return self.cursor()
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor: Any = base.ServerBindingCursor(self.connection)  # type: ignore[call-arg]  # the stubs lack it
            cursor.format = Format.BINARY  # psycopg reads numbers and times much faster
            return self._prepare_cursor(cursor)  # type: ignore[attr-defined]  # Django's own

    def literal(self, value: Any) -> str:
        """The value as it is written in SQL."""
        self.ensure_connection()
        return sql.Literal(value).as_string(self.connection)

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
                answer = patient(*arguments, **{"timeout": self._seconds, **options})
                self._answered_at = time.monotonic()
                return answer
            except psycopg.OperationalError:
                if connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
                    connection.pgconn.finish()  # the answer could still come: to another question
                raise

        connection.wait = wait
        return connection

    def is_usable(self) -> bool:
        """Whether the server answers. Where it answered just now, whether the socket is silent.

        A server that stops, restarts or ends the session says so, or closes the socket.
        """
        is_recent = time.monotonic() - self._answered_at < _RECENT_SECONDS
        if is_recent and not self.connection.closed and not self._has_news():
            return True
        with self._answer_within(_CHECK_SECONDS):
            is_usable: bool = super().is_usable()
            return is_usable

    def _has_news(self) -> bool:
        """Whether the socket has something to read, or is closed by the server."""
        news = select.poll()  # select() takes no descriptor above 1,023
        news.register(self.connection.fileno(), select.POLLIN)
        return bool(news.poll(0))

    @contextmanager
    def _answer_within(self, seconds: float) -> Iterator[None]:
        before = self._seconds
        self._seconds = seconds
        try:
            yield
        finally:
            self._seconds = before
