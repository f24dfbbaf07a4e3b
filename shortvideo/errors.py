"""Why an operation is refused: the one exception that services raise for a person to read."""


class InvalidState(Exception):
    """The state of a row does not allow the operation. str() is one sentence, safe to show."""
