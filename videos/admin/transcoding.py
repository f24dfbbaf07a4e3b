"""Transcoding jobs: retry or dismiss failed ones."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy

from shortvideo.desk import inbox
from shortvideo.desk.filters import DateRangeFilter, ErrorCodeFilter
from shortvideo.desk.operations import Operation
from shortvideo.desk.options import ReadOnlyAdmin
from videos.admin.columns import ErrorColumn, StateColumn, VideoColumns
from videos.admin.filters import AttentionFilter
from videos.admin.operations import Dismiss
from videos.models import TranscodeJob
from videos.services import check_retryable, retry_transcode


class Retry(Operation[TranscodeJob]):
    name = "retry"
    is_direct = True
    permission = "videos.transcode_video"
    label = gettext_lazy("Retry")
    title = gettext_lazy("Retry transcoding jobs")
    report = gettext_lazy("%(done)d of %(selected)d submitted again.")
    explanation = gettext_lazy("A new job replaces each. Only a video's newest job can be retried.")

    def check(self, row: TranscodeJob) -> None:
        check_retryable(row, row.video)

    def run(self, row: TranscodeJob, values: Mapping[str, Any]) -> None:
        retry_transcode(row, **self.actor)


class DismissJobs(Dismiss):
    permission = "videos.transcode_video"
    title = gettext_lazy("Dismiss transcoding jobs")
    explanation = gettext_lazy("They leave the inbox. The status of the videos stays as it is.")


inbox.register(
    inbox.Concern(
        name="jobs",
        label=gettext_lazy("Failed transcoding jobs"),
        hint=gettext_lazy("failed, refused by VOD, or stuck"),
        permission="videos.transcode_video",
        rows=TranscodeJob.objects.needing_attention,
        url=lambda: reverse("admin:videos_transcodejob_changelist", query={"attention": "yes"}),
        kinds=("submit_transcode",),
    )
)


@admin.register(TranscodeJob)
class TranscodeJobAdmin(StateColumn, ErrorColumn, VideoColumns, ReadOnlyAdmin[TranscodeJob]):
    empty_hint = gettext_lazy("Transcoding that starts at the desk or by the API appears here.")
    phone_columns = ("kind", "state_badge", "error_text")
    list_display = (
        "picture", "video_link", "kind", "state_badge", "percent", "error_text", "requested_by",
        "last_update", "created_at",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_select_related = ("video", "requested_by")
    list_filter = (
        AttentionFilter, "state", "kind", ("error_code", ErrorCodeFilter),
        ("created_at", DateRangeFilter),
    )  # fmt: skip
    search_fields = ("=video__vod_id", "=task_id", "=error_code")
    search_help_text = gettext_lazy("Exact video ID, VOD task ID or error code")
    ordering = ("-id",)
    operations = (Retry, DismissJobs)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "video_link",
                    "kind",
                    "state_badge",
                    "percent",
                    "error_text",
                    "requested_by",
                    "created_at",
                    "last_update",
                    "finished_at",
                )
            },
        ),
        (
            gettext_lazy("In VOD"),
            {
                "fields": (
                    "task_id",
                    "job_ids",
                    "template_group_id",
                    "source_version",
                    "checked_at",
                    "retry_of",
                    "delivery",
                    "streams",
                )
            },
        ),
    )

    @admin.display(description=gettext_lazy("last update"), ordering="news_at")
    def last_update(self, job: TranscodeJob) -> datetime | None:
        return job.news_at

    @admin.display(description=gettext_lazy("progress"), ordering="progress")
    def percent(self, job: TranscodeJob) -> str:
        return f"{job.progress} %"
