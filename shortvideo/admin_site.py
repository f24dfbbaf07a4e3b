"""The moderators' desk: Django's admin under this project's name, in the order of its work."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shortvideo.desk.inbox import Inbox

# Model names in the order in which they are worked with; what is not named comes last.
SECTIONS: Mapping[str, tuple[str | Promise, tuple[str, ...]]] = {
    "moderation": (
        _("Moderation"),
        (
            "videos.ReviewTask",
            "videos.Video",
            "recommendations.Recommendation",
            "accounts.Uploader",
            "videos.MachineReview",
            "videos.Takedown",
            "videos.Evidence",
            "videos.ReasonTemplate",
        ),
    ),
    "work": (
        _("Work"),
        (
            "videos.TranscodeJob",
            "videos.CdnTask",
            "outbox.Delivery",
            "outbox.Lane",
            "outbox.PeriodicTask",
            "videos.VodEvent",
            "videos.SyncRun",
            "videos.ReconcileRun",
            "videos.LogPruning",
        ),
    ),
    "backend": (
        _("Backend"),
        ("webhooks.Endpoint", "webhooks.Event", "webhooks.Dispatch", "webhooks.Attempt"),
    ),
    "people": (_("People"), ("accounts.Operator", "auth.Group", "accounts.ConsoleToken")),
}
NAMES: Mapping[str, str | Promise] = {
    "auth.Group": _("Roles"),
    "videos.ReviewTask": _("Review queue"),
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
        """Sections of work in place of Django's apps; one app's page is Django's own."""
        apps: list[dict[str, Any]] = super().get_app_list(request, app_label)
        return apps if app_label is not None else list(_sections(apps))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        inbox = path("inbox/", self.admin_view(self.inbox), name="inbox")
        return [inbox, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """With the inbox, which is counted only where a page shows it."""
        return {**super().each_context(request), "inbox": Inbox(request.user)}

    def inbox(self, request: HttpRequest) -> TemplateResponse:
        """What failed and waits for an operator: a line for each kind of it."""
        context = {**self.each_context(request), "title": _("Inbox")}
        return TemplateResponse(request, "admin/inbox.html", context)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        # The apps import the admin, and it is made before their models are there.
        from videos.admin.desk import desk_context  # noqa: PLC0415 - see above

        return super().index(request, {**desk_context(request), **(extra_context or {})})


def _sections(apps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    found = {
        f"{app['app_label']}.{model['object_name']}": model
        for app in apps
        for model in app["models"]
    }
    for label, (name, models) in SECTIONS.items():
        chosen = [
            {**model, "name": NAMES.get(key, model["name"])}
            for key in models
            if (model := found.pop(key, None))
        ]
        if chosen:
            yield _section(label, name, chosen)
    if found:
        yield _section("others", _("Others"), list(found.values()))


def _section(label: str, name: str | Promise, models: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "app_label": label,
        "app_url": "",
        "has_module_perms": True,
        "models": models,
    }
