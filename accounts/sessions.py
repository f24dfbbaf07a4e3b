"""Sessions of the desk, with a longest life and a longest idle time (SESSION_ENGINE)."""

import time
from contextlib import suppress
from typing import Any, Final

from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import OperationalError

from shortvideo.database import without_waiting

_SHORTEST_KEY: Final = 8  # Django's limit
_STARTED_AT: Final = "started_at"
_USE_STORED_EVERY: Final = 60  # seconds


class SessionStore(DatabaseStore):
    """Ends DESK_SESSION_MAX_AGE after the login and DESK_SESSION_TTL after the last use.

    Django ends a session SESSION_COOKIE_AGE after it was last saved. A session in use is saved once
    a minute.
    """

    _loaded: dict[str, Any] | None = None

    def _validate_session_key(self, key: str | None) -> bool:
        """No other key was ever given out. PostgreSQL cannot even compare one with a NUL."""
        return bool(key and key.isascii() and key.isalnum() and len(key) >= _SHORTEST_KEY)

    def load(self) -> dict[str, Any]:
        row = self._get_session_from_db()  # type: ignore[attr-defined]  # not in the stubs
        data: dict[str, Any] = self.decode(row.session_data) if row else {}
        if row is None or not data:
            return data
        now = time.time()
        if now - data.get(_STARTED_AT, now) >= settings.DESK_SESSION_MAX_AGE:
            self._session_key = None
            return {}
        unused_seconds = settings.SESSION_COOKIE_AGE - (row.expire_date.timestamp() - now)
        # Below 0 in a session that was saved under a longer SESSION_COOKIE_AGE.
        if _STARTED_AT not in data or not 0 <= unused_seconds < _USE_STORED_EVERY:
            self.modified = True
        self._loaded = dict(data)
        return data

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001 - Django's signature
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # not in the stubs
        is_use_only = data == self._loaded
        data.setdefault(_STARTED_AT, int(time.time()))
        if not is_use_only:
            super().save(must_create)
            return
        # A page that only reads waits for no lock: its use is noted the next time.
        with suppress(UpdateError, OperationalError), without_waiting():
            super().save(must_create)

    def cycle_key(self) -> None:
        """Begin a new life: Django calls it at a login and after a change of the password."""
        self.pop(_STARTED_AT, None)
        super().cycle_key()
