"""Deliveries ("VOD calls"), lanes ("delivery channels") and periodic tasks on the desk."""

from collections.abc import Mapping
from typing import Any, Final, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import journal
from shortvideo.desk import display, inbox
from shortvideo.desk.display import named_video_link
from shortvideo.desk.filters import DateRangeFilter, ErrorCodeFilter, NarrowingFilter
from shortvideo.desk.operations import Operation
from shortvideo.desk.options import ReadOnlyAdmin
from shortvideo.errors import InvalidState

from . import lanes, services
from .models import OPEN_STATES, Delivery, DeliveryQuerySet, DeliveryState, Lane, PeriodicTask

_ATTENTION: Final = "attention"


class Retry(Operation[Delivery]):
    name = "retry"
    is_direct = True
    permission = "outbox.retry_delivery"
    label = gettext_lazy("Retry")
    title = gettext_lazy("Retry VOD calls")
    verb = gettext_lazy("Retry")
    report = gettext_lazy("%(done)d of %(selected)d will be sent again.")
    explanation = gettext_lazy("A worker sends them within seconds, with the calls that wait.")

    def check(self, row: Delivery) -> None:
        if row.state != DeliveryState.GIVEN_UP:
            raise InvalidState(_("It has not failed: %s.") % row.get_state_display())

    def run(self, row: Delivery, values: Mapping[str, Any]) -> None:
        services.retry(row)
        journal.log_action(row=row, action=self.name, **self.actor)


class Dismiss(Retry):
    name = "dismiss"
    is_direct = False
    label = gettext_lazy("Dismiss…")
    title = gettext_lazy("Dismiss VOD calls")
    verb = gettext_lazy("Dismiss")
    report = gettext_lazy("%(done)d of %(selected)d dismissed.")
    explanation = gettext_lazy(
        "They are closed and leave the inbox, with the calls that wait for them. VOD is not told, "
        "and the decision here stands. They cannot be retried after this."
    )

    def run(self, row: Delivery, values: Mapping[str, Any]) -> None:
        services.dismiss(row)
        journal.log_action(row=row, action=self.name, **self.actor)


class Resume(Operation[Lane]):
    name = "resume"
    is_direct = True
    permission = "outbox.retry_delivery"
    label = gettext_lazy("Resume…")
    title = gettext_lazy("Resume delivery channels")
    verb = gettext_lazy("Resume")
    report = gettext_lazy("%(done)d of %(selected)d resumed.")
    explanation = gettext_lazy(
        "Waiting calls are sent now. If the cloud throttles us again, another pause begins."
    )

    def check(self, row: Lane) -> None:
        if not _is_paused(row):
            raise InvalidState(_("It is not paused."))

    def run(self, row: Lane, values: Mapping[str, Any]) -> None:
        lanes.resume(row.kind, now=timezone.now())
        journal.log_action(row=row, action=self.name, **self.actor)


def _is_paused(lane: Lane) -> bool:
    return lane.paused_until is not None and lane.paused_until > timezone.now()


def _needing_attention(deliveries: DeliveryQuerySet) -> DeliveryQuerySet:
    return deliveries.needing_attention(shown_elsewhere=sorted(inbox.delivery_kinds()))


def _given_up_url() -> str:
    return reverse("admin:outbox_delivery_changelist", query={"state": _ATTENTION})


inbox.register(
    inbox.Concern(
        name="deliveries",
        label=gettext_lazy("Failed VOD calls"),
        hint=gettext_lazy("refused by the cloud, or failed too often"),
        permission="outbox.retry_delivery",
        rows=lambda: _needing_attention(Delivery.objects.all()),
        url=_given_up_url,
    )
)


