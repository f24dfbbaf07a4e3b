"""`manage.py check`: warn of missing settings of VOD, and of missing triggers."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError

from videos.catalogue import counts
from videos.models import append_only

_NO_KEY = "VOD and the CDN refuse every call"
CONSEQUENCES = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": ("videos.W007", _NO_KEY),
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ("videos.W008", _NO_KEY),
    "CDN_DOMAINS": ("videos.W001", "nothing is purged or prefetched, and pages show no media"),
    "VOD_CALLBACK_URL": ("videos.W002", "every callback is refused"),
    "VOD_CALLBACK_KEY": ("videos.W003", "every callback is refused"),
    "VOD_TRANSCODE_TEMPLATE_GROUP_ID": ("videos.W004", "standard transcoding is refused"),
    "VOD_NARROWBAND_TEMPLATE_GROUP_ID": ("videos.W005", "Narrowband HD is refused"),
}


def check_vod_settings(*_: object, **__: object) -> list[CheckMessage]:
    """Warn of each empty setting."""
    hint = "See docs/configuration.md."
    return [
        CheckWarning(f"{name} is not set: {consequence}.", hint=hint, id=number)
        for name, (number, consequence) in CONSEQUENCES.items()
        if not getattr(settings, name)
    ]


def check_triggers(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn if the log of decisions can be changed, or if videos are not counted.

    Runs with `manage.py check --database default`.
    """
    found: list[CheckMessage] = []
    for alias in databases or ():
        if _lacks(append_only.is_installed, alias):
            found.append(
                CheckWarning(
                    f"The log of decisions in the database {alias!r} is not append-only.",
                    hint="Its triggers are missing: `manage.py migrate` installs them.",
                    id="videos.W006",
                )
            )
        if _lacks(counts.are_kept, alias):
            found.append(
                CheckWarning(
                    f"Changes of videos in the database {alias!r} are not counted.",
                    hint="Triggers are missing: `manage.py migrate videos 0024`, then `migrate`.",
                    id="videos.W009",
                )
            )
    return found


def _lacks(has_triggers: Callable[[str], bool], alias: str) -> bool:
    """False too for a database that cannot be used: another check reports that."""
    try:
        return not has_triggers(alias)
    except DatabaseError:
        return False
