"""The commands of the review page, and their keys as browsers name them (`event.key`)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shortvideo.text import is_blank


class Command(NamedTuple):
    key: str  # the default
    label: Promise


COMMANDS: Final[Mapping[str, Command]] = {
    "approve": Command("a", gettext_lazy("Approve")),
    "block": Command("b", gettext_lazy("Block; then 1 to 9 for a reason, or this key to type one")),
    "skip": Command("s", gettext_lazy("Skip: leave it to others")),
    "undo": Command("u", gettext_lazy("Undo the last decision, then the one before")),
    "escalate": Command("e", gettext_lazy("Escalate to a role or a colleague")),
    "note": Command("n", gettext_lazy("Write a note for colleagues")),
    "previous": Command("p", gettext_lazy("Show the clip that you decided before")),
    "reverse": Command("v", gettext_lazy("Reverse your last decision, with a reason")),
    "correct": Command("c", gettext_lazy("Change the reason of your last block")),
    "pause": Command(" ", gettext_lazy("Pause or play")),
    "back": Command("ArrowLeft", gettext_lazy("Two seconds back")),
    "forward": Command("ArrowRight", gettext_lazy("Two seconds on")),
    "hit": Command("h", gettext_lazy("Next hit of the AI")),
    "speed": Command("x", gettext_lazy("Speed: 1 to 2")),
    "sound": Command("m", gettext_lazy("Sound on or off")),
    "reveal": Command("r", gettext_lazy("Show a blurred or grey clip as it is")),
    "fullscreen": Command("f", gettext_lazy("Full screen")),
    "details": Command("d", gettext_lazy("All details")),
    "unskip": Command("o", gettext_lazy("Show skipped clips again")),
    "help": Command("?", gettext_lazy("These keys; 1 to 9 block with a reason at once")),
}
# Keys with names, and how they are shown.
_NAMED: Final = {
    " ": "Space",
    "ArrowLeft": "←",
    "ArrowRight": "→",
    "ArrowUp": "↑",
    "ArrowDown": "↓",
    "Home": "Home",
    "End": "End",
    "PageUp": "PageUp",
    "PageDown": "PageDown",
    "Insert": "Insert",
}
_SPELLINGS: Final = {
    spelling.lower(): key for key, shown in _NAMED.items() for spelling in (key, shown)
}
_MODIFIERS: Final = frozenset({"shift", "control", "ctrl", "alt", "altgraph", "meta", "capslock"})


def keys_of(own: Mapping[str, str]) -> dict[str, str]:
    """The key of each command: the operator's own one, else the default.

    "" if an own key took the default: of a command that is newer than the operator's choice.
    """
    taken = {key for command, key in own.items() if command in COMMANDS}
    return {
        name: own.get(name) or ("" if command.key in taken else command.key)
        for name, command in COMMANDS.items()
    }


def show_key(key: str) -> str:
    """The key as people read it, such as "A", "Space" or "←"."""
    return _NAMED.get(key, key.upper() if len(key.upper()) == 1 else key)


def parse_key(text: str) -> str:
    """Return the key that a person typed. Raises ValidationError, which says what is wrong."""
    key = text if text == " " else text.strip().lower()
    if not key:
        raise ValidationError(_("Choose a key."))
    if key in _SPELLINGS:
        return _SPELLINGS[key]
    if key in _MODIFIERS:
        raise ValidationError(_("Shift, Ctrl, Alt and Meta do nothing alone. Choose another key."))
    if len(key) != 1 or is_blank(key):
        raise ValidationError(
            _("This is not one key. Choose a character or %(names)s.")
            % {"names": ", ".join(_NAMED.values())}
        )
    if key in "123456789":
        raise ValidationError(_("1 to 9 block with a reason. Choose another key."))
    return key
