"""Clean external data for storage: texts without characters that databases refuse, UTC times."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shortvideo.moments import within_range

_MAX_DEPTH = 20


def clean_text(value: str) -> str:
    """Return the text without NUL characters and lone surrogates, which databases refuse."""
    if value.isascii():
        return value.replace("\x00", "")
    return value.replace("\x00", "").encode(errors="replace").decode()


def clean(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with all texts cleaned. Raises ValueError if it is nested too deep."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def parse_moment(text: str) -> datetime | None:
    """Parse `2022-10-20T10:29:46Z`, also with `.540Z` or, in some events, `:540Z`; else None.

    None too beyond the calendar that databases and time zones share.
    """
    text = text.strip()
    if text.count(":") == 3:
        text = ".".join(text.rsplit(":", 1))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    limited = within_range(moment)
    return limited if limited == moment else None
