"""Fetch a video that the mirror does not have, and have the worker read videos in full."""

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
from videos.services.source import WITHOUT_SOURCE

DEADLINE_SECONDS: Final = 3
MISS_SECONDS: Final = 60
ID_LENGTH: Final = 64
MALFORMED_ID: Final = ("InvalidParameter", "InvalidVideoId")  # prefixes of VOD's error codes


def fetch_video(vod_id: str) -> Video | None:
    """Fetch a video from VOD and store it; None if VOD does not have it or it was deleted here.

    Waits at most 3 seconds. Remembers for 60 seconds that VOD does not have an id. Raises
    CloudUnavailable, also for a refusal that says nothing about the video.
    """
    if not 0 < len(vod_id) <= ID_LENGTH or not vod_id.isprintable():
        return None
    # A hash: some cache backends refuse keys with spaces.
    miss_key = f"vod-missing:{hashlib.sha256(vod_id.encode()).hexdigest()}"
    if cache.get(miss_key):
        return None
    try:
        facts = vod_gateway().with_deadline(DEADLINE_SECONDS).get_info(vod_id)
    except CloudRejected as error:
        if not _is_miss(error):
            raise as_unavailable(error) from error
        cache.set(miss_key, 1, timeout=MISS_SECONDS)
        return None
    mirror.apply(facts)
    read_later(vod_id)
    return Video.objects.visible().filter(vod_id=vod_id).first()


def _is_miss(error: CloudRejected) -> bool:
    """Whether VOD has no such video, or calls the id malformed."""
    return error.is_not_found or error.code.startswith(MALFORMED_ID)


def as_unavailable(error: CloudRejected) -> CloudUnavailable:
    """Turn a refusal that an operator must look at into an outage, for a client that waits."""
    return CloudUnavailable(str(error), code=error.code, request_id=error.request_id)


def read_later(*vod_ids: str, only_uploaded: bool = False) -> None:
    """Have the worker read everything about some videos; ids with an open reading are left out.

    `only_uploaded` also leaves out videos that have no source or are deleted.
    """
    ids = list(vod_ids)
    if only_uploaded:
        uploaded = Video.objects.visible().exclude(status__in=WITHOUT_SOURCE)
        ids = list(uploaded.filter(vod_id__in=ids).values_list("vod_id", flat=True))
    if not ids:
        return
    payload = {"request_id": current_request_id()}
    with transaction.atomic():
        readings = Delivery.objects.open().filter(kind="read_video", subject__in=ids)
        open_ids = set(readings.values_list("subject", flat=True))
        for vod_id in ids:
            if vod_id not in open_ids:
                outbox.send("read_video", subject=vod_id, payload=payload)
