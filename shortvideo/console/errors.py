"""Refusals, and the one exception handler of the console, which makes envelopes of errors."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import DatabaseError, InterfaceError

from shortvideo.cloud import CloudUnavailable
from shortvideo.console.envelope import Envelope
from shortvideo.database import describe, is_timeout, is_unavailable
from shortvideo.errors import ErrorCode, InvalidState

logger = logging.getLogger(__name__)

RETRY_AFTER: Final = {"Retry-After": "5"}


class Refusal(Exception):
    """Why a request is refused. The text is one sentence for the client."""

    code = 500
    error_code = ErrorCode.DEFECT
    needs_login = False
    headers: Mapping[str, str] = {}

    def as_envelope(self) -> Envelope:
        return Envelope(str(self), None, self.code, self.needs_login, self.headers, self.error_code)


class BadParameter(Refusal):
    code = 400
    error_code = ErrorCode.BAD_PARAMETER


class Unreadable(BadParameter):
    """An unreadable query string or body; `may_hold_token` if the token could be in it."""

    def __init__(
        self,
        sentence: str,
        *,
        may_hold_token: bool,
        error_code: ErrorCode = ErrorCode.UNREADABLE_BODY,
    ) -> None:
        super().__init__(sentence)
        self.may_hold_token = may_hold_token
        self.error_code = error_code


class NotLoggedIn(Refusal):
    code = 403
    error_code = ErrorCode.NOT_LOGGED_IN
    needs_login = True

    def __init__(self) -> None:
        super().__init__(
            "The console token is missing, unknown, expired or revoked: please log in."
        )


class MissingPermission(Refusal):
    code = 403
    error_code = ErrorCode.MISSING_PERMISSION

    def __init__(self, permission: str) -> None:
        super().__init__(f"You lack the permission {permission}.")


class NotFound(Refusal):
    code = 404

    def __init__(self, sentence: str, error_code: ErrorCode = ErrorCode.NO_SUCH_VIDEO) -> None:
        super().__init__(sentence)
        self.error_code = error_code


class WrongMethod(Refusal):
    code = 405
    error_code = ErrorCode.WRONG_METHOD

    def __init__(self, allowed: str) -> None:
        super().__init__(f"This operation takes {allowed} only.")


class Conflict(Refusal):
    code = 409

    def __init__(self, sentence: str, error_code: ErrorCode) -> None:
        super().__init__(sentence)
        self.error_code = error_code


def refuse_with(refusal: Refusal, kind: type[Exception]) -> None:
    """Answer errors of this kind with the refusal. Apps register errors of their own rows."""
    _ENVELOPES[kind] = lambda _: refusal.as_envelope()


def envelope_of(error: Exception) -> Envelope:
    """Return the envelope of an error. An error of no known kind is a defect: logged, 500."""
    for kind, envelope in _ENVELOPES.items():
        if isinstance(error, kind):
            return envelope(error)
    return _server_error(error)


def _cloud_unavailable(error: CloudUnavailable) -> Envelope:
    logger.warning("cloud unavailable", exc_info=error)
    return _unavailable("VOD cannot be reached now; try again.", ErrorCode.VOD_UNAVAILABLE)


def _database_error(error: DatabaseError | InterfaceError) -> Envelope:
    if not is_unavailable(error):
        return _server_error(error)
    logger.warning("database unavailable", extra={"cause": describe(error)})
    sentence = "The database cannot be used now; try again."
    if is_timeout(error):
        sentence = "The database took too long; nothing changed, try again."
    return _unavailable(sentence, ErrorCode.DATABASE_UNAVAILABLE)


def _server_error(error: Exception) -> Envelope:
    logger.error("defect", exc_info=error)
    return Envelope(
        "This is a defect of the server; its log tells more under this requestId.",
        code=500,
        error_code=ErrorCode.DEFECT,
    )


def _unavailable(sentence: str, error_code: ErrorCode) -> Envelope:
    return Envelope(sentence, code=503, headers=RETRY_AFTER, error_code=error_code)


_ENVELOPES: dict[type[Exception], Callable[[Any], Envelope]] = {
    Refusal: lambda error: error.as_envelope(),
    InvalidState: lambda error: Envelope(str(error), code=409, error_code=error.error_code),
    CloudUnavailable: _cloud_unavailable,
    DatabaseError: _database_error,
    InterfaceError: _database_error,
}
