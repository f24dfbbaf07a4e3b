"""The error that ends a command of `run.py`."""

import errno


class Failure(Exception):
    """One sentence for the person at the terminal: the cause, and what helps."""


def describe_os_error(error: OSError) -> str:
    """One sentence for the person at the terminal."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full ({error.filename or 'while writing'}): free some space first."
    return f"{error.strerror or error}: {error.filename or 'no file named'}."