class StateFilter(NarrowingFilter):
    """Without a choice: deliveries that are open or failed."""

    default = gettext_lazy("Unfinished or failed")
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            *DeliveryState.choices,
            (_ATTENTION, _("Failed, needs attention")),
            ("all", _("All")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        state = self.value()
        if state == "all":
            return queryset
        if state == _ATTENTION:
            return _needing_attention(cast("DeliveryQuerySet", queryset))
        if state is not None:
            return queryset.filter(state=state)
        return queryset.filter(state__in=(*OPEN_STATES, DeliveryState.GIVEN_UP))


class GivenUpCodeFilter(ErrorCodeFilter):
    def failed(self, codes: QuerySet[Any]) -> QuerySet[Any]:
        return codes.filter(state=DeliveryState.GIVEN_UP)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin[Delivery]):
    empty_hint = gettext_lazy(
        "Calls to VOD and the CDN appear here while they wait, and when they fail."
    )
    phone_columns = ("kind", "state_badge", "subject_link")
    list_display = (
        "id", "kind", "subject_link", "state_badge", "attempts", "error_text", "due_at",
        "created_at",
    )  # fmt: skip
    list_filter = (
        StateFilter, "kind", ("error_code", GivenUpCodeFilter), ("created_at", DateRangeFilter),
    )  # fmt: skip
    search_fields = ("=subject", "=error_code")
    search_help_text = gettext_lazy("Exact video ID or error code")
    ordering = ("-id",)
    operations = (Retry, Dismiss)
    media_fields = ("payload", "result")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "kind",
                    "subject_link",
                    "state_badge",
                    "error_text",
                    "attempts",
                    "due_at",
                    "created_at",
                    "finished_at",
                    "after",
                )
            },
        ),
        (
            gettext_lazy("Worker"),
            {
                "fields": (
                    "first_attempt_at",
                    "lease_until",
                    "claim_count",
                    "broken_lease_count",
                    "fault_count",
                    "retry_count",
                    "is_held",
                    "is_superseding",
                    "payload",
                    "result",
                )
            },
        ),
    )

    @admin.display(description=gettext_lazy("subject"), ordering="subject")
    def subject_link(self, delivery: Delivery) -> SafeString | str:
        return named_video_link(delivery.subject)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_badge(self, delivery: Delivery) -> SafeString:
        return display.badge(delivery.state, delivery.get_state_display())

    @admin.display(description=gettext_lazy("error"))
    def error_text(self, delivery: Delivery) -> SafeString | str:
        if not delivery.error and not delivery.error_code:
            return display.NOTHING
        return format_html(
            '<span class="error-text"><code>{}</code> {}</span><span class="identifier">{}</span>',
            delivery.error_code,
            delivery.error,
            "" if delivery.error_request_id in delivery.error else delivery.error_request_id,
        )


@admin.register(Lane)
class LaneAdmin(ReadOnlyAdmin[Lane]):
    empty_hint = gettext_lazy("A channel appears with the first call of its kind.")
    list_display = ("kind", "condition", "paused_until", "throttled_count", "reason")
    ordering = ("kind",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "kind",
                    "condition",
                    "paused_until",
                    "throttled_count",
                    "reason",
                )
            },
        ),
    )
    operations = (Resume,)

    @admin.display(description=gettext_lazy("state"))
    def condition(self, lane: Lane) -> SafeString:
        if _is_paused(lane):
            return display.toned(_("paused"), "attention")
        return display.toned(_("open"), "good")


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin[PeriodicTask]):
    empty_hint = gettext_lazy("The worker lists its tasks here when it starts: manage.py work.")
    list_display = ("name", "condition", "due_at", "last_run_at", "last_finished_at", "last_error")
    ordering = ("name",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "condition",
                    "due_at",
                    "last_run_at",
                    "last_finished_at",
                    "last_error",
                    "lease_until",
                )
            },
        ),
    )

    @admin.display(description=gettext_lazy("state"))
    def condition(self, task: PeriodicTask) -> SafeString:
        if task.last_error:
            return display.toned(_("failed"), "bad")
        if task.last_finished_at is None:
            return display.toned(_("not run yet"), "neutral")
        return display.toned(_("done"), "good")
