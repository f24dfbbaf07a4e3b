"""The refusals of a login."""

from shortvideo.console.errors import Refusal
from shortvideo.errors import ErrorCode


class WrongCredentials(Refusal):
    """One message for an unknown name, a wrong password and a disabled account."""

    code = 401
    error_code = ErrorCode.WRONG_CREDENTIALS

    def __init__(self) -> None:
        super().__init__("The user name or the password is wrong, or the account is disabled.")


class TooManyAttempts(Refusal):
    """The account or the address is locked out; the password was not checked."""

    code = 429
    error_code = ErrorCode.TOO_MANY_ATTEMPTS

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many failed logins; try again in {retry_after_seconds} seconds.")
        self.headers = {"Retry-After": str(retry_after_seconds)}
