"""Text as it is compared and shown: the same on every database and page."""

import unicodedata

from django.utils.html import format_html
from django.utils.safestring import SafeString

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
# Letters and a symbol without a picture, for example the Hangul filler.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0\ufe0e\ufe0f")
# An isolate ends at the end of a paragraph, and at a pop character of the text.
_ENDS_OF_ISOLATES = {
    **dict.fromkeys(map(ord, "\n\r\x1c\x1d\x1e\x85\u2029"), " "),
    **dict.fromkeys(range(0x2066, 0x206A)),
}


def folded(text: str) -> str:
    """NFKC and case-folded: what search columns hold and what is searched for.

    All four letters i are one: `istanbul` finds `İstanbul`, and `ışık` finds `IŞIK`. After a change
    of this function `manage.py fold_search_columns` must run.
    """
    folded_text = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded_text).replace("i\u0307", "i").replace("ı", "i")


def cut_to_bytes(text: str, limit: int) -> str:
    """The longest beginning of `text` that has at most `limit` bytes of UTF-8."""
    return text.encode()[:limit].decode(errors="ignore")


def is_blank(text: str) -> bool:
    """Whether nothing of the text is visible: white space, zero-width and control characters."""
    return all(
        unicodedata.category(character) in ("Zs", "Zl", "Zp", "Cc", "Cf") or character in _INVISIBLE
        for character in text
    )


def isolated(text: str) -> str:
    """A name from outside, in any script and direction, so that it turns no sentence around it."""
    return f"{FIRST_STRONG_ISOLATE}{text.translate(_ENDS_OF_ISOLATES)}{POP_ISOLATE}"


class NamedOutside:
    """A row whose name was written outside: isolated as text, a <bdi> in HTML."""

    @property
    def label(self) -> str:
        """The name as it was written."""
        raise NotImplementedError

    def __html__(self) -> SafeString:
        return format_html("<bdi>{}</bdi>", self.label)


def first_line(error: Exception) -> str:
    """Return the first line of an error's text without its full stop: PostgreSQL adds hints."""
    return str(error).strip().partition("\n")[0].rstrip(".")
