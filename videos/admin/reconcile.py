"""Comparisons of the mirror with VOD, in both directions."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.services import operator_of
from shortvideo.desk import inbox
from shortvideo.desk.options import ReadOnlyAdmin
from videos import reconcile
from videos.admin.columns import ErrorColumn, StateColumn, video_url
from videos.models import ReconcileRun, Video
from videos.reconcile import Kind, Resolution

_PERMISSION = "videos.sync_video"
_OUTCOMES = {
    Resolution.HEALED: gettext_lazy("repaired"),
    Resolution.UNDER_WAY: gettext_lazy("in progress"),
    Resolution.LEFT: gettext_lazy("remaining"),
}


@admin.register(ReconcileRun)
class ReconcileRunAdmin(StateColumn, ErrorColumn, ReadOnlyAdmin[ReconcileRun]):
    empty_hint = gettext_lazy(
        "The worker compares by itself; the buttons above start a comparison now."
    )
    phone_columns = ("mode", "state_badge", "left_count")
    list_display = (
        "started_at", "mode", "state_badge", "here_count", "there_count", "found_count",
        "left_count", "error_text", "requested_by", "finished_at",
    )  # fmt: skip
    detail_template = "admin/videos/reconcilerun/detail.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "mode", "state_badge", "here_count", "there_count", "found_count",
                    "left_count", "error", "requested_by", "started_at", "finished_at",
                )
            },
        ),
    )  # fmt: skip
    list_filter = ("state", "is_heal")
    list_select_related = ("requested_by",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReconcileRun]:
        rows: QuerySet[ReconcileRun] = super().get_queryset(request)
        return rows.defer("open_files")

    @admin.display(description=gettext_lazy("what"), ordering="is_heal")
    def mode(self, run: ReconcileRun) -> str:
        return _mode_of(run)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.request_view)
        return [path("request/", view, name="videos_reconcilerun_request"), *super().get_urls()]

    def request_view(self, request: HttpRequest) -> HttpResponse:
        """POST: ask the worker to compare, and to repair if `heal` is given."""
        if not request.user.has_perm(_PERMISSION):
            raise PermissionDenied
        if request.method == "POST":
            try:
                reconcile.request(is_heal="heal" in request.POST, operator=operator_of(request))
            except reconcile.AlreadyRunning as error:
                self.message_user(request, str(error), messages.WARNING)
            else:
                self.message_user(request, _("The worker starts within seconds."))
        return HttpResponseRedirect(reverse("admin:videos_reconcilerun_changelist"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_reconcile": request.user.has_perm(_PERMISSION), **(extra_context or {})}
        return super().changelist_view(request, context)

    def page_context(self, request: HttpRequest, row: ReconcileRun) -> dict[str, Any]:
        """Counts and examples of each kind of difference."""
        return {
            "rows": _rows_of(row),
            "examples": _examples_of(row),
        }


def _mode_of(run: ReconcileRun) -> str:
    return _("compared and repaired") if run.is_heal else _("compared")


def _rows_of(run: ReconcileRun) -> list[dict[str, Any]]:
    """The counts of every kind of difference, also of kinds without any."""
    none = {"found": 0, "healed": 0, "under_way": 0, "left": 0}
    return [{"label": kind.label, **none, **run.counts.get(kind, {})} for kind in Kind]


def _examples_of(run: ReconcileRun) -> list[dict[str, Any]]:
    vod_ids = [one["vod_id"] for one in run.examples]
    videos = Video.objects.in_bulk(vod_ids, field_name="vod_id")
    return [
        {
            **one,
            "label": Kind(one["kind"]).label,
            "outcome_label": _OUTCOMES[Resolution(one["outcome"])],
            "url": video_url(videos[one["vod_id"]]) if one["vod_id"] in videos else "",
        }
        for one in run.examples
    ]


inbox.register(
    inbox.Concern(
        name="drift",
        label=gettext_lazy("Differences from VOD"),
        hint=gettext_lazy("remaining after the last comparison, or it failed"),
        permission=_PERMISSION,
        rows=ReconcileRun.objects.needing_attention,
        url=lambda: reverse("admin:videos_reconcilerun_changelist"),
    )
)
