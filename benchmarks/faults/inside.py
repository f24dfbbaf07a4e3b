"""Functions of the figures that need the server's database. The observer calls them by name."""

import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shortvideo.outbox.leases import claim
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.models import CensorStatus, Decision, ReviewDecision, ReviewTask, Source, Video

KIND = "create_audit"
BATCH = 500  # rows in one statement


@transaction.atomic
def decide_all() -> int:
    """Approve every video in bulk. Returns the number of videos.

    Each gets the same rows as from the API: delivery, line of the log, status, closed task.
    """
    now, videos = timezone.now(), list(Video.objects.visible().order_by("pk"))
    deliveries = [
        Delivery(kind=KIND, subject=video.vod_id, due_at=now, is_superseding=True)
        for video in videos
    ]
    Delivery.objects.bulk_create(deliveries, batch_size=BATCH)
    lines = [
        ReviewDecision(
            video=video,
            source_version=video.source_version,
            decision=Decision.NORMAL,
            source=Source.API,
            from_status=video.censor_status,
            to_status=CensorStatus.SUCCESS,
            delivery=delivery,
            created_at=now,
        )
        for video, delivery in zip(videos, deliveries, strict=True)
    ]
    ReviewDecision.objects.bulk_create(lines, batch_size=BATCH)
    for video in videos:
        fields = video.set_censor_status(CensorStatus.SUCCESS, at=now)
    Video.objects.bulk_update(videos, fields, batch_size=BATCH)
    ReviewTask.objects.open().filter(video__in=Video.objects.visible()).update(closed_at=now)
    return len(videos)


def waiting_count() -> int:
    return Delivery.objects.open().filter(kind=KIND).count()


def first_and_last_done_at() -> list[float]:
    """When the first and the last delivery were done, in unix seconds. Empty if none is done."""
    moments = Delivery.objects.done().filter(kind=KIND).values_list("finished_at", flat=True)
    times = sorted(moment.timestamp() for moment in moments if moment)
    return [times[0], times[-1]] if times else []


def claim_milliseconds(rounds: int, limit: int) -> list[float]:
    """The duration of each claim of `limit` rows. Every claim is released before the next."""
    times: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        claimed = claim(KIND, limit=limit, now=timezone.now())
        times.append((time.perf_counter() - started) * 1_000)
        _release(claimed)
    return times


@transaction.atomic
def _release(claimed: list[Delivery]) -> None:
    past = timezone.now() - timedelta(seconds=1)
    rows: Any = Delivery.objects.filter(pk__in=[delivery.pk for delivery in claimed])
    rows.update(
        state=DeliveryState.WAITING, lease_token=None, lease_until=None, due_at=past, claim_count=0
    )
