"""Transcoding jobs, and the events that VOD sent."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from shortvideo.desk.filters import DateRangeFilter
from shortvideo.desk.options import ReadOnlyAdmin
from videos.admin.columns import ErrorColumn, StateColumn, VideoColumns
from videos.models import TranscodeJob, VodEvent


@admin.register(TranscodeJob)
class TranscodeJobAdmin(StateColumn, ErrorColumn, VideoColumns, ReadOnlyAdmin[TranscodeJob]):
    list_display = (
        "picture", "video_link", "kind", "state_badge", "percent", "error_text", "requested_by",
        "created_at",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_select_related = ("video", "requested_by")
    list_filter = ("state", "kind", ("created_at", DateRangeFilter), "error_code")
    search_fields = ("=video__vod_id", "=task_id")
    ordering = ("-id",)

    @admin.display(description=_("progress"), ordering="progress")
    def percent(self, job: TranscodeJob) -> str:
        return f"{job.progress} %"


@admin.register(VodEvent)
class VodEventAdmin(StateColumn, ErrorColumn, ReadOnlyAdmin[VodEvent]):
    list_display = (
        "event_type", "media_id", "state_badge", "error_text", "event_time", "received_at",
    )  # fmt: skip
    list_filter = ("state", "event_type", ("received_at", DateRangeFilter))
    search_fields = ("=media_id",)
    ordering = ("-id",)
