"""Progress of a command on standard error: a bar on a terminal, elsewhere a line now and then."""

import sys
from typing import Any, Final

from tqdm import tqdm

_LINE_SECONDS: Final = 10.0


class Progress(tqdm):  # type: ignore[type-arg]  # it counts, and iterates over nothing
    """The first line comes at once, so that a command never looks like a hang."""

    def __init__(self, command: str, **options: Any) -> None:
        if not sys.stderr.isatty():
            words = "{desc}: {n_fmt} of {total_fmt} {unit}s, {elapsed}"
            options = {
                "bar_format": words,
                **options,
                "file": _Lines(),
                "mininterval": _LINE_SECONDS,
            }
        super().__init__(desc=command, **options)


class _Lines:
    """Standard error as whole lines, where a terminal would redraw one."""

    def write(self, text: str) -> None:
        if line := text.strip():
            sys.stderr.write(f"{line}\n")

    def flush(self) -> None:
        sys.stderr.flush()
