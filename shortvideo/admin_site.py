"""The moderators' desk: Django's admin with its own sections, inbox and first page."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import authenticate
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from shortvideo.desk.filters import AutocompleteFilter
from shortvideo.desk.inbox import Inbox
from shortvideo.desk.lists import SEARCH_LENGTH

# The navigation: models in order. The last section is folded; other models are in it too.
_SECTIONS: tuple[tuple[Promise, tuple[str, ...]], ...] = (
    (
        _("Moderation"),
        (
            "videos.ReviewTask",
            "videos.Video",
            "accounts.Uploader",
            "recommendations.Recommendation",
            "videos.Takedown",
            "videos.ReasonTemplate",
        ),
    ),
    (_("People"), ("accounts.Operator", "auth.Group", "accounts.ConsoleToken")),
    (
        _("System"),
        (
            "videos.MachineReview",
            "videos.LabelThreshold",
            "videos.Evidence",
            "videos.TranscodeJob",
            "videos.CdnTask",
            "review_ips",
            "outbox.Delivery",
            "outbox.Lane",
            "outbox.PeriodicTask",
            "videos.VodEvent",
            "videos.SyncRun",
            "videos.ReconcileRun",
            "videos.LogPruning",
            "webhooks.Endpoint",
            "webhooks.Event",
            "webhooks.Dispatch",
            "webhooks.Attempt",
        ),
    ),
)
# Pages without a model, by the name of their URL: name and permission.
_PAGES: dict[str, tuple[Promise, str]] = {
    "review_ips": (_("Review IPs"), "videos.change_review_ips"),
}


class ConsoleAdminSite(AdminSite):
    site_title = _("Short Video Console")
    site_header = _("Short Video Console")
    index_title = _("Desk")
    site_url = None
    enable_nav_sidebar = False  # ours is in base_site.html

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")  # rows leave through services

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """Return our sections instead of apps; Django's own list for the page of one app."""
        apps: list[dict[str, Any]] = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = [model for app in apps for model in app["models"]]
        for model in models:
            heading = getattr(self._registry[model["model"]], "list_heading", "")
            model["name"] = heading or model["name"]
        pages = {
            page: {"name": name, "admin_url": reverse(page)}
            for page, (name, permission) in _PAGES.items()
            if request.user.has_perm(permission)
        }
        labels = {model["model"]._meta.label: model for model in models}
        return list(_sections(labels | pages, request.path))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            path("inbox/", self.admin_view(self.inbox), name="inbox"),
            path("guide/close/", self.admin_view(self.close_guide), name="close_guide"),
            *super().get_urls(),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        """Raises BadRequest for a NUL character: PostgreSQL stores none and compares none.

        Each page of the desk asks this first, before it reads the session.
        """
        sent = chain(request.COOKIES.values(), _texts(request.GET), _texts(request.POST))
        if "\0" in request.path or any("\0" in text for text in sent):
            raise BadRequest
        return super().has_permission(request)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Complete only what a page of the desk completes; Django would search for any relation."""
        field = tuple(request.GET.get(name) for name in ("app_label", "model_name", "field_name"))
        if field not in set(self._completed_fields()):
            raise PermissionDenied
        if len(request.GET.get("term", "")) > SEARCH_LENGTH:
            raise BadRequest
        return super().autocomplete_view(request)

    def _completed_fields(self) -> Iterator[tuple[Any, ...]]:
        for model, model_admin in self._registry.items():
            for each in model_admin.list_filter:
                if isinstance(each, tuple) and issubclass(each[1], AutocompleteFilter):
                    yield model._meta.app_label, model._meta.model_name, each[0]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the inbox and the number of waiting clips. They count only if the page shows them."""
        from videos.admin.desk import waiting_label  # noqa: PLC0415 - it imports this site

        return {
            **super().each_context(request),
            "inbox": Inbox(request.user),
            "waiting": SimpleLazyObject(waiting_label),
        }

    def password_change(  # type: ignore[override]  # Django redirects after a change, too
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Change the own password. A wrong old password is a failed login."""
        from accounts.lockout import locked_out  # noqa: PLC0415 - accounts imports this site

        name = {"username": request.user.get_username()}
        if request.method == "POST":
            authenticate(request, **name, password=request.POST.get("old_password"))
            if request.axes_locked_out:  # type: ignore[attr-defined]  # set by axes
                return locked_out(request, None, name)
        return super().password_change(request, extra_context)

    def inbox(self, request: HttpRequest) -> TemplateResponse:
        """The page of the inbox."""
        context = {**self.each_context(request), "title": _("Inbox")}
        return TemplateResponse(request, "admin/inbox.html", context)

    def close_guide(self, request: HttpRequest) -> HttpResponse:
        """Show the operator no more guide on the first page."""
        from accounts.services import close_guide, operator_of  # noqa: PLC0415 - see above

        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        close_guide(operator_of(request))
        return redirect("admin:index")

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        from videos.admin.desk import desk_context  # noqa: PLC0415 - it imports this site

        return super().index(request, {**desk_context(request), **(extra_context or {})})


def _texts(sent: QueryDict) -> Iterator[str]:
    for name, values in sent.lists():
        yield from (name, *values)


def _sections(models: dict[str, dict[str, Any]], path: str) -> Iterator[dict[str, Any]]:
    """The sections of these models. The last is open on the pages of its models."""
    *shown, (system, plumbing) = _SECTIONS
    for name, labels in shown:
        if listed := [model for label in labels if (model := models.pop(label, None))]:
            yield {"name": name, "models": listed}
    if listed := [models.pop(label) for label in plumbing if label in models] + [*models.values()]:
        is_open = any(model["admin_url"] and model["admin_url"] in path for model in listed)
        yield {"name": system, "models": listed, "is_folded": True, "is_open": is_open}
