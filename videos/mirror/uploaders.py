"""Uploaders of videos, as the app's backend wrote them into the upload."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.db.models import Max
from django.utils import timezone

from accounts.models import Uploader
from shortvideo.cloud.types import MediaFacts
from shortvideo.cloud.types import Uploader as UploaderFacts
from shortvideo.text import folded
from videos.models import Video

USER_ID_LENGTH = 128


def import_uploaders(facts: Iterable[MediaFacts]) -> dict[str, Uploader]:
    """Create or update the uploaders that the facts name, and return them by user id.

    Only the newest video changes a name or picture, so that reading the videos again, or in
    another order, changes nothing.
    """
    newest: dict[str, MediaFacts] = {}
    for item in facts:
        if (uploader := uploader_in(item)) is not None:
            known = newest.get(uploader.user_id)
            if known is None or _is_newer(item, known):
                newest[uploader.user_id] = item
    if not newest:
        return {}
    found = Uploader.objects.in_bulk(newest, field_name="user_id")
    missing = sorted(set(newest) - set(found))
    if missing:
        rows = [_fill(Uploader(user_id=user_id), newest[user_id]) for user_id in missing]
        Uploader.objects.bulk_create(rows, ignore_conflicts=True)
        found |= Uploader.objects.in_bulk(missing, field_name="user_id")
    for user_id in sorted(set(newest) - set(missing)):
        _rename(found[user_id], newest[user_id])
    return found


def uploader_in(facts: MediaFacts) -> UploaderFacts | None:
    uploader = facts.user_data.uploader if facts.user_data else None
    is_valid = uploader is not None and len(uploader.user_id) <= USER_ID_LENGTH
    return uploader if is_valid else None


def has_other_uploader(video: Video, facts: MediaFacts) -> bool:
    """Whether the facts name an uploader, and the row another one or none."""
    named = uploader_in(facts)
    return named is not None and (video.uploader is None or video.uploader.user_id != named.user_id)


def _is_newer(facts: MediaFacts, other: MediaFacts) -> bool:
    if facts.creation_time is None or other.creation_time is None:
        return False
    return facts.creation_time > other.creation_time


def _fill(uploader: Uploader, facts: MediaFacts) -> Uploader:
    """Set name and picture from the facts, unless they are empty."""
    values = uploader_in(facts)
    if values is not None:
        uploader.user_name = values.user_name[:255] or uploader.user_name
        uploader.avatar_url = _web_address(values.avatar_url) or uploader.avatar_url
        uploader.name_search = folded(uploader.user_name)
    return uploader


def _rename(uploader: Uploader, facts: MediaFacts) -> None:
    before = (uploader.user_name, uploader.avatar_url)
    _fill(uploader, facts)
    if before == (uploader.user_name, uploader.avatar_url):
        return
    newest = Video.objects.filter(uploader=uploader).aggregate(at=Max("creation_time"))["at"]
    if newest is None or (facts.creation_time is not None and facts.creation_time >= newest):
        uploader.save(update_fields=["user_name", "avatar_url", "name_search"])
        # Every video shows its uploader: apps that poll for changes must see them all again.
        Video.objects.visible().filter(uploader=uploader).update(changed_at=timezone.now())


def _web_address(url: str) -> str:
    """Return an http or https URL; "" for any other text."""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return ""
    return url[:1024] if scheme in {"http", "https"} else ""
