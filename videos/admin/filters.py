"""Filters of lists."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from videos.models import ReviewTaskQuerySet, VideoQuerySet


class AttentionFilter(admin.SimpleListFilter):
    """The rows that the inbox counts; for a model with `needing_attention()`."""

    title = _("attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Needs attention"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.needing_attention() if self.value() == "yes" else queryset


class DeletedFilter(admin.SimpleListFilter):
    """Deleted videos appear only with this filter, for operators who may delete."""

    title = _("deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        may_delete = request.user.has_perm("videos.delete_video")
        return [("yes", _("Deleted"))] if may_delete or self.value() else []

    def choices(self, changelist: Any) -> Any:
        choices = super().choices(changelist)
        yield {**next(choices), "display": _("Not deleted")}
        yield from choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> VideoQuerySet:
        videos: VideoQuerySet = queryset  # type: ignore[assignment]  # the model's own manager
        return videos.exclude(deleted_at=None) if self.value() == "yes" else videos.visible()


class OpenFilter(admin.SimpleListFilter):
    """Open tasks, the default, or closed tasks."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("closed", _("Closed"))]

    def choices(self, changelist: Any) -> Any:
        choices = super().choices(changelist)
        yield {**next(choices), "display": _("Open")}
        yield from choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> ReviewTaskQuerySet:
        tasks: ReviewTaskQuerySet = queryset  # type: ignore[assignment]  # the model's own manager
        return tasks.exclude(closed_at=None) if self.value() == "closed" else tasks.open()
