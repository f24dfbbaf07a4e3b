"""The events that VOD sent: what failed is replayed or dismissed."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

from accounts.requests import operator_of
from shortvideo.desk import inbox
from shortvideo.desk.filters import DateRangeFilter
from shortvideo.desk.operations import Operation, carry_out
from shortvideo.desk.options import ReadOnlyAdmin
from shortvideo.errors import InvalidState
from shortvideo.middleware import current_request_id
from videos.admin.columns import ErrorColumn, StateColumn
from videos.admin.filters import AttentionFilter, not_waiting
from videos.events.inbox import KIND, dismiss_event, replay_event, replay_refusal
from videos.models import VodEvent, VodEventQuerySet


class Replay(Operation[VodEvent]):
    name = "replay"
    title = gettext_lazy("Replay events")
    verb = gettext_lazy("Replay")
    done = gettext_lazy("will be processed again")
    explanation = gettext_lazy("VOD is read once more; nothing that an event says is believed.")
    refused = (InvalidState, *Operation.refused)

    def refusals(self, rows: Sequence[VodEvent]) -> Mapping[int, str]:
        return {row.pk: text for row in rows if (text := replay_refusal(row))}

    def run(self, row: VodEvent, values: Mapping[str, Any], request: HttpRequest) -> None:
        replay_event(row, operator=operator_of(request), request_id=current_request_id())


class DismissEvents(Operation[VodEvent]):
    name = "dismiss"
    title = gettext_lazy("Dismiss events")
    verb = gettext_lazy("Dismiss")
    done = gettext_lazy("dismissed")
    explanation = gettext_lazy("They leave the inbox and stay failed; they may be replayed later.")
    refused = (InvalidState, *Operation.refused)

    def refusals(self, rows: Sequence[VodEvent]) -> Mapping[int, str]:
        return not_waiting(rows)

    def run(self, row: VodEvent, values: Mapping[str, Any], request: HttpRequest) -> None:
        dismiss_event(row, operator=operator_of(request), request_id=current_request_id())


inbox.register(
    inbox.Concern(
        name="events",
        label=gettext_lazy("Failed VOD events"),
        hint=gettext_lazy("could not be processed"),
        permission="videos.replay_vodevent",
        rows=VodEvent.objects.needing_attention,
        url=lambda: reverse("admin:videos_vodevent_changelist", query={"attention": "yes"}),
        kinds=(KIND,),
    )
)


@admin.register(VodEvent)
class VodEventAdmin(StateColumn, ErrorColumn, ReadOnlyAdmin[VodEvent]):
    list_display = (
        "id", "event_type", "media_id", "state_badge", "error_text", "event_time", "received_at",
    )  # fmt: skip
    list_filter = (AttentionFilter, "state", "event_type", ("received_at", DateRangeFilter))
    search_fields = ("=media_id",)
    search_help_text = gettext_lazy("A video id, exactly.")
    ordering = ("-id",)
    actions = ("replay", "dismiss")

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("videos.replay_vodevent")

    @admin.action(description=gettext_lazy("Replay"), permissions=["replay"])
    def replay(self, request: HttpRequest, events: VodEventQuerySet) -> HttpResponse | None:
        return carry_out(self, request, events, Replay())

    @admin.action(description=gettext_lazy("Dismiss…"), permissions=["replay"])
    def dismiss(self, request: HttpRequest, events: VodEventQuerySet) -> HttpResponse | None:
        return carry_out(self, request, events, DismissEvents())
