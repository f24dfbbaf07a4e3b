"""Make both sides agree, make them drift, and run the `reconcile` command."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from shortvideo.cloud import vod_gateway
from shortvideo.outbox.models import Delivery, DeliveryQuerySet, DeliveryState
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_operator, make_uploader
from tests.support.localvod import LocalVod
from videos import mirror
from videos.models import (
    CensorStatus,
    Decision,
    ReconcileRun,
    ReviewDecision,
    Source,
    TranscodeJob,
    TranscodeKind,
    Video,
    VideoDeletion,
)
from videos.services import DecisionInput, delete_video, review_video, submit_transcode


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


# Functions that make each kind of drift.


def seed_without_event(cloud: LocalVod) -> None:
    cloud.seed()


def delete_without_event(cloud: LocalVod) -> None:
    vod_gateway().delete([synced(cloud).vod_id])


def rename_in_vod(cloud: LocalVod) -> None:
    vod_gateway().update_info(synced(cloud).vod_id, title="Renamed")


def corrupt_row(cloud: LocalVod) -> None:
    Video.objects.filter(pk=synced(cloud).pk).update(title="Corrupt", duration=1)


def give_to_another_uploader(cloud: LocalVod) -> None:
    video = synced(cloud, uploader={"userId": "u-1", "userName": "Mei"})
    Video.objects.filter(pk=video.pk).update(uploader=make_uploader(user_id="u-2"))


def put_back_into_review(cloud: LocalVod) -> None:
    Video.objects.filter(pk=synced(cloud).pk).update(censor_status=CensorStatus.CHECK)


def miss_the_end_of_the_review(cloud: LocalVod) -> None:
    video = synced(cloud, status="Blocked")
    Video.objects.filter(pk=video.pk).update(censor_status=CensorStatus.ON_CENSOR, blocked_at=None)


def end_transcoding_without_event(cloud: LocalVod) -> None:
    Video.objects.filter(pk=synced(cloud, status="Checking").pk).update(
        status="Transcoding", transcode_status="onTranscode", censor_status="onCensor", files=[]
    )


def block_in_console(cloud: LocalVod) -> None:
    cloud.audit_in_console(synced(cloud).vod_id, "Blocked", "violence", auditor="Wang")


def lose_block(cloud: LocalVod) -> None:
    decide(synced(cloud), Decision.BLOCKED, reason="violence")
    end_deliveries(DeliveryState.DONE)


def give_block_up(cloud: LocalVod) -> None:
    decide(synced(cloud), Decision.BLOCKED, reason="violence")
    end_deliveries(DeliveryState.GIVEN_UP, error_code="AttemptsExhausted")


def lose_pass(cloud: LocalVod) -> None:
    decide(synced(cloud, status="Checking"), Decision.NORMAL)
    end_deliveries(DeliveryState.DONE)


def lose_pass_after_block(cloud: LocalVod) -> None:
    """VOD's last entry is our marked block, which is older than our pass."""
    video = synced(cloud)
    decide(video, Decision.BLOCKED, reason="violence")
    work()
    call_command("sync_videos", video.vod_id, stdout=io.StringIO())
    decide(video, Decision.NORMAL)
    end_deliveries(DeliveryState.DONE)


def give_pass_up_during_transcoding(cloud: LocalVod) -> None:
    decide(synced(cloud, status="Transcoding"), Decision.NORMAL)
    end_deliveries(DeliveryState.GIVEN_UP, error_code="WorkerLost")


def leave_files_unread(cloud: LocalVod) -> None:
    call_command("sync_videos", stdout=io.StringIO())  # later videos do not count as old stock
    soon = timezone.now() + timedelta(seconds=5)  # VOD counts whole seconds
    vod_id = cloud.seed(creation_time=f"{soon:%Y-%m-%dT%H:%M:%SZ}")
    mirror.apply(vod_gateway().get_info(vod_id))


def lose_files(cloud: LocalVod) -> None:
    Video.objects.filter(pk=synced(cloud).pk).update(files=[])


def submitted(cloud: LocalVod) -> TranscodeJob:
    job = submit_transcode(synced(cloud), kind=TranscodeKind.NARROWBAND)
    work_until_idle(20, kinds=["submit_transcode"])
    return TranscodeJob.objects.get(pk=job.pk)


def end_job_without_event(cloud: LocalVod) -> None:
    submitted(cloud)
    cloud.idle()


def lose_job(cloud: LocalVod) -> None:
    hours_ago = timezone.now() - timedelta(hours=2)
    job = submitted(cloud)
    TranscodeJob.objects.filter(pk=job.pk).update(task_id="forgotten", created_at=hours_ago)


def lose_deletion(cloud: LocalVod) -> None:
    delete_video(synced(cloud), operator=make_operator())
    VideoDeletion.objects.update(state=VideoDeletion.State.DONE)
    end_deliveries(DeliveryState.DONE)


def give_deletion_up(cloud: LocalVod) -> None:
    delete_video(synced(cloud), operator=make_operator())
    end_deliveries(DeliveryState.GIVEN_UP, error_code="AttemptsExhausted")


DRIFTS: list[tuple[Callable[[LocalVod], None], str]] = [
    (seed_without_event, "missing_here"),
    (delete_without_event, "missing_there"),
    (rename_in_vod, "facts"),
    (corrupt_row, "facts"),
    (give_to_another_uploader, "facts"),
    (put_back_into_review, "review"),
    (miss_the_end_of_the_review, "review"),
    (end_transcoding_without_event, "facts"),
    (block_in_console, "review"),
    (lose_block, "review"),
    (give_block_up, "review"),
    (lose_pass, "review"),
    (lose_pass_after_block, "review"),
    (give_pass_up_during_transcoding, "review"),
    (leave_files_unread, "files"),
    (lose_files, "files"),
    (end_job_without_event, "job"),
    (lose_job, "job"),
    (lose_deletion, "deletion"),
    (give_deletion_up, "deletion"),
]
