"""The decision that stands about a video: how it is sent to VOD, and whether it can be undone."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shortvideo.cloud.types import Audit, AuditStatus
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryQuerySet, DeliveryState
from shortvideo.text import cut_to_bytes
from videos.models import Decision, ReviewDecision, Source, Video
from videos.models.review import COMMENT_BYTES, REASON_BYTES
from videos.services import takedown

AUDIT_KIND: Final = "create_audit"
ALREADY_SENT: Final = gettext_lazy("It is being sent to VOD already: decide again instead.")


def cancel_if_unsent(delivery: Delivery) -> bool:
    """Cancel a delivery unless a worker has claimed it. Returns whether it was cancelled."""
    try:
        outbox.cancel(delivery)
    except outbox.DeliveryStateError:
        return False
    return True


def deliveries_of_decision(decision: ReviewDecision) -> DeliveryQuerySet:
    """The deliveries that carry a decision to VOD, oldest first: its own and its repetitions."""
    carriers = Delivery.objects.filter(
        Q(pk=decision.delivery_id) | Q(payload__decision=decision.pk), kind=AUDIT_KIND
    )
    return carriers.for_subject(decision.video.vod_id).order_by("pk")


def resend_decision(decision: ReviewDecision, *, supersede: bool = True) -> Delivery:
    """Send a decision again. This starts no takedown."""
    return outbox.send(
        AUDIT_KIND,
        subject=decision.video.vod_id,
        payload={"decision": decision.pk},
        supersede=supersede,
    )


def redeliver_decision(video: Video, decision: ReviewDecision) -> Delivery:
    """Send a decision again whose deliveries have ended, and that VOD does not show.

    A block repeats its whole takedown, even a verified one: VOD has shown the clip since. The
    caller holds the video's lock.
    """
    delivery = resend_decision(decision)
    if decision.decision == Decision.BLOCKED:
        takedown.resume_block_takedown(video, is_shown_since=True)
    return delivery


def is_latest_decision(video: Video, decision: ReviewDecision) -> bool:
    """Whether it is the last decision in force, and about the present source of the video."""
    latest = video.decisions.in_force().order_by("-id").first()
    return latest == decision and decision.source_version == video.source_version


def undo_refusal(decision: ReviewDecision, now: datetime) -> str:
    """Why a decision cannot be undone, in one sentence; "" if it can."""
    window = timedelta(seconds=settings.REVIEW_UNDO_SECONDS)
    delivery = decision.delivery
    if decision.source != Source.ADMIN or delivery is None:
        return _("Only a decision made at the desk can be undone: decide again instead.")
    if now >= decision.created_at + window:
        return _("Too late to undo: decide again instead.")
    if decision.undone_by.exists():
        return _("It was undone already.")
    if not is_latest_decision(decision.video, decision):
        return _("There is another decision or another source since: decide again instead.")
    is_sent = delivery.state != DeliveryState.WAITING or delivery.claim_count
    return str(ALREADY_SENT) if is_sent else ""


def as_audit(decision: ReviewDecision) -> Audit:
    """The decision for VOD. Its comment ends in our mark, which comes back in VOD's history."""
    comment = cut_to_bytes(decision.comment, COMMENT_BYTES)
    return Audit(
        vod_id=decision.video.vod_id,
        status=AuditStatus(decision.decision),
        reason=cut_to_bytes(decision.reason, REASON_BYTES),
        comment=f"{comment} {decision.mark}".lstrip(),
    )


def standing_decision(video: Video) -> ReviewDecision | None:
    """The decision that VOD should show: a person's, else the machine's; None while in review."""
    standing = ReviewDecision.objects.filter(pk__in=standing_decision_ids([video]).values())
    return standing.select_related("video", "delivery").first()


def standing_decision_ids(videos: Iterable[Video]) -> dict[int, int]:
    """The ids of the decisions that VOD should show, by the videos' primary keys; one query.

    The source version is read from the database, not from the videos in memory.
    """
    in_force = ReviewDecision.objects.in_force().filter(
        video=OuterRef("pk"), source_version=OuterRef("source_version")
    )
    newest = in_force.order_by("-id")
    rows = Video.objects.filter(pk__in={video.pk for video in videos}).values_list(
        "pk",
        Subquery(newest.values("decision")[:1]),
        Coalesce(Subquery(newest.by_people().values("id")[:1]), Subquery(newest.values("id")[:1])),
    )
    return {pk: standing for pk, latest, standing in rows if latest not in (None, Decision.REVIEW)}
