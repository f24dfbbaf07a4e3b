"""Endpoints, managed by administrators; a secret is shown once, on creation."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shortvideo.desk import display
from shortvideo.desk.options import DeskAdmin
from shortvideo.outbox.models import DeliveryState
from shortvideo.webhooks.forms import EndpointForm
from shortvideo.webhooks.models import Attempt, Dispatch, DispatchQuerySet, Endpoint
from shortvideo.webhooks.signing import new_secret

from . import operations

_LATEST = 10  # attempts on the page of an endpoint
_EDITED = ("name", "url", "event_types", "is_active")


@admin.register(Endpoint)
class EndpointAdmin(DeskAdmin[Endpoint]):
    empty_hint = gettext_lazy("Add your backend's address: events about clips are sent there.")
    form = EndpointForm
    change_form_template = "admin/webhooks/endpoint/change_form.html"
    detail_template = "admin/webhooks/endpoint/detail.html"
    list_display = (
        "name", "url", "condition", "last_success_at", "last_failure_at", "waiting", "dead",
    )  # fmt: skip
    list_filter = ("is_active",)
    ordering = ("name",)
    name_fields = ("name",)
    operations = (operations.SendTest, operations.Replay, operations.RotateSecret)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        rows: QuerySet[Endpoint] = super().get_queryset(request)
        return rows.annotate(
            waiting_count=_count_of(Dispatch.objects.waiting()),
            dead_count=_count_of(Dispatch.objects.dead()),
        )

    def get_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> tuple[str, ...]:
        may_edit = self.has_change_permission(request, obj) if obj else True
        return _EDITED if may_edit else ("name", "url", "event_list", "is_active")

    # --- Saving

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save only the edited fields: the worker writes the other fields."""
        if not change:
            obj.secret = new_secret()
            obj.save()
            return
        names = list(form.changed_data)
        if {"url", "is_active"}.intersection(names):
            names += obj.reset_failures()
        obj.save(update_fields=names)

    def response_add(
        self, request: HttpRequest, obj: Endpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        return operations.secret_page(self, request, obj, obj.secret)

    # --- The page of one endpoint

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Only one save button, because the next page shows the secret."""
        only_save = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**only_save, **(extra_context or {})})

    def page_context(self, request: HttpRequest, row: Endpoint) -> dict[str, Any]:
        tries = Attempt.objects.filter(dispatch__endpoint=row)
        return {
            "title": row,
            "subtitle": None,
            "endpoint": row,
            "condition": self.condition(row),
            "waiting": self.waiting(row),
            "dead": self.dead(row),
            "attempts": tries.select_related("dispatch__event").order_by("-id")[:_LATEST],
            "buttons": self.buttons(request, row),
        }

    # --- Columns

    @admin.display(description=gettext_lazy("state"), ordering="is_active")
    def condition(self, endpoint: Endpoint) -> SafeString:
        if not endpoint.is_active:
            return display.toned(_("switched off"), "bad" if endpoint.switched_off_reason else "")
        if endpoint.is_paused(timezone.now()):
            return display.toned(_("paused after a failure"), "attention")
        if endpoint.failure_count:
            return display.toned(_("failing"), "bad")
        return display.toned(_("active"), "good")

    @admin.display(description=gettext_lazy("waiting"))
    def waiting(self, endpoint: Any) -> SafeString | str:
        return _count_link(endpoint, endpoint.waiting_count, "open")

    @admin.display(description=gettext_lazy("failed"))
    def dead(self, endpoint: Any) -> SafeString | str:
        return _count_link(endpoint, endpoint.dead_count, DeliveryState.GIVEN_UP)

    @admin.display(description=gettext_lazy("event types"))
    def event_list(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.event_types) or display.NOTHING


def _count_of(dispatches: DispatchQuerySet) -> Coalesce:
    """Number of these per endpoint. A subquery, because they are few among many dispatches."""
    of_endpoint = dispatches.filter(endpoint=OuterRef("pk")).order_by().values("endpoint")
    return Coalesce(Subquery(of_endpoint.annotate(count=Count("pk")).values("count")), 0)


def _count_link(endpoint: Endpoint, count: int, state: str) -> SafeString | str:
    """The count as a link to the list."""
    query = {"endpoint__id__exact": endpoint.pk, "state": state}
    url = reverse("admin:webhooks_dispatch_changelist", query=query)
    return format_html('<a href="{}">{}</a>', url, count)
