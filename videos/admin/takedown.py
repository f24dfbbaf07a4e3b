"""Takedowns: a card of steps on the video's page, and the list of all of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import journal
from shortvideo.desk import display, inbox
from shortvideo.desk.filters import DateRangeFilter
from shortvideo.desk.operations import Operation
from shortvideo.desk.options import ReadOnlyAdmin
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import PREDECESSOR_GIVEN_UP, Delivery, DeliveryState
from videos.admin.columns import PICTURES, StateColumn, VideoColumns
from videos.admin.filters import AttentionFilter
from videos.models import CdnTask, Evidence, Takedown
from videos.services.evidence import is_incomplete

WHOLE_CHAIN = "verification__after__after__after"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the card; `delivery` is what carries it out, None where nothing is left to do."""

    label: str
    delivery: Delivery | None = None
    badge: SafeString | str = ""
    at: datetime | None = None
    note: str = ""
    incomplete: Evidence | None = None  # to archive again

    @property
    def error(self) -> str:
        """What went wrong in this step itself, and not in the one before."""
        if self.delivery is None or self.delivery.error_code == PREDECESSOR_GIVEN_UP:
            return ""
        return self.delivery.error

    @property
    def is_retryable(self) -> bool:
        is_given_up = self.delivery is not None and self.delivery.state == DeliveryState.GIVEN_UP
        return is_given_up and bool(self.error)


def card(video: Any) -> dict[str, Any] | None:
    """The latest takedown of a video that `read_whole` has read, with its steps; None without."""
    takedown = next(iter(video.takedowns.all()), None)
    if takedown is None:
        return None
    rows = (row for row in video.evidence.all() if row.source_version == video.source_version)
    evidence = next((row for row in rows if row.is_of_block), None)
    purges = [task for task in video.cdn_work if task.takedown_id == takedown.pk]
    return {"row": takedown, "steps": list(_steps(takedown, evidence, purges[::-1]))}


def _chain(takedown: Takedown) -> list[Delivery]:
    """Its deliveries, the last step first. Old ones that ended well are not kept for ever."""
    found: list[Delivery] = []
    delivery = takedown.verification
    while delivery is not None:
        found.append(delivery)
        delivery = delivery.after
    return found


def _steps(
    takedown: Takedown, evidence: Evidence | None, purges: Sequence[CdnTask]
) -> Iterator[Step]:
    # The latest of each kind: files that came later repeat some steps.
    deliveries = {delivery.kind: delivery for delivery in reversed(_chain(takedown))}
    yield Step(_("Hidden in the app"), badge=_good_badge(_("done")), at=takedown.created_at)
    if takedown.cause == Takedown.Cause.DELETION:
        if archive := deliveries.get("archive_evidence"):
            yield _evidence_step(evidence, archive)
        yield _cloud_step(takedown, deliveries.get("delete_video"), _("Deleted in VOD"))
    else:
        yield _cloud_step(
            takedown,
            deliveries.get("create_audit") or _audit_delivery(takedown),
            _("Blocked in VOD"),
        )
        yield _evidence_step(evidence, deliveries.get("archive_evidence"))
    yield _purge_step(purges, deliveries.get("purge"))
    yield _proof_step(takedown, deliveries.get("verify_takedown"))


def _audit_delivery(takedown: Takedown) -> Delivery | None:
    """What told VOD of the block, where the chain that is left has begun without it."""
    return takedown.decision.delivery if takedown.decision is not None else None


def _cloud_step(takedown: Takedown, delivery: Delivery | None, label: str) -> Step:
    """A block or a deletion that VOD made by itself has no delivery."""
    if delivery is None:
        is_foreign = takedown.cause == Takedown.Cause.VOD or takedown.deletion is not None
        note = _("VOD did so by itself.") if is_foreign else ""
        return Step(label, badge=_good_badge(_("done")), note=note)
    return _delivery_step(label, delivery)


def _evidence_step(evidence: Evidence | None, delivery: Delivery | None) -> Step:
    note = ""
    if evidence is not None and evidence.removed_at is not None:
        note = _("Its time is over: it was removed.")
    elif evidence is not None:
        count = len(evidence.copies)
        copies = ngettext("%(count)d picture.", "%(count)d pictures.", count) % {"count": count}
        note = f"{copies} {evidence.shortfall}".strip()
    label = _("Evidence kept")
    is_sent = delivery is None or delivery.state == DeliveryState.DONE
    if evidence is not None and is_sent and is_incomplete(evidence):
        badge = display.toned(_("incomplete"), "attention")
        return Step(label, badge=badge, at=evidence.archived_at, note=note, incomplete=evidence)
    if delivery is None:
        is_kept = evidence is not None
        return Step(label, badge=_good_badge(_("done")) if is_kept else "", note=note)
    return _delivery_step(label, delivery, note=note)


