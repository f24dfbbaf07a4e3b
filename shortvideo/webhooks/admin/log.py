"""Events, their deliveries to endpoints, and each attempt."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shortvideo.desk import display, inbox
from shortvideo.desk.display import named_video_link
from shortvideo.desk.filters import DateRangeFilter, NarrowingFilter
from shortvideo.desk.options import ReadOnlyAdmin
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.webhooks.models import Attempt, Dispatch, Event, EventType
from shortvideo.webhooks.services import KIND

from . import operations
from .columns import endpoint_link, error_text

inbox.register(
    inbox.Concern(
        name="webhooks",
        label=gettext_lazy("Failed webhooks"),
        hint=gettext_lazy("the backend did not accept them"),
        permission="webhooks.replay_dispatch",
        rows=lambda: (
            Delivery.objects.given_up()
            .filter(kind=KIND)
            .exclude(webhook_dispatch__event__type=EventType.PING)
        ),
        url=lambda: reverse(
            "admin:webhooks_dispatch_changelist", query={"state": DeliveryState.GIVEN_UP}
        ),
        kinds=(KIND,),
    )
)


class StateFilter(NarrowingFilter):
    """Without a choice: waiting and failed deliveries."""

    default = gettext_lazy("Unfinished or failed")
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("open", _("Waiting")),
            (DeliveryState.GIVEN_UP, DeliveryState.GIVEN_UP.label),
            (DeliveryState.DONE, DeliveryState.DONE.label),
            ("all", _("All")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case None:
                return queryset & Dispatch.objects.unfinished_or_dead()
            case "open":
                return queryset & Dispatch.objects.waiting()
            case DeliveryState.GIVEN_UP:
                return queryset & Dispatch.objects.dead()
            case "all":
                return queryset
            case state:
                return queryset.filter(delivery__state=state)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin[Event]):
    empty_hint = gettext_lazy("Events about clips appear here while an endpoint is active.")
    list_display = ("id", "type", "video", "told", "created_at")
    list_filter = ("type", ("created_at", DateRangeFilter))
    search_fields = ("=subject", "=uid")
    search_help_text = gettext_lazy("Exact video ID or event ID")
    ordering = ("-id",)
    media_fields = ("data",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "type",
                    "video",
                    "told",
                    "created_at",
                    "uid",
                    "data",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        rows: QuerySet[Event] = super().get_queryset(request)
        return rows.prefetch_related("dispatches__delivery")

    @admin.display(description=gettext_lazy("video"), ordering="subject")
    def video(self, event: Event) -> SafeString | str:
        return named_video_link(event.subject)

    @admin.display(description=gettext_lazy("delivered to"))
    def told(self, event: Event) -> SafeString:
        states = [row.delivery.state for row in event.dispatches.all()]
        url = reverse(
            "admin:webhooks_dispatch_changelist",
            query={"event__id__exact": event.pk, "state": "all"},
        )
        text = _("%(done)d of %(all)d") % {
            "done": states.count(DeliveryState.DONE),
            "all": len(states),
        }
        return format_html('<a href="{}">{}</a>', url, text)


@admin.register(Dispatch)
class DispatchAdmin(ReadOnlyAdmin[Dispatch]):
    empty_hint = gettext_lazy(
        "Each event for each endpoint appears here while it waits, and when it fails."
    )
    phone_columns = ("event_type", "state_badge", "error")
    list_display = (
        "id", "event_type", "video", "endpoint_name", "state_badge", "tries", "error", "due_at",
        "created_at",
    )  # fmt: skip
    list_select_related = ("event", "endpoint", "delivery")
    list_filter = (StateFilter, "endpoint", "event__type", ("event__created_at", DateRangeFilter))
    linked_lookups = ("event__id__exact", "endpoint__id__exact")
    search_fields = ("=event__subject", "=event__uid")
    search_help_text = gettext_lazy("Exact video ID or event ID")
    ordering = ("-id",)
    operations = (operations.ReplayDispatch, operations.Dismiss)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "event_type",
                    "video",
                    "endpoint_name",
                    "state_badge",
                    "tries",
                    "error",
                    "due_at",
                    "created_at",
                )
            },
        ),
    )

    @admin.display(description=gettext_lazy("event"), ordering="event__type")
    def event_type(self, row: Dispatch) -> SafeString:
        url = reverse("admin:webhooks_event_change", args=[row.event_id])
        return format_html('<a href="{}">{}</a>', url, row.event.type)

    @admin.display(description=gettext_lazy("video"), ordering="event__subject")
    def video(self, row: Dispatch) -> SafeString | str:
        return named_video_link(row.event.subject)

    @admin.display(description=gettext_lazy("endpoint"), ordering="endpoint__name")
    def endpoint_name(self, row: Dispatch) -> SafeString:
        return endpoint_link(row.endpoint)

    @admin.display(description=gettext_lazy("state"), ordering="delivery__state")
    def state_badge(self, row: Dispatch) -> SafeString:
        return display.badge(row.delivery.state, row.delivery.get_state_display())

    @admin.display(description=gettext_lazy("attempts"), ordering="delivery__attempts")
    def tries(self, row: Dispatch) -> SafeString:
        query = {"dispatch__id__exact": row.pk}
        url = reverse("admin:webhooks_attempt_changelist", query=query)
        return format_html('<a href="{}">{}</a>', url, row.delivery.attempts)

    @admin.display(description=gettext_lazy("error"))
    def error(self, row: Dispatch) -> SafeString | str:
        return error_text(row.delivery.error_code, row.delivery.error)

    @admin.display(description=gettext_lazy("due"), ordering="delivery__due_at")
    def due_at(self, row: Dispatch) -> Any:
        return row.delivery.due_at if row.delivery.is_open else None

    @admin.display(description=gettext_lazy("created"), ordering="event__created_at")
    def created_at(self, row: Dispatch) -> Any:
        return row.event.created_at


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    empty_hint = gettext_lazy("Each call to an endpoint appears here.")
    phone_columns = ("event_type", "answer", "endpoint")
    list_display = (
        "created_at", "endpoint", "event_type", "video", "number", "answer", "milliseconds",
        "error_sentence",
    )  # fmt: skip
    list_select_related = ("dispatch__event", "dispatch__endpoint")
    list_filter = ("dispatch__endpoint", "status", ("created_at", DateRangeFilter))
    linked_lookups = ("dispatch__id__exact",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "event_type",
                    "video",
                    "endpoint",
                    "number",
                    "answer",
                    "milliseconds",
                    "error_sentence",
                    "created_at",
                )
            },
        ),
    )
    search_fields = ("=dispatch__event__subject", "=dispatch__event__uid")
    search_help_text = gettext_lazy("Exact video ID or event ID")
    ordering = ("-id",)

    @admin.display(description=gettext_lazy("endpoint"))
    def endpoint(self, attempt: Attempt) -> SafeString:
        return endpoint_link(attempt.dispatch.endpoint)

    @admin.display(description=gettext_lazy("event"))
    def event_type(self, attempt: Attempt) -> str:
        return attempt.dispatch.event.type

    @admin.display(description=gettext_lazy("video"))
    def video(self, attempt: Attempt) -> SafeString | str:
        return named_video_link(attempt.dispatch.event.subject)

    @admin.display(description=gettext_lazy("HTTP status"), ordering="status")
    def answer(self, attempt: Attempt) -> SafeString:
        return display.toned(attempt.answered, "bad" if attempt.error else "good")

    @admin.display(description=gettext_lazy("error"))
    def error_sentence(self, attempt: Attempt) -> SafeString | str:
        return error_text("", attempt.error)
