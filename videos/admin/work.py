"""What follows from decisions and from VOD: jobs, CDN tasks, events, walks through VOD."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from shortvideo.desk import display
from shortvideo.desk.filters import DateRangeFilter
from shortvideo.desk.options import ReadOnlyAdmin
from videos.admin.columns import StateColumn, VideoColumns
from videos.models import CdnTask, SyncRun, TranscodeJob, VodEvent


class ErrorColumn:
    """For a model with `error_message`, and perhaps `error_code`."""

    @admin.display(description=_("error"))
    def error_text(self, row: Any) -> SafeString | str:
        code = getattr(row, "error_code", "")
        message = getattr(row, "error_message", "") or getattr(row, "error", "")
        if not code and not message:
            return display.NOTHING
        return format_html('<span class="error-text"><code>{}</code> {}</span>', code, message)


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


@admin.register(CdnTask)
class CdnTaskAdmin(StateColumn, ErrorColumn, VideoColumns, ReadOnlyAdmin[CdnTask]):
    list_display = (
        "id", "kind", "video_link", "url_count", "state_badge", "percent", "error_text",
        "operator", "created_at",
    )  # fmt: skip
    list_select_related = ("video", "operator")
    list_filter = ("state", "kind", ("created_at", DateRangeFilter))
    search_fields = ("=video__vod_id",)
    ordering = ("-id",)

    @admin.display(description=_("URLs"))
    def url_count(self, task: CdnTask) -> int:
        return len(task.urls)

    @admin.display(description=_("progress"), ordering="progress")
    def percent(self, task: CdnTask) -> str:
        return f"{task.progress} %"


@admin.register(VodEvent)
class VodEventAdmin(StateColumn, ErrorColumn, ReadOnlyAdmin[VodEvent]):
    list_display = (
        "event_type", "media_id", "state_badge", "error_text", "event_time", "received_at",
    )  # fmt: skip
    list_filter = ("state", "event_type", ("received_at", DateRangeFilter))
    search_fields = ("=media_id",)
    ordering = ("-id",)


@admin.register(SyncRun)
class SyncRunAdmin(StateColumn, ErrorColumn, ReadOnlyAdmin[SyncRun]):
    list_display = (
        "started_at", "kind", "state_badge", "is_dry_run", "seen_count", "new_count",
        "changed_count", "unchanged_count", "failed_count", "error_text", "finished_at",
    )  # fmt: skip
    list_filter = ("state", "kind", "is_dry_run")
    ordering = ("-id",)
