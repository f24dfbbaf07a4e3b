"""Filters of lists."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from shortvideo.desk.filters import NarrowingFilter
from videos.models import ReviewTaskQuerySet, VideoQuerySet


class AttentionFilter(admin.SimpleListFilter):
    """The rows that the inbox counts; for a model with `needing_attention()`."""

    title = _("attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Needs attention"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.needing_attention() if self.value() == "yes" else queryset


class DeletedFilter(NarrowingFilter):
    """Deleted videos appear only with this filter, for operators who may delete."""

    default = _("Not deleted")
    title = _("deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        may_delete = request.user.has_perm("videos.delete_video")
        return [("yes", _("Deleted"))] if may_delete or self.value() else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> VideoQuerySet:
        videos: VideoQuerySet = queryset  # type: ignore[assignment]  # the model's own manager
        return videos.exclude(deleted_at=None) if self.value() == "yes" else videos.visible()


class OpenFilter(NarrowingFilter):
    """Open tasks, the default, or closed tasks."""

    default = _("Open")
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("closed", _("Closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> ReviewTaskQuerySet:
        tasks: ReviewTaskQuerySet = queryset  # type: ignore[assignment]  # the model's own manager
        return tasks.exclude(closed_at=None) if self.value() == "closed" else tasks.open()
