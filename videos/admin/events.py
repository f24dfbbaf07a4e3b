"""Callbacks of VOD: replay or dismiss failed ones."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from shortvideo.desk import inbox
from shortvideo.desk.display import named_video_link
from shortvideo.desk.filters import DateRangeFilter
from shortvideo.desk.operations import Operation
from shortvideo.desk.options import ReadOnlyAdmin
from videos.admin.columns import ErrorColumn, StateColumn
from videos.admin.filters import AttentionFilter
from videos.admin.operations import Dismiss
from videos.events.inbox import KIND, check_replayable, replay_event
from videos.models import VodEvent


class Replay(Operation[VodEvent]):
    name = "replay"
    is_direct = True
    permission = "videos.replay_vodevent"
    label = gettext_lazy("Replay")
    title = gettext_lazy("Replay VOD callbacks")
    report = gettext_lazy("%(done)d of %(selected)d will be processed again.")
    explanation = gettext_lazy("VOD is read again: the content of a callback is never trusted.")

    def check(self, row: VodEvent) -> None:
        check_replayable(row)

    def run(self, row: VodEvent, values: Mapping[str, Any]) -> None:
        replay_event(row, **self.actor)


class DismissEvents(Dismiss):
    permission = "videos.replay_vodevent"
    title = gettext_lazy("Dismiss VOD callbacks")
    explanation = gettext_lazy("They leave the inbox and stay failed. They can be replayed later.")


inbox.register(
    inbox.Concern(
        name="events",
        label=gettext_lazy("Failed VOD callbacks"),
        hint=gettext_lazy("could not be processed"),
        permission="videos.replay_vodevent",
        rows=VodEvent.objects.needing_attention,
        url=lambda: reverse("admin:videos_vodevent_changelist", query={"attention": "yes"}),
        kinds=(KIND,),
    )
)


@admin.register(VodEvent)
class VodEventAdmin(StateColumn, ErrorColumn, ReadOnlyAdmin[VodEvent]):
    empty_hint = gettext_lazy("Callbacks appear here as VOD sends them.")
    phone_columns = ("event_type", "state_badge", "received_at")
    list_display = (
        "id", "event_type", "media_id", "state_badge", "error_text", "event_time", "received_at",
    )  # fmt: skip
    list_filter = (AttentionFilter, "state", "event_type", ("received_at", DateRangeFilter))
    search_fields = ("=media_id",)
    search_help_text = gettext_lazy("Exact video ID")
    ordering = ("-id",)
    operations = (Replay, DismissEvents)
    media_fields = ("body",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "event_type",
                    "video",
                    "state_badge",
                    "error_text",
                    "event_time",
                    "received_at",
                    "processed_at",
                    "body",
                )
            },
        ),
    )

    @admin.display(description=gettext_lazy("video"))
    def video(self, event: VodEvent) -> SafeString | str:
        return named_video_link(event.media_id)
