"""Why somebody could not log in."""


class WrongCredentials(Exception):
    """No such operator, another password, or an account that may not log in: never told which."""


class TooManyAttempts(Exception):
    """Too many failures of late; the password was not even looked at."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Try again in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds
