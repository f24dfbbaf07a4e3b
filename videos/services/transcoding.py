"""Transcoding jobs of ours: one row a submission, sent by the worker."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import journal
from accounts.models import Operator
from shortvideo.outbox import services as outbox
from videos.errors import StateForbids
from videos.models import CensorStatus, TranscodeJob, TranscodeKind, TranscodeStatus, Video

# VOD accepts a job in these states only.
TRANSCODABLE = ("UploadSucc", "Normal", "Checking")


@transaction.atomic
def submit_transcode(
    video: Video, *, kind: TranscodeKind, operator: Operator | None = None, request_id: str = ""
) -> TranscodeJob:
    """Record a job of the kind's template group; the worker submits it.

    Raises StateForbids for a blocked video, one whose upload is not complete, one whose job of this
    kind is running, and where the template group is not configured.
    """
    video = Video.objects.visible().select_for_update().get(pk=video.pk)
    group = template_group_id(kind)
    refuse_where_forbidden(video, kind, group)
    job = TranscodeJob.objects.create(
        video=video,
        source_version=video.source_version,
        kind=kind,
        template_group_id=group,
        previous_status=video.transcode_status_of(kind),
        requested_by=operator,
        request_id=request_id,
        delivery=outbox.send("submit_transcode", subject=video.vod_id),
    )
    setattr(video, kind.status_field, TranscodeStatus.ON_TRANSCODE)
    video.changed_at = timezone.now()
    video.save(update_fields=[kind.status_field, "changed_at"])
    journal.record(operator, video, f"submit {kind} transcoding", request_id=request_id)
    return job


def template_group_id(kind: TranscodeKind) -> str:
    group: str = {
        TranscodeKind.STANDARD: settings.VOD_TRANSCODE_TEMPLATE_GROUP_ID,
        TranscodeKind.NARROWBAND: settings.VOD_NARROWBAND_TEMPLATE_GROUP_ID,
    }[kind]
    return group


def refuse_where_forbidden(video: Video, kind: TranscodeKind, group: str) -> None:
    if not group:
        raise StateForbids(f"No template group for {kind.label} transcoding is configured.")
    if video.censor_status == CensorStatus.FAIL:
        raise StateForbids("A blocked video cannot be transcoded.")
    if video.status not in TRANSCODABLE:
        allowed = ", ".join(TRANSCODABLE)
        raise StateForbids(
            f"Its status in VOD is {video.status or 'unknown'}; transcoding needs {allowed}."
        )
    ours = TranscodeJob.objects.running().of_kind(kind).filter(video=video)
    if video.transcode_status_of(kind) == TranscodeStatus.ON_TRANSCODE or ours.exists():
        raise StateForbids(f"A {kind.label} transcoding job of this video is running.")
