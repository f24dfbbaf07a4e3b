"""The Match grammar of SearchMedia, for videos.

    match     := term { "and" term }
    term      := condition | "(" term { "and" term } ")" | "(" term { "or" term } ")"
    condition := field "=" value | field "in" "(" value { "," value } ")"
               | field "=" ( "(" | "[" ) value "," value ( ")" | "]" )
    value     := 'text' | number

A round bracket excludes the end of a range, a square bracket includes it. Where VOD documents
nothing, the stricter rule holds: keywords are in lower case, parentheses never mix `and` with `or`,
a text cannot contain a single quote, and a field takes only the kinds of match that are documented
for it. Fuzzy matches ignore case.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, NoReturn

from localvod import clock

_LARGEST_ID_COUNT = 100
_LARGEST_DEPTH = 20

_Row = Mapping[str, object]
_Value = str | float
Window = tuple[datetime | None, datetime | None]


class MatchSyntaxError(ValueError):
    """A Match that VOD would refuse; the message says what is wrong and what is allowed."""


class Kind(Enum):
    EXACT = "Field = 'value'"
    FUZZY = "Field = 'part of the value'"
    MULTI = "Field in ('a','b')"
    RANGE = "Field = ('from','to'), either bracket round or square"


class Type(Enum):
    TEXT = "a text in single quotes"
    NUMBER = "a number"
    TIME = "a time such as '2026-01-31T08:00:00Z'"


class Field(NamedTuple):
    type: Type
    kinds: frozenset[Kind]


_IDENTITY = Field(Type.TEXT, frozenset({Kind.EXACT, Kind.MULTI}))
_WORDS = Field(Type.TEXT, frozenset({Kind.FUZZY, Kind.MULTI}))
_CHOICE = Field(Type.TEXT, frozenset({Kind.MULTI}))
_NUMBER_RANGE = Field(Type.NUMBER, frozenset({Kind.RANGE}))
_TIME_RANGE = Field(Type.TIME, frozenset({Kind.RANGE}))

FIELDS: Mapping[str, Field] = {
    "VideoId": _IDENTITY,
    "CateId": Field(Type.NUMBER, frozenset({Kind.EXACT})),
    "StorageLocation": _IDENTITY,
    "Title": _WORDS,
    "Tags": _WORDS,
    "Description": Field(Type.TEXT, frozenset({Kind.FUZZY})),
    "Status": _CHOICE,
    "AppId": _CHOICE,
    "MediaSource": _CHOICE,
    "PreprocessStatus": _CHOICE,
    "Size": _NUMBER_RANGE,
    "Duration": _NUMBER_RANGE,
    "CreationTime": _TIME_RANGE,
    "ModificationTime": _TIME_RANGE,
}


class Expression(ABC):
    """A parsed Match. Rows have the fields of SearchMedia, with times as texts."""

    @abstractmethod
    def matches(self, row: _Row) -> bool: ...

    def creation_window(self) -> Window:
        """The earliest and latest CreationTime of a match, both included; None is unbounded."""
        return None, None

    def video_ids(self) -> set[str] | None:
        """The only ids that can match; None if any id can."""
        return None


@dataclass(frozen=True)
class All(Expression):
    """Matches if every part does; without parts, matches everything."""

    parts: tuple[Expression, ...]

    def matches(self, row: _Row) -> bool:
        return all(part.matches(row) for part in self.parts)

    def creation_window(self) -> Window:
        windows = [part.creation_window() for part in self.parts]
        starts = [start for start, _ in windows if start is not None]
        ends = [end for _, end in windows if end is not None]
        return max(starts, default=None), min(ends, default=None)

    def video_ids(self) -> set[str] | None:
        limits = [ids for part in self.parts if (ids := part.video_ids()) is not None]
        return set.intersection(*limits) if limits else None


@dataclass(frozen=True)
class AnyOf(Expression):
    """Matches if at least one part does."""

    parts: tuple[Expression, ...]

    def matches(self, row: _Row) -> bool:
        return any(part.matches(row) for part in self.parts)

    def creation_window(self) -> Window:
        windows = [part.creation_window() for part in self.parts]
        starts = [start for start, _ in windows if start is not None]
        ends = [end for _, end in windows if end is not None]
        return (
            min(starts) if len(starts) == len(windows) else None,
            max(ends) if len(ends) == len(windows) else None,
        )

    def video_ids(self) -> set[str] | None:
        limits = [part.video_ids() for part in self.parts]
        known = [ids for ids in limits if ids is not None]
        return set.union(*known) if len(known) == len(limits) else None


@dataclass(frozen=True)
class OneOf(Expression):
    """The field equals one of the values."""

    field: str
    values: frozenset[str | float]

    def matches(self, row: _Row) -> bool:
        return row.get(self.field) in self.values

    def video_ids(self) -> set[str] | None:
        return {str(value) for value in self.values} if self.field == "VideoId" else None


@dataclass(frozen=True)
class Contains(Expression):
    """The field contains one of the texts (casefolded)."""

    field: str
    texts: tuple[str, ...]

    def matches(self, row: _Row) -> bool:
        value = str(row.get(self.field) or "").casefold()
        return any(text in value for text in self.texts)


@dataclass(frozen=True)
class Within(Expression):
    """The field lies between two bounds of one type; a row without the field does not match."""

    field: str
    low: _Value
    high: _Value
    is_low_included: bool
    is_high_included: bool

    def matches(self, row: _Row) -> bool:
        value: Any = row.get(self.field)
        if isinstance(value, str) is not isinstance(self.low, str) or value is None:
            return False
        low, high = self.low, self.high
        is_after = value >= low if self.is_low_included else value > low
        return bool(is_after and (value <= high if self.is_high_included else value < high))

    def creation_window(self) -> Window:
        if self.field != "CreationTime":
            return None, None
        return clock.parse_time(str(self.low)), clock.parse_time(str(self.high))


def parse_match(match: str) -> Expression:
    """Parse a Match; an empty one matches everything. Raises MatchSyntaxError."""
    return _Parser(match).parse()


_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<text>'[^']*')|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))"
    r"|(?P<name>[A-Za-z]\w*)|(?P<mark>[()\[\],=])",
    re.ASCII,
)
_CLOSERS = {"(": ")", "[": "]"}


class _Token(NamedTuple):
    kind: str
    text: str
    position: int

    def __str__(self) -> str:
        return f"`{self.text}` at character {self.position + 1}" if self.text else "the end"


def _tokens(match: str) -> Iterator[_Token]:
    position = 0
    while position < len(match):
        found = _TOKEN.match(match, position)
        if found is None:
            raise MatchSyntaxError(_explain_unreadable(match, position))
        if found.lastgroup != "space":
            yield _Token(str(found.lastgroup), found.group(), position)
        position = found.end()
    yield _Token("end", "", len(match))


def _explain_unreadable(match: str, position: int) -> str:
    character, place = match[position], f"at character {position + 1}"
    if character == "'":
        return f"The text that begins {place} has no closing single quote."
    if character == '"':
        return f"Texts stand in single quotes, not double ones ({place})."
    if not character.isascii():
        return f"Outside quotes only ASCII characters are allowed, not `{character}` ({place})."
    return f"`{character}` {place} means nothing in a Match."


class _Parser:
    def __init__(self, match: str) -> None:
        self._tokens = list(_tokens(match))
        self._next = 0
        self._depth = 0

    def parse(self) -> Expression:
        if self._token.kind == "end":
            return All(())
        parts = [self._term()]
        while self._accept("and"):
            parts.append(self._term())
        if self._token.text == "or":
            raise MatchSyntaxError("Conditions joined by `or` must stand in parentheses: (A or B).")
        if self._token.kind != "end":
            self._refuse("`and` or the end")
        return _join(All, parts)

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._token
        self._next += 1
        return token

    def _accept(self, text: str) -> bool:
        is_there = self._token.text == text
        self._next += is_there
        return is_there

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            self._refuse(f"`{text}`")

    def _refuse(self, expected: str) -> NoReturn:
        raise MatchSyntaxError(f"Expected {expected} instead of {self._token}.")

    def _term(self) -> Expression:
        return self._group() if self._accept("(") else self._condition()

    def _group(self) -> Expression:
        self._depth += 1
        if self._depth > _LARGEST_DEPTH:
            raise MatchSyntaxError(f"More than {_LARGEST_DEPTH} parentheses stand in each other.")
        parts, joint = [self._term()], self._token.text
        while joint in {"and", "or"} and self._accept(joint):
            parts.append(self._term())
        if self._token.text in {"and", "or"}:
            raise MatchSyntaxError(
                f"`and` and `or` are mixed before {self._token}: add parentheses."
            )
        self._expect(")")
        self._depth -= 1
        return _join(AnyOf if joint == "or" else All, parts)

    def _condition(self) -> Expression:
        if self._token.kind != "name" or self._token.text in {"and", "or", "in"}:
            self._refuse("a field")
        name = self._take().text
        if name not in FIELDS:
            raise MatchSyntaxError(
                f"Videos cannot be searched by `{name}`, only by {', '.join(FIELDS)}."
            )
        if self._accept("in"):
            return self._multi(name)
        self._expect("=")
        if self._token.text in _CLOSERS:
            return self._range(name)
        return self._single(name)

    def _single(self, name: str) -> Expression:
        kinds = FIELDS[name].kinds
        if Kind.FUZZY in kinds:
            return Contains(name, (str(self._value(name)).casefold(),))
        _require_kind(name, Kind.EXACT)
        return OneOf(name, frozenset({self._value(name)}))

    def _multi(self, name: str) -> Expression:
        _require_kind(name, Kind.MULTI)
        self._expect("(")
        values = [self._value(name)]
        while self._accept(","):
            values.append(self._value(name))
        self._expect(")")
        if name == "VideoId" and len(values) > _LARGEST_ID_COUNT:
            raise MatchSyntaxError(
                f"VideoId in (...) takes at most {_LARGEST_ID_COUNT} ids, not {len(values)}."
            )
        if Kind.FUZZY in FIELDS[name].kinds:
            return Contains(name, tuple(str(value).casefold() for value in values))
        return OneOf(name, frozenset(values))

    def _range(self, name: str) -> Expression:
        _require_kind(name, Kind.RANGE)
        opener = self._take().text
        low = self._value(name)
        self._expect(",")
        high = self._value(name)
        if self._token.text not in _CLOSERS.values():
            self._refuse("`)` or `]`")
        return Within(name, low, high, opener == "[", self._take().text == "]")

    def _value(self, name: str) -> _Value:
        """Take the next value, which must fit the field's type; numbers become float."""
        token, wanted = self._token, FIELDS[name].type
        text = token.text[1:-1] if token.kind == "text" else token.text
        is_value = token.kind == "text" or (token.kind == "number" and wanted is Type.NUMBER)
        if not is_value or not _CHECKS[wanted](text):
            self._refuse(f"{wanted.value} for {name}")
        self._take()
        return float(text) if wanted is Type.NUMBER else text


def _join(kind: type[All | AnyOf], parts: Sequence[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _require_kind(name: str, kind: Kind) -> None:
    kinds = FIELDS[name].kinds
    if kind not in kinds:
        allowed = " or ".join(each.value.replace("Field", name) for each in Kind if each in kinds)
        raise MatchSyntaxError(f"{name} is searched as {allowed}.")


def _is_time(text: str) -> bool:
    try:
        return clock.format_time(clock.parse_time(text)) == text
    except ValueError:
        return False


_CHECKS: Mapping[Type, Callable[[str], bool]] = {
    Type.TEXT: bool,
    Type.NUMBER: lambda text: re.fullmatch(r"-?\d{1,18}(\.\d{1,9})?", text, re.ASCII) is not None,
    Type.TIME: _is_time,
}
