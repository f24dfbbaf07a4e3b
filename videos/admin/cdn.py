"""Prefetches and purges, and what is left of the CDN's quotas."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.requests import operator_of
from shortvideo.desk import inbox
from shortvideo.desk.filters import DateRangeFilter
from shortvideo.desk.operations import Operation, carry_out
from shortvideo.desk.options import ReadOnlyAdmin
from shortvideo.middleware import current_request_id
from videos.admin.columns import ErrorColumn, StateColumn, VideoColumns
from videos.admin.filters import AttentionFilter
from videos.models import CdnQuota, CdnTask, CdnTaskQuerySet
from videos.services import dismiss_cdn_task, prefetch_again, purge_again
from videos.services.cdn_quota import day_began_at

# A failed purge may have left blocked media in reach: it is for those who see to takedowns.
PERMISSIONS = {
    CdnTask.Kind.PREFETCH: "videos.prefetch_video",
    CdnTask.Kind.PURGE: "outbox.retry_delivery",
}


class PrefetchAgain(Operation[CdnTask]):
    name = "prefetch_again"
    title = gettext_lazy("Prefetch again")
    verb = gettext_lazy("Prefetch again")
    done = gettext_lazy("submitted again")
    explanation = gettext_lazy("A new task is made of each; what is on its way is left out.")

    def refusals(self, rows: Sequence[CdnTask]) -> Mapping[int, str]:
        return {
            row.pk: _("Only a prefetch that failed or was refused can be sent again.")
            for row in rows
            if not row.is_failed_prefetch
        }

    def run(self, row: CdnTask, values: Mapping[str, Any], request: HttpRequest) -> None:
        prefetch_again(row, operator=operator_of(request), request_id=current_request_id())


class PurgeAgain(Operation[CdnTask]):
    name = "purge_again"
    title = gettext_lazy("Purge again")
    verb = gettext_lazy("Purge again")
    done = gettext_lazy("submitted again")
    explanation = gettext_lazy("A new task is made of each, of all its URLs.")

    def refusals(self, rows: Sequence[CdnTask]) -> Mapping[int, str]:
        return {
            row.pk: _("Only a purge that failed or was refused can be sent again.")
            for row in rows
            if not row.is_failed_purge
        }

    def run(self, row: CdnTask, values: Mapping[str, Any], request: HttpRequest) -> None:
        purge_again(row, operator=operator_of(request), request_id=current_request_id())


class Dismiss(Operation[CdnTask]):
    name = "dismiss"
    title = gettext_lazy("Dismiss failed CDN tasks")
    verb = gettext_lazy("Dismiss")
    done = gettext_lazy("dismissed")
    explanation = gettext_lazy(
        "They leave the inbox. What was to be prefetched the CDN fetches when asked for; what was "
        "to be purged it may still hold."
    )

    def __init__(self, request: HttpRequest) -> None:
        self.user = request.user

    def refusals(self, rows: Sequence[CdnTask]) -> Mapping[int, str]:
        return {row.pk: text for row in rows if (text := self.refusal(row))}

    def refusal(self, row: CdnTask) -> str:
        if row.attention_at is None:
            return _("It does not wait for an operator.")
        if not self.user.has_perm(PERMISSIONS[CdnTask.Kind(row.kind)]):
            return _("Your role does not allow this for a %s.") % row.get_kind_display()
        return ""

    def run(self, row: CdnTask, values: Mapping[str, Any], request: HttpRequest) -> None:
        dismiss_cdn_task(row, operator=operator_of(request), request_id=current_request_id())


def _failed_url(kind: CdnTask.Kind) -> str:
    query = {"attention": "yes", "kind__exact": kind}
    return reverse("admin:videos_cdntask_changelist", query=query)


inbox.register(
    inbox.Concern(
        name="prefetches",
        label=gettext_lazy("Failed prefetches"),
        hint=gettext_lazy("failed, or refused by the CDN"),
        permission=PERMISSIONS[CdnTask.Kind.PREFETCH],
        rows=lambda: CdnTask.objects.needing_attention().prefetches(),
        url=lambda: _failed_url(CdnTask.Kind.PREFETCH),
        kinds=("push_object_cache",),
    )
)
inbox.register(
    inbox.Concern(
        name="purges",
        label=gettext_lazy("Failed purges"),
        hint=gettext_lazy("of a source that was replaced"),
        permission=PERMISSIONS[CdnTask.Kind.PURGE],
        rows=lambda: CdnTask.objects.needing_attention().purges(),
        url=lambda: _failed_url(CdnTask.Kind.PURGE),
    )
)


@admin.register(CdnTask)
class CdnTaskAdmin(StateColumn, ErrorColumn, VideoColumns, ReadOnlyAdmin[CdnTask]):
    change_list_template = "admin/videos/cdntask/change_list.html"
    list_display = (
        "id", "kind", "video_link", "url_count", "state_badge", "percent", "error_text",
        "operator", "created_at",
    )  # fmt: skip
    list_select_related = ("video", "operator")
    list_filter = (AttentionFilter, "state", "kind", ("created_at", DateRangeFilter))
    search_fields = ("=video__vod_id",)
    ordering = ("-id",)
    actions = ("prefetch_again", "purge_again", "dismiss")

    def has_prefetch_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSIONS[CdnTask.Kind.PREFETCH])

    def has_purge_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSIONS[CdnTask.Kind.PURGE])

    @admin.action(description=gettext_lazy("Prefetch again"), permissions=["prefetch"])
    def prefetch_again(self, request: HttpRequest, tasks: CdnTaskQuerySet) -> HttpResponse | None:
        return carry_out(self, request, tasks, PrefetchAgain())

    @admin.action(description=gettext_lazy("Purge again"), permissions=["purge"])
    def purge_again(self, request: HttpRequest, tasks: CdnTaskQuerySet) -> HttpResponse | None:
        return carry_out(self, request, tasks, PurgeAgain())

    @admin.action(description=gettext_lazy("Dismiss…"), permissions=["prefetch", "purge"])
    def dismiss(self, request: HttpRequest, tasks: CdnTaskQuerySet) -> HttpResponse | None:
        return carry_out(self, request, tasks, Dismiss(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "cdn": cdn_state()})

    @admin.display(description=gettext_lazy("URLs"))
    def url_count(self, task: CdnTask) -> int:
        return len(task.urls)

    @admin.display(description=gettext_lazy("progress"), ordering="progress")
    def percent(self, task: CdnTask) -> str:
        return f"{task.progress} %"


def cdn_state() -> dict[str, Any]:
    """What is left of today's quotas, and the purges that could not be sent yet."""
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
