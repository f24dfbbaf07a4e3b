"""The recommended list on the desk: order, time, prefetch, removal."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recommendations.models import Recommendation
from recommendations.services import (
    edit_recommendation,
    prefetch_recommendation,
    remove_recommendation,
)
from shortvideo.cloud.urls import host_and_path, is_on_cdn
from shortvideo.desk import display
from shortvideo.desk.operations import Operation
from shortvideo.desk.options import DeskAdmin
from shortvideo.errors import InvalidState
from shortvideo.middleware import current_request_id
from shortvideo.moments import within_range
from shortvideo.text import folded
from videos.admin.columns import VideoColumns
from videos.models import Video


class Prefetch(Operation[Recommendation]):
    name = "prefetch"
    permission = "videos.prefetch_video"
    label = gettext_lazy("Prefetch to the CDN")
    verb = gettext_lazy("Prefetch")
    report = gettext_lazy("%(done)d of %(selected)d submitted.")
    explanation = gettext_lazy("Loads first frame, cover and playable file onto the CDN's nodes.")

    def check(self, row: Recommendation) -> None:
        if reason := _unpublished_reason(row):
            raise InvalidState(reason)

    def run(self, row: Recommendation, values: Mapping[str, Any]) -> None:
        if prefetch_recommendation(row, **self.actor) is None:
            raise InvalidState(_("It has no media to prefetch, or they are being prefetched."))


class Remove(Operation[Recommendation]):
    name = "remove"
    permission = "recommendations.delete_recommendation"
    label = gettext_lazy("Remove…")
    title = gettext_lazy("Remove from the recommended list")
    verb = gettext_lazy("Remove")
    report = gettext_lazy("%(done)d of %(selected)d removed.")
    explanation = gettext_lazy("Their position, dates and display texts are deleted.")
    is_destructive = True

    def run(self, row: Recommendation, values: Mapping[str, Any]) -> None:
        remove_recommendation(row, **self.actor)


class RecommendationForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable here
    class Meta:
        model = Recommendation
        fields = (
            "position", "starts_at", "ends_at", "title", "description", "tags", "cate_name",
            "cover", "first_frame",
        )  # fmt: skip

    def clean_cover(self) -> str:
        return self._own_picture("cover")

    def clean_first_frame(self) -> str:
        return self._own_picture("first_frame")

    def _own_picture(self, field: str) -> str:
        """Return `host/path` of a URL. Raises ValidationError unless the CDN has this picture."""
        if not (value := self.cleaned_data[field]):
            return ""
        video: Video = self.instance.video
        path = video.own_picture(host_and_path(value))
        if not is_on_cdn(path):
            text = _(
                "It must be on a play domain (%s), and one of this video's own pictures: its "
                "cover, its first frame or a snapshot."
            )
            raise ValidationError(
                text % (", ".join(settings.CDN_DOMAINS) or _("none is configured"))
            )
        return path

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        start, end = self.cleaned_data.get("starts_at"), self.cleaned_data.get("ends_at")
        if start and end and end <= start:
            self.add_error("ends_at", _("It must end after it starts."))
        for name, moment in (("starts_at", start), ("ends_at", end)):
            if moment and within_range(moment) != moment:
                self.add_error(name, _("The year must be from 2 to 9998."))
        return cleaned


@admin.register(Recommendation)
class RecommendationAdmin(VideoColumns, DeskAdmin[Recommendation]):
    empty_hint = gettext_lazy("Select approved clips in the list of videos and recommend them.")
    phone_columns = ("position", "publication", "ends_at")
    form = RecommendationForm
    list_display = (
        "picture", "heading", "position", "publication", "starts_at", "ends_at",
        "recommended_at", "recommended_by",
    )  # fmt: skip
    list_display_links = ("heading",)
    list_editable = ("position",)
    list_select_related = ("video", "recommended_by")
    search_fields = ("title_search", "video__title_search", "video__vod_id")
    search_help_text = gettext_lazy("Exact video ID or part of the title")
    ordering = (F("position").asc(nulls_last=True), "-recommended_at", "-id")
    operations = (Prefetch, Remove)
    fieldsets = (
        (None, {"fields": ("position", ("starts_at", "ends_at"))}),
        (
            gettext_lazy("Shown instead of the video's own values"),
            {
                "fields": ("title", "description", "tags", "cate_name", "cover", "first_frame"),
                "description": gettext_lazy("An empty field shows the video's own value."),
            },
        ),
    )

    def search_condition(self, text: str) -> Q:
        return (
            Q(video__vod_id=text)
            | Q(title_search__contains=folded(text))
            | Q(video__title_search__contains=folded(text))
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Videos are recommended from their own list."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Recommendation | None = None
    ) -> bool:
        """Items are removed by the action, which calls the service."""
        return False

    def rows_to_lock(self, keys: Sequence[Any]) -> QuerySet[Video]:
        """Their videos, as the services do."""
        return Video.objects.filter(recommendation__in=keys)

    def save_model(
        self,
        request: HttpRequest,
        obj: Recommendation,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        edit_recommendation(
            obj,
            values={name: form.cleaned_data[name] for name in form.changed_data},
            request_id=current_request_id(),
        )

    @admin.display(description=gettext_lazy("title"), ordering="video__title_search")
    def heading(self, item: Recommendation) -> SafeString:
        return format_html(
            '<span class="heading">{}</span><span class="identifier">{}</span>',
            display.bdi(item),
            item.video.vod_id,
        )

    @admin.display(description=gettext_lazy("on the list"))
    def publication(self, item: Recommendation) -> SafeString:
        if reason := _unpublished_reason(item):
            return display.toned(reason, "attention")
        return display.toned(_("published"), "good")


def _unpublished_reason(item: Recommendation) -> str:
    """Why `published()` excludes the item; '' if it is published."""
    video, now = item.video, timezone.now()
    is_ended_by_block = video.blocked_at is not None and item.recommended_at <= video.blocked_at
    reasons = (
        (video.deleted_at is not None, _("video deleted")),
        (not video.is_passed, _("video not approved")),
        (is_ended_by_block, _("ended by a block")),
        (item.starts_at is not None and item.starts_at > now, _("not started")),
        (item.ends_at is not None and item.ends_at <= now, _("ended")),
        (video.is_unplayable, _("no playable file")),
    )
    return next((reason for applies, reason in reasons if applies), "")
