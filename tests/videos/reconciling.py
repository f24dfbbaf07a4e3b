"""Make both sides agree, make them drift, and run the `reconcile` command."""

import io
import json
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from shortvideo.outbox.models import Delivery, DeliveryQuerySet, DeliveryState
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_operator
from tests.support.localvod import LocalVod
from videos.models import Decision, ReconcileRun, ReviewDecision, Source, Video
from videos.services import DecisionInput, review_video


def synced(cloud: LocalVod, **facts: Any) -> Video:
    """Seed a video in VOD and sync it. Returns its row."""
    vod_id = cloud.seed(**facts)
    call_command("sync_videos", vod_id, stdout=io.StringIO())
    return Video.objects.get(vod_id=vod_id)


def reconcile(*arguments: str) -> dict[str, Any]:
    """Run the command without grace and waiting. Returns its JSON."""
    out = io.StringIO()
    with suppress(CommandError):
        call_command("reconcile", "--json", "--grace=0", "--wait=0", *arguments, stdout=out)
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def found(printed: dict[str, Any]) -> dict[str, int]:
    return {kind: counts["found"] for kind, counts in printed["counts"].items()}


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every table but ReconcileRun's."""
    return {
        model._meta.label: [dict(row) for row in model._default_manager.order_by("pk").values()]
        for model in apps.get_models(include_auto_created=True)
        if model is not ReconcileRun
    }


def work() -> None:
    """Send decisions, deletions and readings; leave purges and verifications waiting."""
    kinds = ["create_audit", "delete_video", "read_video", "reread_video"]
    work_until_idle(20, kinds=kinds)


def decide(video: Video, decision: Decision, **values: Any) -> ReviewDecision:
    return review_video(
        video, DecisionInput(decision, Source.ADMIN, operator=make_operator(), **values)
    )


def end_deliveries(state: DeliveryState, **values: Any) -> None:
    """End all open deliveries without sending them, as if VOD had lost or refused them."""
    end(Delivery.objects.open(), state, **values)


def end(deliveries: DeliveryQuerySet, state: DeliveryState, **values: Any) -> None:
    deliveries.update(state=state, finished_at=timezone.now(), **values)
