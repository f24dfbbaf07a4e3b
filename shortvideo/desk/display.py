"""How values look: badges, durations, sizes. Also the template library `desk`."""

import json
from collections.abc import Mapping
from datetime import datetime

from django import template
from django.contrib.admin.models import LogEntry
from django.db.models import Choices
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shortvideo.desk.lists import way_back
from shortvideo.moments import zone_name
from shortvideo.text import FIRST_STRONG_ISOLATE, POP_ISOLATE, NamedOutside, is_blank

register = template.Library()
# What operators did with rows, by the name in the log.
_ACTIONS: Mapping[str, str] = {
    "add review IPs": gettext_noop("Review IPs added"),
    "archive again": gettext_noop("Archived again"),
    "delete": gettext_noop("Deleted"),
    "dismiss": gettext_noop("Dismissed"),
    "prefetch again": gettext_noop("Prefetched again"),
    "purge again": gettext_noop("Purged again"),
    "recommend": gettext_noop("Recommended"),
    "remove recommendation": gettext_noop("Removed from the recommended list"),
    "remove review IPs": gettext_noop("Review IPs removed"),
    "replay": gettext_noop("Replayed"),
    "resume": gettext_noop("Resumed"),
    "retry": gettext_noop("Retried"),
    "retry narrowband transcoding": gettext_noop("Transcoding to Narrowband HD retried"),
    "retry standard transcoding": gettext_noop("Transcoding retried"),
    "revoke": gettext_noop("Revoked"),
    "revoke all tokens": gettext_noop("All tokens revoked"),
    "submit narrowband transcoding": gettext_noop("Transcoded to Narrowband HD"),
    "submit standard transcoding": gettext_noop("Transcoded"),
    "take back": gettext_noop("Restored"),
    "unlock": gettext_noop("Unlocked"),
}
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


@register.simple_tag(name="way_back", takes_context=True)
def _way_back(context: template.Context) -> dict[str, str]:
    url, name = way_back(context.flatten())
    return {"url": url, "name": name}


@register.simple_tag
def badge(value: str, label: str) -> SafeString:
    """A status as colour and text; a dash if it is empty."""
    if not value:
        return format_html('<span class="quiet" title="{}">{}</span>', label, NOTHING)
    return toned(label, _TONES.get(value, "neutral"))


@register.simple_tag
def toned(label: str, tone: str) -> SafeString:
    return format_html('<span class="badge badge-{}">{}</span>', tone, label)


def named_video_link(vod_id: str) -> SafeString | str:
    """A link to the page of the video with this id in VOD, for apps that know no more of it."""
    if not vod_id:
        return NOTHING
    url = reverse("admin:videos_video_named", args=[vod_id])
    return format_html('<a href="{}"><code>{}</code></a>', url, vod_id)


def choice_badge(choices: type[Choices], value: str) -> SafeString:
    """The badge of a choice, with its label."""
    return badge(value, str(choices(value).label))


def waited(start: datetime, end: datetime) -> str:
    """The time between two moments in its largest unit, for example "3 hours"."""
    return timesince(start, end, depth=1)


@register.filter
def action_text(entry: LogEntry) -> str:
    """What an operator did, of an entry of the log: `accounts.journal` writes JSON."""
    try:
        action = json.loads(entry.change_message)["action"]
    except (ValueError, TypeError, KeyError):
        return entry.get_change_message()
    return _(_ACTIONS[action]) if action in _ACTIONS else capfirst(action)


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
