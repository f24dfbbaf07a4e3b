"""Transcoding jobs, and the events that VOD sent: what failed is retried, replayed or dismissed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts.requests import operator_of
from shortvideo.desk import inbox
from shortvideo.desk.filters import DateRangeFilter, ErrorCodeFilter
from shortvideo.desk.operations import Operation, carry_out
from shortvideo.desk.options import ReadOnlyAdmin
from shortvideo.errors import InvalidState
from shortvideo.middleware import current_request_id
from videos.admin.columns import ErrorColumn, StateColumn, VideoColumns
from videos.admin.filters import AttentionFilter, not_waiting
from videos.admin.media import thumbnail
from videos.models import TranscodeJob, TranscodeJobQuerySet
from videos.services import dismiss_job, retry_transcode
from videos.services.transcoding import check_retryable

ATTENTION = {"attention": "yes"}


class JobOperation(Operation[TranscodeJob]):
    refused = (InvalidState, *Operation.refused)

    def thumbnail(self, row: TranscodeJob) -> SafeString | str:
        return thumbnail(row.video)


class Retry(JobOperation):
    name = "retry"
    title = gettext_lazy("Retry transcoding jobs")
    verb = gettext_lazy("Retry")
    done = gettext_lazy("submitted again")
    explanation = gettext_lazy("A new job takes the place of each; of one video the newest.")

    def refusals(self, rows: Sequence[TranscodeJob]) -> Mapping[int, str]:
        return {row.pk: text for row in rows if (text := self.refusal(row))}

    def refusal(self, job: TranscodeJob) -> str:
        try:
            check_retryable(job, job.video)
        except InvalidState as error:
            return str(error)
        return ""

    def run(self, row: TranscodeJob, values: Mapping[str, Any], request: HttpRequest) -> None:
        retry_transcode(row, operator=operator_of(request), request_id=current_request_id())


class DismissJobs(JobOperation):
    name = "dismiss"
    title = gettext_lazy("Dismiss transcoding jobs")
    verb = gettext_lazy("Dismiss")
    done = gettext_lazy("dismissed")
    explanation = gettext_lazy("They leave the inbox; what the videos show stays as it is.")

    def refusals(self, rows: Sequence[TranscodeJob]) -> Mapping[int, str]:
        return not_waiting(rows)

    def run(self, row: TranscodeJob, values: Mapping[str, Any], request: HttpRequest) -> None:
        dismiss_job(row, operator=operator_of(request), request_id=current_request_id())


inbox.register(
    inbox.Concern(
        name="jobs",
        label=gettext_lazy("Failed transcoding jobs"),
        hint=gettext_lazy("failed, refused by VOD, or stuck"),
        permission="videos.transcode_video",
        rows=TranscodeJob.objects.needing_attention,
        url=lambda: reverse("admin:videos_transcodejob_changelist", query=ATTENTION),
        kinds=("submit_transcode",),
    )
)


@admin.register(TranscodeJob)
class TranscodeJobAdmin(StateColumn, ErrorColumn, VideoColumns, ReadOnlyAdmin[TranscodeJob]):
    list_display = (
        "picture", "video_link", "kind", "state_badge", "percent", "error_text", "requested_by",
        "last_news", "created_at",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_select_related = ("video", "requested_by")
    list_filter = (
        AttentionFilter, "state", "kind", ("error_code", ErrorCodeFilter),
        ("created_at", DateRangeFilter),
    )  # fmt: skip
    search_fields = ("=video__vod_id", "=task_id", "=error_code")
    search_help_text = gettext_lazy("A video id, VOD's task id or an error code: exactly.")
    ordering = ("-id",)
    actions = ("retry", "dismiss")

    def has_transcode_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("videos.transcode_video")

    @admin.action(description=gettext_lazy("Retry"), permissions=["transcode"])
    def retry(self, request: HttpRequest, jobs: TranscodeJobQuerySet) -> HttpResponse | None:
        return carry_out(self, request, jobs, Retry())

    @admin.action(description=gettext_lazy("Dismiss…"), permissions=["transcode"])
    def dismiss(self, request: HttpRequest, jobs: TranscodeJobQuerySet) -> HttpResponse | None:
        return carry_out(self, request, jobs, DismissJobs())

    @admin.display(description=gettext_lazy("last news"), ordering="news_at")
    def last_news(self, job: TranscodeJob) -> datetime | None:
        return job.news_at

    @admin.display(description=gettext_lazy("progress"), ordering="progress")
    def percent(self, job: TranscodeJob) -> str:
        return f"{job.progress} %"
