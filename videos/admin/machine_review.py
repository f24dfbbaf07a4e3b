"""AI reviews: the result for each source."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from shortvideo.desk import display
from shortvideo.desk.options import ReadOnlyAdmin
from videos.admin.columns import VideoColumns
from videos.models import MachineReview


@admin.register(MachineReview)
class MachineReviewAdmin(VideoColumns, ReadOnlyAdmin[MachineReview]):
    list_display = ("picture", "video_link", "verdict", "label_list", "hit_count", "received_at")
    list_display_links = ("received_at",)
    list_select_related = ("video",)
    list_filter = ("suggestion",)
    ordering = ("-id",)
    fields = (
        "video", "source_version", "suggestion", "labels", "hits", "abnormal_modules", "job_id",
        "error_code", "error_message", "received_at", "result",
    )  # fmt: skip

    @admin.display(description=_("verdict"), ordering="suggestion")
    def verdict(self, row: MachineReview) -> SafeString:
        return display.badge(row.suggestion, row.get_suggestion_display())

    @admin.display(description=_("labels"))
    def label_list(self, row: MachineReview) -> str:
        return ", ".join(row.labels)

    @admin.display(description=_("hits"))
    def hit_count(self, row: MachineReview) -> int:
        return len(row.hits)
