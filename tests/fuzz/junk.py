"""Junk values and names, chosen by a seeded generator."""

from collections.abc import Sequence
from random import Random
from typing import Final

LOOKUPS: Final = (
    "exact", "iexact", "regex", "iregex", "contains", "startswith", "in", "isnull", "gt", "lte",
    "range", "year", "date", "day", "time", "isempty", "length", "has_key", "0", "bogus",
)  # fmt: skip
# Django's own names of the query string of lists, popups, forms, histories and autocompletion.
VARIABLES: Final = (
    "o", "q", "p", "e", "all", "_popup", "_to_field", "_facets", "_changelist_filters", "next",
    "term", "app_label", "model_name", "field_name", "page", "_saveasnew", "_selected_action",
    "attention", "deleted", "state", "heal", "",
)  # fmt: skip
_VALUES: Final = (
    "", " ", "0", "1", "-1", "2", "yes", "no", "true", "True", "None", "null", "abc", "+", "-", ".",
    "__", "id", "pk", "secret", "password", "%", "%s", "%(x)s", "{x}", "{{ x }}", "{% x %}", "''",
    "' OR 1=1 --", "\\", "/", "//", "..", "../../etc/passwd", "//example.com", "javascript:x",
    "\0", "a\0b", "\x01\x1b[31m", "\r\nX: y", "\ufeff", "\u202e", "\u200b", "\ufffe", "İ", "ß",
    "𠮷", "١٢٣", "１２", "²", "1_000", "1e3", "1e400", "NaN", "Infinity", "-0", "0x10", "1.5", "+1",
    "32767", "32768", "2147483647", "2147483648", "-2147483649", "4294967296",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "99999999999999999999",
    "9" * 400, "9" * 5000, "a" * 300, "a " * 1500, "é" * 3000, "," * 50, "1,2,3", "1,abc",
    "0001-01-01", "0001-01-02", "9999-12-30", "9999-12-31", "10000-01-01", "0000-00-00",
    "2026-02-30", "2026-W01-1", "20260101", "1900-01-01", "2026-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "9999-12-31 23:59:59",
    "0001-01-01 00:00:00", "00:00", "23:59:59.999999", "24:00",
    "^(([0-9a-f])+)+Z$", "(", "[", "a{99999}", "[]", "{}", '{"a": 1}', "[1, 2]", "[" * 2000,
    "00000000-0000-0000-0000-000000000000", "videos", "video", "uploader", "operator", "user",
    "groups", "accounts", "content_type", "1.2.3", "-1.-2", "1.-99", "." * 200,
)  # fmt: skip


class Junk:
    """A source of junk: the same numbers, the same junk."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def value(self, *good: str) -> str:
        """A bad value; now and then a good one, or a mixture."""
        dice = self.random.random()
        if good and dice < 0.25:
            return self.random.choice(good)
        if dice < 0.85:
            return self.random.choice(_VALUES)
        return self._mixture(self.random.choice(good or _VALUES))

    def _mixture(self, text: str) -> str:
        """The text with another in it, at any place."""
        at = self.random.randrange(len(text) + 1)
        return text[:at] + self.random.choice(_VALUES) + text[at + self.random.randrange(2) :]

    def name(self, *paths: str, own: Sequence[str] = ()) -> str:
        """A parameter of the page, a lookup, a variable of Django, or no name at all."""
        if own and self.random.random() < 0.4:
            return self.random.choice(own)
        dice = self.random.random()
        if paths and dice < 0.35:
            return self.random.choice(paths)
        if paths and dice < 0.6:
            return f"{self.random.choice(paths)}__{self.random.choice(LOOKUPS)}"
        return self.random.choice(VARIABLES) if dice < 0.95 else self.value()

    def json(self, depth: int = 0) -> object:
        """Any JSON value."""
        dice = self.random.random()
        if depth < 4 and dice < 0.2:
            return [self.json(depth + 1) for _ in range(self.random.randrange(4))]
        if depth < 4 and dice < 0.4:
            return {self.value(): self.json(depth + 1) for _ in range(self.random.randrange(4))}
        if dice < 0.6:
            return self.random.choice((None, True, False, 0, -1, 1.5, 10**30, 1e308, "\ud800"))
        return self.value()
