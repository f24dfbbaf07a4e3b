"""What the figures do inside the server's own database; asked through the observer."""

import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shortvideo.outbox.leases import claim
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.models import Decision, Source, Video
from videos.services import review_video

KIND = "create_audit"


def decide_all() -> int:
    """Pass every video, each in a transaction of its own; returns how many."""
    waiting = list(Video.objects.visible())
    for video in waiting:
        review_video(video, decision=Decision.NORMAL, source=Source.API)
    return len(waiting)


def waiting_count() -> int:
    return Delivery.objects.open().filter(kind=KIND).count()


def done_between() -> list[float]:
    """Unix seconds of the first and the last delivery that was done."""
    moments = Delivery.objects.done().filter(kind=KIND).order_by("finished_at")
    times = list(moments.values_list("finished_at", flat=True))
    return [times[0].timestamp(), times[-1].timestamp()] if times else []


def claim_milliseconds(rounds: int, limit: int) -> list[float]:
    """How long claims of a batch take, each of which is undone afterwards."""
    times: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        taken = claim(KIND, limit=limit, now=timezone.now())
        times.append((time.perf_counter() - started) * 1_000)
        give_back(taken)
    return times


@transaction.atomic
def give_back(taken: list[Delivery]) -> None:
    past = timezone.now() - timedelta(seconds=1)
    rows: Any = Delivery.objects.filter(pk__in=[delivery.pk for delivery in taken])
    rows.update(
        state=DeliveryState.WAITING, lease_token=None, lease_until=None, due_at=past, claim_count=0
    )
