"""How values look: badges, durations, sizes. Also the template library `desk`."""

from collections.abc import Mapping
from datetime import datetime

from django import template
from django.db.models import Choices
from django.template.defaultfilters import filesizeformat
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from shortvideo.moments import zone_name
from shortvideo.text import FIRST_STRONG_ISOLATE, POP_ISOLATE, NamedOutside, is_blank

register = template.Library()
register.simple_tag(zone_name, name="zone")

NOTHING = "–"
# The tone of a status; shell.css has the colours of each.
_TONES: Mapping[str, str] = {
    "success": "good",
    "done": "good",
    "pass": "good",
    "verified": "good",
    "Normal": "good",
    "fail": "bad",
    "failed": "bad",
    "refused": "bad",
    "given_up": "bad",
    "stuck": "bad",
    "error": "bad",
    "block": "bad",
    "Blocked": "bad",
    "check": "attention",
    "review": "attention",
    "Review": "attention",
    "waiting": "attention",
    "onCensor": "busy",
    "onTranscode": "busy",
    "onSnapshot": "busy",
    "submitted": "busy",
    "under_way": "busy",
    "leased": "busy",
    "running": "busy",
}


@register.simple_tag
def badge(value: str, label: str) -> SafeString:
    """A status as colour and text; a dash if it is empty."""
    if not value:
        return format_html('<span class="quiet" title="{}">{}</span>', label, NOTHING)
    return toned(label, _TONES.get(value, "neutral"))


@register.simple_tag
def toned(label: str, tone: str) -> SafeString:
    return format_html('<span class="badge badge-{}">{}</span>', tone, label)


def choice_badge(choices: type[Choices], value: str) -> SafeString:
    """The badge of a choice, with its label."""
    return badge(value, str(choices(value).label))


def waited(start: datetime, end: datetime) -> str:
    """The time between two moments in its largest unit, for example "3 hours"."""
    return timesince(start, end, depth=1)


@register.filter
def clock(seconds: float) -> str:
    """1:05 for 65 seconds, 1:00:05 for an hour and five seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


@register.filter
def milliseconds_clock(milliseconds: float) -> str:
    """0:03.0 for 3,005 ms."""
    seconds = milliseconds / 1000
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


@register.filter
def file_size(size: int) -> str:
    return filesizeformat(size) if size else NOTHING


@register.filter
def bitrate(kilobits: float) -> str:
    """A bitrate in kbit/s, VOD's unit."""
    return _("%(rate)s kbit/s") % {"rate": f"{kilobits:,.0f}"} if kilobits else NOTHING


@register.filter
def bdi(value: object) -> SafeString:
    """What uploaders wrote, or a row named by them, in an element of its own direction."""
    if value is None or value == "":
        return SafeString(NOTHING)
    if isinstance(value, str):
        return format_html("<bdi>{}</bdi>", value)
    if isinstance(value, NamedOutside):
        return value.__html__()
    # Isolates are balanced in a row's text: see `isolated`.
    text: str = escape(str(value))
    text = text.replace(FIRST_STRONG_ISOLATE, "<bdi>").replace(POP_ISOLATE, "</bdi>")
    return mark_safe(text)  # noqa: S308 - escaped above


def title(text: str) -> SafeString:
    """The title of a clip."""
    return SafeString(_("Untitled")) if is_blank(text) else bdi(text)