def _purge_step(tasks: Sequence[CdnTask], delivery: Delivery | None) -> Step:
    label = _("Purged from the CDN")
    if not tasks:
        return Step(label, note=_("No file of it is on our CDN."))
    note = _purge_note(tasks)
    is_sent = delivery is None or delivery.state == DeliveryState.DONE
    if not is_sent:
        return _delivery_step(label, delivery, note=note)
    unfinished = [task for task in tasks if task.state != CdnTask.State.SUCCESS]
    shown = (unfinished or tasks)[-1]
    badge = display.badge(shown.state, shown.get_state_display())
    return Step(
        label, badge=badge, at=shown.finished_at, note=f"{note} {shown.error_message}".strip()
    )


def _purge_note(tasks: Sequence[CdnTask]) -> str:
    """How many URLs were purged, and how many of them more than once."""
    counts = Counter(url for task in tasks for url in task.urls)
    note = ngettext("%(count)d URL.", "%(count)d URLs.", len(counts)) % {"count": len(counts)}
    if again := sum(count > 1 for count in counts.values()):
        note += " " + _("Purged more than once: %(count)d.") % {"count": again}
    return note


def _proof_step(takedown: Takedown, delivery: Delivery | None) -> Step:
    label = _("Confirmed offline")
    if takedown.state == Takedown.State.VERIFIED:
        return Step(
            label, badge=_good_badge(_("done")), at=takedown.verified_at, note=takedown.problem
        )
    return _delivery_step(label, delivery) if delivery is not None else Step(label)


def _delivery_step(label: str, delivery: Delivery | None, note: str = "") -> Step:
    if delivery is None:
        return Step(label, note=note)
    badge = display.badge(delivery.state, delivery.get_state_display())
    return Step(label, delivery, badge, delivery.finished_at, note)


def _good_badge(text: str | Promise) -> SafeString:
    return display.toned(str(text), "good")


def _first_given_up(takedown: Takedown) -> Delivery:
    """The step that failed; the steps after it wait for it. Raises InvalidState if none failed."""
    for delivery in reversed(_chain(takedown)):
        if delivery.state == DeliveryState.GIVEN_UP:
            return delivery
    raise InvalidState(_("None of its steps has failed."))


class Retry(Operation[Takedown]):
    name = "retry"
    is_direct = True
    permission = "outbox.retry_delivery"
    label = gettext_lazy("Retry")
    title = gettext_lazy("Retry takedowns")
    verb = gettext_lazy("Retry")
    report = gettext_lazy("%(done)d of %(selected)d resumed.")
    explanation = gettext_lazy("The failed step is sent again, then the steps after it.")
    select_related = (WHOLE_CHAIN, "video")

    def check(self, row: Takedown) -> None:
        _first_given_up(row)

    def run(self, row: Takedown, values: Mapping[str, Any]) -> None:
        with transaction.atomic():
            self.change(_first_given_up(row))
            journal.log_action(row=row, action=self.name, **self.actor)

    def change(self, delivery: Delivery) -> None:
        outbox.retry(delivery)


class Dismiss(Retry):
    name = "dismiss"
    is_direct = False
    label = gettext_lazy("Dismiss…")
    title = gettext_lazy("Dismiss takedowns")
    verb = gettext_lazy("Dismiss")
    report = gettext_lazy("%(done)d of %(selected)d dismissed.")
    explanation = gettext_lazy(
        "They leave the inbox and stay failed. Nothing more is sent, and they cannot be retried."
    )

    def change(self, delivery: Delivery) -> None:
        outbox.dismiss(delivery)


inbox.register(
    inbox.Concern(
        name="takedowns",
        label=gettext_lazy("Takedowns to look at"),
        hint=gettext_lazy("refused by VOD, still served, or under way for over 30 minutes"),
        permission="outbox.retry_delivery",
        rows=Takedown.objects.needing_attention,
        url=lambda: reverse("admin:videos_takedown_changelist", query={"attention": "yes"}),
        kinds=("archive_evidence", "verify_takedown"),
    )
)


@admin.register(Takedown)
class TakedownAdmin(StateColumn, VideoColumns, ReadOnlyAdmin[Takedown]):
    empty_hint = gettext_lazy("Each block and each deletion of a clip starts a takedown.")
    phone_columns = ("cause", "state_badge", "problem")
    list_display = (
        "picture", "video_link", "cause", "state_badge", "problem", "created_at", "verified_at",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_select_related = ("video",)
    list_filter = ("state", "cause", AttentionFilter, ("created_at", DateRangeFilter))
    search_fields = ("=video__vod_id",)
    search_help_text = gettext_lazy("Exact video ID.")
    ordering = ("-id",)
    operations = (Retry, Dismiss)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "video_link",
                    "cause",
                    "state_badge",
                    "problem",
                    "decision",
                    "deletion",
                    "verification",
                    "created_at",
                    "verified_at",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Takedown]:
        """Of tombstones only for those who may delete."""
        takedowns = Takedown.objects.prefetch_related(*PICTURES)
        if request.user.has_perm("videos.delete_video"):
            return takedowns
        return takedowns.filter(video__deleted_at=None)
