"""pytest plugin: what deliveries wait for comes ten times as fast while `work_until_idle` waits."""

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import pytest
from django.db.models import F
from django.utils import timezone

from shortvideo.outbox import worker
from shortvideo.outbox.models import Delivery, DeliveryQuerySet, DeliveryState, Lane

SPEED: Final = 10


@pytest.fixture(autouse=True)
def _waits_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries that are due after the end of the wait stay as they are."""
    find, sleep = worker._open_until, time.sleep
    until: list[datetime] = []

    def find_and_remember(moment: datetime, kinds: Collection[str] | None) -> DeliveryQuerySet:
        until[:] = [moment]
        return find(moment, kinds)

    def sleep_and_hurry(seconds: float) -> None:
        sleep(seconds)
        now, step = timezone.now(), timedelta(seconds=seconds * (SPEED - 1))
        waiting = Delivery.objects.filter(state=DeliveryState.WAITING)
        waiting.filter(due_at__gt=now, due_at__lte=until[0]).update(due_at=F("due_at") - step)
        paused = Lane.objects.filter(paused_until__gt=now, paused_until__lte=until[0])
        paused.update(paused_until=F("paused_until") - step)

    class Time:
        sleep = staticmethod(sleep_and_hurry)

    monkeypatch.setattr(worker, "_open_until", find_and_remember)
    monkeypatch.setattr(worker, "time", Time)
