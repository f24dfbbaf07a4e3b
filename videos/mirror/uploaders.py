"""Uploaders of videos, as the app's backend wrote them into the upload."""

from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import urlsplit

from django.db.models import Max
from django.utils import timezone

from accounts.models import Uploader
from shortvideo.cloud.types import MediaFacts
from shortvideo.cloud.types import Uploader as UploaderFacts
from shortvideo.listed import ListedQuery
from shortvideo.text import folded
from videos.models import Video

USER_ID_LENGTH = 128
_KNOWN: Final = ListedQuery(
    lambda ids: Uploader.objects.filter(user_id__in=ids).values_list(
        "user_id", "pk", "user_name", "avatar_url"
    )
)


def import_uploaders(facts: Iterable[MediaFacts]) -> dict[str, int]:
    """Create or update the uploaders that the facts name, and return their keys by user id.

    Only the newest video changes a name or picture, so that reading the videos again, or in
    another order, changes nothing.
    """
    newest: dict[str, tuple[MediaFacts, UploaderFacts]] = {}
    for item in facts:
        if (uploader := uploader_in(item)) is not None:
            known = newest.get(uploader.user_id)
            if known is None or _is_newer(item, known[0]):
                newest[uploader.user_id] = item, uploader
    if not newest:
        return {}
    found = _known_uploaders(newest)
    missing = sorted(newest.keys() - found.keys())
    if missing:
        rows = [_fill(Uploader(user_id=user_id), newest[user_id][1]) for user_id in missing]
        Uploader.objects.bulk_create(rows, ignore_conflicts=True)
    for user_id, (pk, name, avatar) in sorted(found.items()):
        item, told = newest[user_id]
        # Compared as they are told: most are known, and a URL is only parsed to be written.
        if told.user_name not in ("", name) or told.avatar_url not in ("", avatar):
            _rename(Uploader.objects.get(pk=pk), item, told)
    found |= _known_uploaders(missing)
    return {user_id: pk for user_id, (pk, _name, _avatar) in found.items()}


def _known_uploaders(user_ids: Collection[str]) -> dict[str, tuple[int, str, str]]:
    """Return primary key, name and picture of those that have a row."""
    rows = _KNOWN.rows(user_ids)
    return {user_id: (pk, name, avatar) for user_id, pk, name, avatar in rows}


def uploader_in(facts: MediaFacts) -> UploaderFacts | None:
    uploader = facts.user_data.uploader if facts.user_data else None
    is_valid = uploader is not None and len(uploader.user_id) <= USER_ID_LENGTH
    return uploader if is_valid else None


def has_other_uploader(user_id: str | None, facts: MediaFacts) -> bool:
    """Whether the facts name an uploader, and the row another one (`user_id`) or none."""
    named = uploader_in(facts)
    return named is not None and user_id != named.user_id


def _is_newer(facts: MediaFacts, other: MediaFacts) -> bool:
    if facts.creation_time is None or other.creation_time is None:
        return False
    return facts.creation_time > other.creation_time


def _fill(uploader: Uploader, told: UploaderFacts) -> Uploader:
    """Set name and picture from the facts, unless they are empty."""
    uploader.user_name = told.user_name[:255] or uploader.user_name
    uploader.avatar_url = _web_address(told.avatar_url) or uploader.avatar_url
    uploader.name_search = folded(uploader.user_name)
    return uploader


def _rename(uploader: Uploader, facts: MediaFacts, told: UploaderFacts) -> None:
    before = (uploader.user_name, uploader.avatar_url)
    _fill(uploader, told)
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
