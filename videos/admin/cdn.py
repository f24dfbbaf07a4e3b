"""Prefetches and purges."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from shortvideo.desk.filters import DateRangeFilter
from shortvideo.desk.options import ReadOnlyAdmin
from videos.admin.columns import ErrorColumn, StateColumn, VideoColumns
from videos.models import CdnTask


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
