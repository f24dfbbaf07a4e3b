"""Regular expressions from requests.

A search may take hours, so a process of its own does it, and is ended in time.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

_SECONDS: Final = 2.0
_BYTES: Final = 512 * 1024 * 1024
_SEARCH: Final = f"""
import contextlib, json, re, resource, sys
with contextlib.suppress(OSError, ValueError):  # macOS has no such limit
    resource.setrlimit(resource.RLIMIT_AS, ({_BYTES}, {_BYTES}))
pattern, texts = json.load(sys.stdin)
found = re.compile(pattern)
json.dump([text for text in texts if found.search(text)], sys.stdout)
"""


class PatternError(ValueError):
    """The text is not a regular expression, or its search takes too long."""


def matching(pattern: str, texts: Sequence[str]) -> list[str]:
    """The texts in which the pattern is found. Raises PatternError."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _SEARCH],
            input=json.dumps([pattern, texts]),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise PatternError from error
    found: list[str] = json.loads(done.stdout)
    return found
