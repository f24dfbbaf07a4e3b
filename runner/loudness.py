"""Which lines of the parts a quiet terminal shows: warnings, errors and tracebacks."""

import re

LEVEL = re.compile(
    r'\[(\w+) *\]|^(\w+) [\w.]+: |"level": "(\w+)"'  # structlog and gunicorn, localvod, JSON
)
QUIET = frozenset({"debug", "info"})
LOUD = frozenset({"warning", "error", "critical"})
GREETING = "listening on "  # localvod's first line


class Loudness:
    """Judges line by line. An indented line belongs to the line before it."""

    def __init__(self) -> None:
        self._was_loud: dict[str, bool] = {}

    def is_loud(self, name: str, line: str, *, is_loud_by_itself: bool) -> bool:
        """Whether to show this line of the part `name`.

        A line without a level is shown if `is_loud_by_itself`: what a program says outside of its
        log is its last word, as a rule.
        """
        if line[:1].isspace() or not line:
            return self._was_loud.get(name, False)
        words = (word.lower() for found in LEVEL.finditer(line) for word in found.groups() if word)
        level = next((word for word in words if word in QUIET | LOUD), "")
        by_itself = is_loud_by_itself and not line.startswith(GREETING)
        loud = level in LOUD if level else by_itself
        self._was_loud[name] = loud
        return loud
