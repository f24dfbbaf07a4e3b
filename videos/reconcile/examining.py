"""The second look at a suspect: both sides read anew, what is under way left in peace."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from shortvideo.cloud import CloudRejected
from shortvideo.outbox.models import Delivery
from videos import reader
from videos.models import Video
from videos.reconcile.checks import Case, Scope, drifts_of
from videos.reconcile.drift import Drift, Kind
from videos.sync.patience import in_batches, patiently

# An open delivery of these kinds is about to bring both sides together.
MENDING: Final = (
    "create_audit",
    "delete_video",
    "process_event",
    "read_video",
    "submit_machine_review",
    "submit_transcode",
)


@dataclass(frozen=True, slots=True)
class Found:
    case: Case
    drifts: tuple[Drift, ...]


def examine(vod_ids: Sequence[str], scope: Scope) -> list[Found]:
    """The drift of some videos, read anew; nothing for what changed since the comparison began.

    Raises CloudUnavailable where VOD is not available for long.
    """
    found: list[Found] = []
    for batch in in_batches(dict.fromkeys(vod_ids), reader.BATCH):
        for case in read_both(batch):
            if not has_changed(case, scope):
                drifts = drifts_or_refusal(case, scope)
                found += [Found(case, tuple(drifts))] if drifts else []
    busy = under_way(item.case.vod_id for item in found)
    return [item for item in found if item.case.vod_id not in busy]


def read_both(vod_ids: Sequence[str]) -> list[Case]:
    """What VOD says of up to 20 videos, then their rows: what is on its way has had its time."""
    try:
        facts, missing = patiently(lambda: reader.read_facts(vod_ids))
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


def has_changed(case: Case, scope: Scope) -> bool:
    return case.video is not None and case.video.changed_at > scope.started_at


def drifts_or_refusal(case: Case, scope: Scope) -> list[Drift]:
    try:
        return drifts_of(case, scope)
    except CloudRejected as error:
        return [Drift(Kind.UNREADABLE, case.vod_id, note=str(error))]


def under_way(vod_ids: Iterable[str]) -> set[str]:
    """Those of the videos with an open delivery that mends what they differ in."""
    open_ones = Delivery.objects.open().filter(kind__in=MENDING, subject__in=list(vod_ids))
    return set(open_ones.values_list("subject", flat=True))
