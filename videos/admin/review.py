"""The review queue and the reason templates."""

from django.conf import settings
from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from shortvideo.desk import display
from shortvideo.desk.options import DeskAdmin, ReadOnlyAdmin
from videos.admin import operations
from videos.admin.columns import VideoColumns
from videos.admin.filters import OpenFilter
from videos.admin.forms import ReasonTemplateForm
from videos.admin.seen import SeenRows, shown_claim, standing_lookups
from videos.models import (
    CensorStatus,
    ReasonTemplate,
    ReviewTask,
)
from videos.models.review import REASON_BYTES


@admin.register(ReviewTask)
class ReviewTaskAdmin(VideoColumns, SeenRows, ReadOnlyAdmin[ReviewTask]):
    empty_hint = _(
        "Clips appear here by themselves: those that the AI flags or cannot judge, and those that "
        "are reported, escalated or sent back to review."
    )
    phone_columns = ("cause", "age", "reviewer")
    list_heading = _("Review queue")
    list_display = (
        "picture", "video_link", "uploader", "cause", "review", "length", "age", "opened_at",
        "reviewer",
    )  # fmt: skip
    list_display_links = None
    list_select_related = ("video__uploader",)
    list_filter = (OpenFilter, "cause")
    ordering = (F("priority").desc(), "opened_at", "id")
    operations = (operations.Approve, operations.Block)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "video_link",
                    "cause",
                    "review",
                    "uploader",
                    "length",
                    "age",
                    "opened_at",
                    "closed_at",
                    "reviewer",
                    "for_operator",
                    "for_role",
                )
            },
        ),
    )

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

    @admin.display(description=_("being reviewed by"))
    def reviewer(self, task: ReviewTask) -> str:
        claim = shown_claim(task.video)
        return str(claim.operator) if claim else display.NOTHING

    @admin.display(description=_("waiting for"), ordering="opened_at")
    def age(self, task: ReviewTask) -> str:
        return display.waited(task.opened_at, task.closed_at or timezone.now())


@admin.register(ReasonTemplate)
class ReasonTemplateAdmin(DeskAdmin[ReasonTemplate]):
    empty_hint = _("Add the reasons that moderators choose from when they block a clip.")
    phone_columns = ("policy", "position", "is_active")
    form = ReasonTemplateForm
    list_display = (
        "english", "chinese", "for_vod", "policy", "severity_badge", "is_urgent",
        "position", "is_active",
    )  # fmt: skip
    list_display_links = ("english", "chinese")
    list_editable = ("position", "is_active")
    list_filter = ("is_active", "severity", "is_urgent")
    ordering = ("position", "id")
    name_fields = ("policy",)

    @admin.display(description=_("VOD gets"))
    def for_vod(self, template: ReasonTemplate) -> SafeString:
        """The language of the text that VOD gets: another where the setting's one is empty."""
        texts = {"en": template.text, "zh-hans": template.text_zh_hans}
        wanted = settings.VOD_REASON_LANGUAGE
        language = wanted if texts[wanted] else next(name for name in texts if name != wanted)
        tone = "neutral" if language == wanted else "attention"
        return display.toned(dict(settings.LANGUAGES)[language], tone)

    @admin.display(description=_("reason in English"), ordering="text")
    def english(self, template: ReasonTemplate) -> SafeString:
        return _with_bytes(template.text)

    @admin.display(description=_("reason in Chinese"), ordering="text_zh_hans")
    def chinese(self, template: ReasonTemplate) -> SafeString:
        return _with_bytes(template.text_zh_hans)

    @admin.display(description=_("severity"), ordering="severity")
    def severity_badge(self, template: ReasonTemplate) -> SafeString:
        is_high = template.severity >= ReasonTemplate.Severity.HIGH
        return display.toned(template.get_severity_display(), "bad" if is_high else "neutral")


def _with_bytes(text: str) -> SafeString:
    """The reason, and how many of VOD's bytes it takes."""
    if not text:
        return SafeString(display.NOTHING)
    return format_html(
        '{} <span class="quiet">{} / {}</span>', text, len(text.encode()), REASON_BYTES
    )
