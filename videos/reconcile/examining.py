"""Read suspects again on both sides: what still differs, and is not under way, is drift."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from django.utils import timezone

from shortvideo.cloud import CloudRejected
from shortvideo.cloud.retry import retrying
from shortvideo.outbox.models import Delivery
from shortvideo.pacing import batched
from videos.mirror import asking
from videos.models import Video
from videos.reconcile.checks import Case, Scope, are_files_hidden, drifts_of
from videos.reconcile.drift import Drift, Kind, Resolution

# An open delivery of these kinds is about to heal a difference.
HEALING: Final = (
    "create_audit",
    "delete_video",
    "process_event",
    "read_video",
    "reread_video",
    "submit_machine_review",
    "submit_transcode",
)
# A delivery that is open for longer is shown: the worker may be dead.
IN_TIME: Final = timedelta(minutes=5)
HEALED_BY_NO_DELIVERY: Final = (Kind.RETURNED, Kind.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Found:
    """The drift of one video; `is_overdue` if a delivery that heals it is open for too long."""

    case: Case
    drifts: tuple[Drift, ...]
    is_overdue: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """The drift of some videos.

    `undecided` are the ids of videos that change at the moment, and of videos whose files differed
    before and cannot be compared now.
    """

    found: list[Found]
    undecided: set[str]


def examine(vod_ids: Sequence[str], scope: Scope) -> Examined:
    """Read some videos again and return their drift.

    Videos that changed since the comparison began are left out, as is drift that a young delivery
    is about to heal; drift that an old delivery has not healed is under way. Raises
    CloudUnavailable if VOD stays unavailable.
    """
    found: list[Found] = []
    undecided: set[str] = set()
    for batch in batched(dict.fromkeys(vod_ids), asking.BATCH_SIZE):
        for case in read_both(batch):
            is_changed = _has_changed(case, scope)
            if is_changed or are_files_hidden(case, scope):
                undecided.add(case.vod_id)
            if not is_changed and (drifts := _drifts_or_refusal(case, scope)):
                found.append(Found(case, tuple(drifts)))
    healing = open_deliveries(item.case.vod_id for item in found)
    kept = [
        weighed
        for item in found
        if (weighed := _weigh(item, healing.get(item.case.vod_id, []))) is not None
    ]
    left_out = {item.case.vod_id for item in found} - {item.case.vod_id for item in kept}
    return Examined(kept, undecided | left_out)


def read_both(vod_ids: Sequence[str]) -> list[Case]:
    """Read up to 20 videos in VOD, then their rows: so changes had time to reach the mirror."""
    try:
        facts, missing = retrying(lambda: asking.fetch_facts(vod_ids))
    except CloudRejected:
        if len(vod_ids) > 1:  # VOD may refuse one of the ids
            middle = len(vod_ids) // 2
            return [*read_both(vod_ids[:middle]), *read_both(vod_ids[middle:])]
        facts, missing = {}, set()
    rows = Video.objects.select_related("uploader").in_bulk(vod_ids, field_name="vod_id")
    return [
        Case(
            vod_id,
            rows.get(vod_id),
            facts.get(vod_id),
            is_readable=vod_id in facts or vod_id in missing,
        )
        for vod_id in vod_ids
    ]


def _has_changed(case: Case, scope: Scope) -> bool:
    return case.video is not None and case.video.changed_at > scope.started_at


def _drifts_or_refusal(case: Case, scope: Scope) -> list[Drift]:
    try:
        return drifts_of(case, scope)
    except CloudRejected as error:
        return [Drift(Kind.UNREADABLE, case.vod_id, note=str(error))]


def _weigh(item: Found, healing: Sequence[Delivery]) -> Found | None:
    """Return None if deliveries heal the drift in time; if one is overdue, drift under way."""
    late = [delivery for delivery in healing if not _is_in_time(delivery)]
    if not late:
        return None if healing else item
    since = timezone.localtime(late[0].created_at)
    note = f"{late[0].kind} has been open since {since:%Y-%m-%d %H:%M %z}: is the worker running?"
    drifts = (
        drift
        if drift.kind in HEALED_BY_NO_DELIVERY
        else replace(drift, outcome=Resolution.UNDER_WAY, note=note)
        for drift in item.drifts
    )
    return Found(item.case, tuple(drifts), is_overdue=True)


def _is_in_time(delivery: Delivery) -> bool:
    """Whether the delivery is young or just became due: a decision waits while it can be undone."""
    since = timezone.now() - IN_TIME
    if delivery.created_at > since:
        return True
    if delivery.claim_count:
        return False
    if delivery.after is not None and delivery.after.is_open:
        return _is_in_time(delivery.after)
    return delivery.due_at > since


def open_deliveries(vod_ids: Iterable[str]) -> dict[str, list[Delivery]]:
    """Return by video the open deliveries that heal differences, oldest first."""
    found: dict[str, list[Delivery]] = {}
    healing = Delivery.objects.open().filter(kind__in=HEALING, subject__in=list(vod_ids))
    for delivery in healing.select_related("after").order_by("id"):
        found.setdefault(delivery.subject, []).append(delivery)
    return found
