"""Heal drift by the usual ways: the mirror's `apply`, and deliveries."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from django.db import transaction

from shortvideo.cloud import CloudRejected
from shortvideo.cloud.types import VodStatus
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryState
from videos import mirror
from videos.mirror import Reading, asking
from videos.mirror.asking import ReadRequest
from videos.mirror.fetching import read_later
from videos.models import ReviewDecision, Video, VideoDeletion
from videos.reconcile.checks import Case, Scope, drifts_of, latest_audit
from videos.reconcile.drift import Drift, Kind, Resolution
from videos.reconcile.examining import Found
from videos.services import takedown
from videos.services.standing import AUDIT_KIND as AUDIT
from videos.services.standing import deliveries_of_decision, redeliver_decision, standing_decision

# A reading of VOD heals these kinds.
BY_READING: Final = (Kind.MISSING_HERE, Kind.FACTS, Kind.REVIEW, Kind.FILES, Kind.JOB)
DELETE: Final = "delete_video"


def heal(found: Sequence[Found], scope: Scope) -> list[Drift]:
    """Heal what needs no guess. Returns each drift with its outcome.

    Videos that VOD does not have are left: see `remove_missing`. Raises CloudUnavailable.
    """
    readings, refusals = _read_again(found, scope)
    mirror.apply(readings, backlog_until=scope.started_at if scope.is_first_import else None)
    if not scope.is_first_import:
        read_later(*(item.case.vod_id for item in found if _is_new(item)), only_uploaded=True)
    rows = Video.objects.in_bulk([item.case.vod_id for item in found], field_name="vod_id")
    return [
        replace(drift, note=refusal)
        if (refusal := refusals.get(item.case.vod_id, ""))
        else _resolve(drift, replace(item.case, video=rows.get(item.case.vod_id)), scope)
        for item in found
        for drift in item.drifts
    ]


def _is_new(item: Found) -> bool:
    return any(drift.kind == Kind.MISSING_HERE for drift in item.drifts)


def _read_again(found: Iterable[Found], scope: Scope) -> tuple[list[Reading], dict[str, str]]:
    """Return the readings that heal drift, and by id why VOD refused a reading."""
    readings: list[Reading] = []
    refusals: dict[str, str] = {}
    for item in found:
        case, kinds = item.case, {drift.kind for drift in item.drifts}.intersection(BY_READING)
        if not kinds or case.facts is None:
            continue
        result = asking.read_video(case.facts, case.video, _request_for(case, kinds, scope))
        if result.reading is not None:
            readings.append(result.reading)
        elif result.error is not None:
            refusals[case.vod_id] = str(result.error)
    return readings, refusals


def _request_for(case: Case, kinds: set[Kind], scope: Scope) -> ReadRequest | None:
    """Ask nothing beside the facts of a new video in a first import."""
    if case.video is None and scope.is_first_import:
        return None
    has_ended = (
        case.video is not None
        and case.facts is not None
        and case.video.status == VodStatus.TRANSCODING
        and case.facts.status != VodStatus.TRANSCODING
    )
    return ReadRequest(
        files=Kind.FILES in kinds or has_ended,
        pictures=Kind.FILES in kinds,
        jobs=Kind.JOB in kinds,
        audits=Kind.REVIEW in kinds,
    )


def _resolve(drift: Drift, case: Case, scope: Scope) -> Drift:
    """Return a drift with its outcome after the reading; send the delivery that heals it.

    A refusal of VOD becomes the drift's note.
    """
    if drift.kind == Kind.DELETION:
        return _redeliver_deletion(drift)
    if drift.kind not in BY_READING:
        return drift
    try:
        if not drifts_of(case, scope, [drift.kind]):
            return replace(drift, outcome=Resolution.HEALED)
        return _redeliver_decision(drift) if drift.kind == Kind.REVIEW else drift
    except CloudRejected as error:
        return replace(drift, note=str(error))


def _redeliver_decision(drift: Drift) -> Drift:
    """Deliver the standing decision again, unless VOD has it and shows another status.

    Raises CloudUnavailable, CloudRejected.
    """
    top = latest_audit(drift.vod_id)
    with transaction.atomic():
        video = Video.objects.visible().select_for_update().filter(vod_id=drift.vod_id).first()
        standing = standing_decision(video) if video is not None else None
        if video is None or standing is None:
            return replace(drift, note="No decision about it stands here.")
        audits = Delivery.objects.open().filter(kind=AUDIT).for_subject(drift.vod_id)
        delivery = audits.order_by("-id").first()
        if delivery is None and top is not None and top.status == standing.decision:
            return replace(drift, note="VOD has this decision, and shows another status.")
        delivery = delivery or _resend(video, standing)
        outbox.send("reread_video", subject=drift.vod_id, after=delivery)
    return replace(drift, outcome=Resolution.UNDER_WAY)


def _resend(video: Video, standing: ReviewDecision) -> Delivery:
    """Return a delivery that sends a decision again; the caller holds the video's lock.

    A delivery that was given up is retried, as purge and proof of a block wait for it. Otherwise
    they follow a new delivery, also if the video had been verified to be gone.
    """
    last = deliveries_of_decision(standing).last()
    if last is not None and last.state == DeliveryState.GIVEN_UP:
        with suppress(outbox.DeliveryStateError):  # its predecessor is not done
            return outbox.retry(last)
    return redeliver_decision(video, standing)


@transaction.atomic
def _redeliver_deletion(drift: Drift) -> Drift:
    """Deliver a deletion again."""
    video = Video.objects.select_for_update().get(vod_id=drift.vod_id)
    deletion = video.deletions.select_related("delivery").order_by("-id").first()
    is_sent = Delivery.objects.open().filter(kind=DELETE).for_subject(video.vod_id).exists()
    if is_sent or video.deleted_at is None:  # it changed meanwhile
        return replace(drift, outcome=Resolution.UNDER_WAY)
    if deletion is None or deletion.delivery is None:
        return replace(drift, note="No operator has deleted it.")
    if deletion.delivery.state == DeliveryState.GIVEN_UP:
        try:
            outbox.retry(deletion.delivery)
        except outbox.DeliveryStateError as error:
            return replace(drift, note=str(error))
    else:
        _repeat_deletion(video, deletion)
    return replace(drift, outcome=Resolution.UNDER_WAY)


def _repeat_deletion(video: Video, deletion: VideoDeletion) -> None:
    """Delete again as the same operator, with a new row: the first deletion has ended."""
    delivery = outbox.send(DELETE, subject=video.vod_id)
    repeated = VideoDeletion.objects.create(
        video=video,
        operator=deletion.operator,
        request_id=deletion.request_id,
        delivery=delivery,
    )
    takedown.begin_deletion_takedown(video, repeated, after=delivery)


def remove_missing(drifts: Sequence[Drift]) -> list[Drift]:
    """Set the tombstone of videos that VOD does not have."""
    mirror.remove_videos(drift.vod_id for drift in drifts)
    return [replace(drift, outcome=Resolution.HEALED) for drift in drifts]
