"""Text as it is compared and shown: the same on every database and page."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
# Default_Ignorable_Code_Point: all characters that show nothing where nothing else uses them. From
# https://www.unicode.org/Public/17.0.0/ucd/DerivedCoreProperties.txt, as ranges for `re`.
_DEFAULT_IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# With control characters, marks of annotations, an empty Braille cell and a note without a head.
_UNSEEN = rf"\x00-\x1f\x7f-\x9f\ufff9-\ufffb\u2800\U0001d159{_DEFAULT_IGNORABLE}"
_VISIBLE = re.compile(rf"[^\s{_UNSEEN}]")
_INVISIBLE = re.compile(rf"[{_UNSEEN}]")
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
    """Whether nothing of the text is visible: only white space and characters that show nothing."""
    return _VISIBLE.search(text) is None


def has_invisible(text: str) -> bool:
    """Whether a character, white space aside, shows nothing, for example a variation selector."""
    return _INVISIBLE.search(text) is not None


def check_name(name: str) -> None:
    """Raise ValidationError for a character that shows nothing: the name looks like another."""
    if has_invisible(name):
        raise ValidationError(_("The name has a character that shows nothing."))


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
