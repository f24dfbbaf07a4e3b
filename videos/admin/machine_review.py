"""AI reviews: the result for each source."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from shortvideo.desk import display
from shortvideo.desk.options import ReadOnlyAdmin
from videos.admin.columns import ErrorColumn, VideoColumns
from videos.models import MachineReview


@admin.register(MachineReview)
class MachineReviewAdmin(ErrorColumn, VideoColumns, ReadOnlyAdmin[MachineReview]):
    empty_hint = _("Each result of an AI review in VOD appears here.")
    list_display = ("picture", "video_link", "verdict", "label_list", "hit_count", "received_at")
    list_display_links = ("received_at",)
    list_select_related = ("video",)
    list_filter = ("suggestion",)
    ordering = ("-id",)
    media_fields = ("hits", "result")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "video_link",
                    "verdict",
                    "hit_list",
                    "label_list",
                    "abnormal_modules",
                    "error_text",
                    "received_at",
                )
            },
        ),
        (
            _("In VOD"),
            {
                "fields": (
                    "vod_verdict",
                    "job_id",
                    "source_version",
                    "hits",
                    "result",
                )
            },
        ),
    )

    @admin.display(description=_("verdict"), ordering="suggestion")
    def verdict(self, row: MachineReview) -> SafeString:
        return display.badge(row.suggestion, row.get_suggestion_display())

    @admin.display(description=_("labels"))
    def label_list(self, row: MachineReview) -> str:
        return ", ".join(row.labels)

    @admin.display(description=_("hits"))
    def hit_count(self, row: MachineReview) -> int:
        return len(row.hits)

    @admin.display(description=_("hits"))
    def hit_list(self, row: MachineReview) -> SafeString:
        """Each hit with its score and place."""
        texts = (f"{hit['label']} {hit['score']:.1f} {_place_of(hit)}".strip() for hit in row.hits)
        return format_html_join("", "<p>{}</p>", ((text,) for text in texts))

    @admin.display(description=_("VOD's own verdict"))
    def vod_verdict(self, row: MachineReview) -> str:
        return row.get_vod_suggestion_display()


def _place_of(hit: Mapping[str, Any]) -> str:
    """Where a hit is: the moment in the clip, or the module that found it."""
    moment = hit.get("timestamp_ms")
    place = hit.get("module", "") if moment is None else display.milliseconds_clock(moment)
    return f"({place})" if place else ""
