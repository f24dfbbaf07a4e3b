"""A video that somebody asks for and the mirror does not have: the one request that waits."""

import hashlib
from typing import Final

from django.core.cache import cache
from django.db import transaction

from shortvideo.cloud import CloudRejected, CloudUnavailable, vod_gateway
from shortvideo.middleware import current_request_id
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from videos import mirror
from videos.models import Video

DEADLINE_SECONDS: Final = 3
MISS_SECONDS: Final = 60
ID_LENGTH: Final = 64
NO_ID: Final = ("InvalidParameter", "InvalidVideoId")  # how the codes for malformed ids begin


def fetch_video(vod_id: str) -> Video | None:
    """Fetch a video from VOD and store it; None where VOD does not have it, or it was deleted here.

    Waits 3 seconds at most. A miss is remembered for 60 seconds. Raises CloudUnavailable, also for
    a refusal that says nothing about the video.
    """
    if not 0 < len(vod_id) <= ID_LENGTH or not vod_id.isprintable():
        return None
    missed = _miss_key(vod_id)
    if cache.get(missed):
        return None
    try:
        facts = vod_gateway().with_deadline(DEADLINE_SECONDS).get_info(vod_id)
    except CloudRejected as error:
        if not _is_miss(error):
            raise as_unavailable(error) from error
        cache.set(missed, 1, timeout=MISS_SECONDS)
        return None
    mirror.apply(facts)
    read_later(vod_id)
    return Video.objects.visible().filter(vod_id=vod_id).first()


def _is_miss(error: CloudRejected) -> bool:
    """Whether VOD has no such video, or takes this for no id at all."""
    return error.is_not_found or error.code.startswith(NO_ID)


def as_unavailable(error: CloudRejected) -> CloudUnavailable:
    """For those who wait now, a refusal that an operator must look at is an outage."""
    return CloudUnavailable(str(error), code=error.code, request_id=error.request_id)


def _miss_key(vod_id: str) -> str:
    """A key of plain characters, whatever was asked for."""
    return f"vod-missing:{hashlib.sha256(vod_id.encode()).hexdigest()}"


@transaction.atomic
def read_later(vod_id: str) -> None:
    """Have the worker read the files and everything else about a video, unless it is about to."""
    reading = Delivery.objects.open().filter(kind="read_video").for_subject(vod_id)
    if not reading.exists():
        payload = {"request_id": current_request_id()}
        outbox.send("read_video", subject=vod_id, payload=payload)
