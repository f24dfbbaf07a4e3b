"""The second look at a suspect: both sides read anew, what is under way left in peace."""

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

# An open delivery of these kinds is about to bring both sides together.
MENDING: Final = (
    "create_audit",
    "delete_video",
    "process_event",
    "read_video",
    "reread_video",
    "submit_machine_review",
    "submit_transcode",
)
# So long it may take; what is open for longer is shown: its worker may be dead.
IN_TIME: Final = timedelta(minutes=5)
MENDED_BY_NO_DELIVERY: Final = (Kind.RETURNED, Kind.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Found:
    """The drift of one video; `is_overdue` where a delivery that mends it is open for too long."""

    case: Case
    drifts: tuple[Drift, ...]
    is_overdue: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """What a second look came to.

    `undecided` are those at which the system is at work, and those whose files differed before and
    cannot be looked at now.
    """

    found: list[Found]
    undecided: set[str]


def examine(vod_ids: Sequence[str], scope: Scope) -> Examined:
    """The drift of some videos, read anew; nothing for what changed since the comparison began.

    What a delivery is about to mend is left out while that is in time, and else is under way.
    Raises CloudUnavailable where VOD is not available for long.
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
    mending = open_deliveries(item.case.vod_id for item in found)
    weighed = [_weigh(item, mending.get(item.case.vod_id, [])) for item in found]
    for item, result in zip(found, weighed, strict=True):
        if result is None:
            undecided.add(item.case.vod_id)
    return Examined([item for item in weighed if item is not None], undecided)


def read_both(vod_ids: Sequence[str]) -> list[Case]:
    """What VOD says of up to 20 videos, then their rows: what is on its way has had its time."""
    try:
        facts, missing = retrying(lambda: asking.fetch_facts(vod_ids))
    except CloudRejected:
        if len(vod_ids) > 1:  # one of them may be what VOD refuses to hear of
            middle = len(vod_ids) // 2
            return [*read_both(vod_ids[:middle]), *read_both(vod_ids[middle:])]
        facts, missing = {}, set()
    rows = Video.objects.in_bulk(vod_ids, field_name="vod_id")
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


def _weigh(item: Found, mending: Sequence[Delivery]) -> Found | None:
    """None where what mends the drift is in time; where it is overdue, the drift is under way."""
    late = [delivery for delivery in mending if not _is_in_time(delivery)]
    if not late:
        return None if mending else item
    since = timezone.localtime(late[0].created_at)
    note = f"{late[0].kind} has been open since {since:%Y-%m-%d %H:%M}: is the worker running?"
    drifts = (
        drift
        if drift.kind in MENDED_BY_NO_DELIVERY
        else replace(drift, outcome=Resolution.UNDER_WAY, note=note)
        for drift in item.drifts
    )
    return Found(item.case, tuple(drifts), is_overdue=True)


def _is_in_time(delivery: Delivery) -> bool:
    """Whether it is young, or was not due before: a decision that can be undone waits for that."""
    since = timezone.now() - IN_TIME
    if delivery.created_at > since:
        return True
    if delivery.claim_count:
        return False
    if delivery.after is not None and delivery.after.is_open:
        return _is_in_time(delivery.after)
    return delivery.due_at > since


def open_deliveries(vod_ids: Iterable[str]) -> dict[str, list[Delivery]]:
    """By video, the open deliveries that mend what it differs in, oldest first."""
    found: dict[str, list[Delivery]] = {}
    mending = Delivery.objects.open().filter(kind__in=MENDING, subject__in=list(vod_ids))
    for delivery in mending.select_related("after").order_by("id"):
        found.setdefault(delivery.subject, []).append(delivery)
    return found
