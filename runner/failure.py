"""The one way in which a command of `run.py` fails."""

import errno


class Failure(Exception):
    """One sentence for the person at the terminal: what is wrong, and what would help."""


def sentence_for(error: OSError) -> str:
    """What an error of the operating system means for the person at the terminal."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full ({error.filename or 'while writing'}): free some space first."
    return f"{error.strerror or error}: {error.filename or 'no file named'}."
