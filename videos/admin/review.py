"""The review queue and the reason templates."""

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from shortvideo.desk import display
from shortvideo.desk.options import DeskAdmin, ReadOnlyAdmin
from videos.admin import operations
from videos.admin.columns import VideoColumns
from videos.admin.filters import OpenFilter
from videos.admin.seen import SeenRows, standing_lookups
from videos.models import (
    CensorStatus,
    ReasonTemplate,
    ReviewTask,
)


@admin.register(ReviewTask)
class ReviewTaskAdmin(VideoColumns, SeenRows, ReadOnlyAdmin[ReviewTask]):
    list_heading = _("Review queue")
    list_display = (
        "picture", "video_link", "uploader", "cause", "review", "length", "age", "opened_at",
    )  # fmt: skip
    list_display_links = None
    list_select_related = ("video__uploader",)
    list_filter = (OpenFilter, "cause")
    ordering = (F("priority").desc(), "opened_at", "id")
    operations = (operations.Approve, operations.Block)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewTask]:
        return super().get_queryset(request).prefetch_related(*standing_lookups("video__"))

    @admin.display(description=_("uploader"))
    def uploader(self, task: ReviewTask) -> SafeString:
        return display.bdi(task.video.uploader)

    @admin.display(description=_("review"))
    def review(self, task: ReviewTask) -> SafeString:
        return display.choice_badge(CensorStatus, task.video.censor_status)

    @admin.display(description=_("duration"))
    def length(self, task: ReviewTask) -> str:
        return display.clock(task.video.duration)

    @admin.display(description=_("waiting for"), ordering="opened_at")
    def age(self, task: ReviewTask) -> str:
        return display.waited(task.opened_at, task.closed_at or timezone.now())


@admin.register(ReasonTemplate)
class ReasonTemplateAdmin(DeskAdmin[ReasonTemplate]):
    list_display = ("text", "byte_count", "position", "is_active")
    list_editable = ("position", "is_active")
    ordering = ("position", "id")

    @admin.display(description=_("bytes"))
    def byte_count(self, template: ReasonTemplate) -> str:
        return f"{len(template.text.encode())} / 128"
