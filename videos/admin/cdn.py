"""Prefetches and purges, and the remaining quotas of the CDN."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shortvideo.desk import inbox
from shortvideo.desk.filters import DateRangeFilter
from shortvideo.desk.operations import Operation
from shortvideo.desk.options import ReadOnlyAdmin
from shortvideo.errors import InvalidState
from videos.admin.columns import ErrorColumn, StateColumn, VideoColumns
from videos.admin.filters import AttentionFilter
from videos.admin.operations import Dismiss
from videos.models import CdnQuota, CdnTask
from videos.services import are_passed, check_resendable, resend_task
from videos.services.cdn_quota import day_began_at

# A failed purge may leave blocked media public: operators who handle takedowns repeat it.
_PERMISSIONS = {
    CdnTask.Kind.PREFETCH: "videos.prefetch_video",
    CdnTask.Kind.PURGE: "outbox.retry_delivery",
}


class PrefetchAgain(Operation[CdnTask]):
    name = "prefetch_again"
    is_direct = True
    permission = _PERMISSIONS[CdnTask.Kind.PREFETCH]
    kind: ClassVar[CdnTask.Kind] = CdnTask.Kind.PREFETCH
    label = gettext_lazy("Prefetch again")
    report = gettext_lazy("%(done)d of %(selected)d submitted again.")
    explanation = gettext_lazy("Creates a new task for each, without URLs in a running task.")

    def check(self, row: CdnTask) -> None:
        if row.kind != self.kind:
            raise InvalidState(_("This is another kind of task: %s.") % row.get_kind_display())
        check_resendable(row)

    def run(self, row: CdnTask, values: Mapping[str, Any]) -> None:
        resend_task(row, **self.actor)


class PurgeAgain(PrefetchAgain):
    name = "purge_again"
    permission = _PERMISSIONS[CdnTask.Kind.PURGE]
    kind = CdnTask.Kind.PURGE
    label = gettext_lazy("Purge again")
    explanation = gettext_lazy("Creates a new task for each, with all its URLs.")


class DismissTasks(Dismiss):
    title = gettext_lazy("Dismiss failed CDN tasks")
    explanation = gettext_lazy(
        "They leave the inbox. The CDN loads a file that was not prefetched for its first viewer. "
        "It may still serve a file that was not purged."
    )

    @classmethod
    def is_allowed(cls, user: Any) -> bool:
        return any(user.has_perm(permission) for permission in _PERMISSIONS.values())

    def check(self, row: CdnTask) -> None:
        super().check(row)
        if not self.request.user.has_perm(_PERMISSIONS[CdnTask.Kind(row.kind)]):
            raise InvalidState(
                _("Your role does not allow this for a %s.") % row.get_kind_display()
            )


def _failed_url(kind: CdnTask.Kind) -> str:
    query = {"attention": "yes", "kind__exact": kind}
    return reverse("admin:videos_cdntask_changelist", query=query)


inbox.register(
    inbox.Concern(
        name="prefetches",
        label=gettext_lazy("Failed prefetches"),
        hint=gettext_lazy("failed, or refused by the CDN"),
        permission=_PERMISSIONS[CdnTask.Kind.PREFETCH],
        rows=lambda: CdnTask.objects.needing_attention().prefetches(),
        url=lambda: _failed_url(CdnTask.Kind.PREFETCH),
        kinds=("push_object_cache",),
    )
)
inbox.register(
    inbox.Concern(
        name="purges",
        label=gettext_lazy("Failed purges"),
        hint=gettext_lazy("files of a replaced source"),
        permission=_PERMISSIONS[CdnTask.Kind.PURGE],
        rows=lambda: CdnTask.objects.needing_attention().purges(),
        url=lambda: _failed_url(CdnTask.Kind.PURGE),
    )
)


@admin.register(CdnTask)
class CdnTaskAdmin(StateColumn, ErrorColumn, VideoColumns, ReadOnlyAdmin[CdnTask]):
    empty_hint = gettext_lazy(
        "Prefetches of recommended clips and purges of blocked clips appear here."
    )
    phone_columns = ("kind", "state_badge", "percent")
    change_list_template = "admin/videos/cdntask/change_list.html"
    list_display = (
        "id", "kind", "video_link", "url_count", "state_badge", "percent", "error_text",
        "operator", "created_at",
    )  # fmt: skip
    list_select_related = ("video", "operator")
    list_filter = (AttentionFilter, "state", "kind", ("created_at", DateRangeFilter))
    search_fields = ("=video__vod_id",)
    ordering = ("-id",)
    operations = (PrefetchAgain, PurgeAgain, DismissTasks)
    media_fields = ("urls",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "kind",
                    "video_link",
                    "state_badge",
                    "percent",
                    "error_text",
                    "operator",
                    "created_at",
                    "finished_at",
                )
            },
        ),
        (
            gettext_lazy("On the CDN"),
            {
                "fields": (
                    "urls",
                    "task_ids",
                    "checked_at",
                    "takedown",
                    "part_of",
                    "delivery",
                )
            },
        ),
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "cdn": cdn_state()})

    def may_see_media(self, request: HttpRequest, row: CdnTask | None) -> bool:
        return super().may_see_media(request, row) or (row is not None and are_passed(row.urls))

    @admin.display(description=gettext_lazy("URLs"))
    def url_count(self, task: CdnTask) -> int:
        return len(task.urls)

    @admin.display(description=gettext_lazy("progress"), ordering="progress")
    def percent(self, task: CdnTask) -> str:
        return f"{task.progress} %"


def cdn_state() -> dict[str, Any]:
    """The remaining quotas of today, and the purges that could not be sent yet."""
    quota = CdnQuota.objects.known()
    read_at = quota.read_at if quota is not None else None
    is_of_today = read_at is not None and read_at >= day_began_at(timezone.now())
    late_purges = {"state__exact": CdnTask.State.WAITING, "kind__exact": CdnTask.Kind.PURGE}
    return {
        "quota": quota,
        "is_quota_of_today": is_of_today,
        "is_purge_quota_used_up": quota is not None and is_of_today and not quota.purge_left,
        "late_purge_count": CdnTask.objects.late_purges().count(),
        "late_purges_url": reverse("admin:videos_cdntask_changelist", query=late_purges),
    }
