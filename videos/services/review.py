"""Decisions about videos: the log, the status, and what must reach VOD."""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Operator
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from shortvideo.text import is_blank
from videos.models import (
    CensorStatus,
    Decision,
    ReasonTemplate,
    ReviewClaim,
    ReviewDecision,
    ReviewTask,
    Source,
    TaskCause,
    Video,
)
from videos.models.review import COMMENT_BYTES, REASON_BYTES
from videos.services import announcements, takedown
from videos.services.claim import end_claims_by_decision
from videos.services.standing import (
    Seen,
    Standing,
    check_seen,
    check_status_seen,
    undo_refusal,
)
from videos.services.task import open_task

DELIVERED = (Source.API, Source.ADMIN, Source.MACHINE)  # their decisions go to VOD


@dataclass(frozen=True)
class DecisionInput:
    """A decision to be added to the log. Its fields are those of `ReviewDecision`."""

    decision: Decision
    source: Source
    _: KW_ONLY
    operator: Operator | None = None
    auditor: str = ""
    reason: str = ""
    comment: str = ""
    template: ReasonTemplate | None = None  # of the reason
    policy: str = ""
    request_id: str = ""
    created_at: datetime | None = None  # None: now


@transaction.atomic
def review_video(
    video: Video,
    new: DecisionInput,
    *,
    seen: Seen | CensorStatus | None = None,
    claim: ReviewClaim | None = None,
) -> ReviewDecision:
    """Approve or block a video, here at once and in VOD soon after, or send it back to review here.

    `seen` is what the decider saw: all of the review, or its status alone. If something else
    stands by now, nothing changes. Repeating one's own latest decision needs no precondition. The
    claims of all other pages than that of `claim` end.

    A repeated decision adds nothing and returns the standing one, unless that is another's and
    can still be undone: the undo would remove the new decision with it.

    Raises NeedsConfirmation if `seen` is not what stands, InvalidState if a person has decided and
    the new decision is the machine's, Video.DoesNotExist if the video was deleted, and ValueError
    for a block without a reason, a reason over 128 bytes, or a comment over 480 bytes.
    """
    _check_texts(new)
    video = Video.objects.visible().select_for_update().get(pk=video.pk)
    standing = latest_human_decision(video)
    if standing is not None and new.source == Source.MACHINE:
        raise InvalidState(_("A person has decided about this video."))
    repeated = standing if standing is not None and _is_repeated(video, standing, new) else None
    if repeated is None or new.operator is None or repeated.operator != new.operator:
        _check_precondition(video, seen)
    if repeated is not None:
        is_own = (repeated.source, repeated.operator) == (new.source, new.operator)
        if is_own or undo_refusal(repeated, timezone.now()):
            return repeated
    if new.decision == Decision.BLOCKED:
        takedown.replace_unfinished(video)
    else:
        takedown.cancel_block_takedowns(video)
    review = record_decision(video, new, claim=claim)
    if new.decision == Decision.BLOCKED:
        takedown.begin_block_takedown(video, review)
    return review


def _check_precondition(video: Video, seen: Seen | CensorStatus | None) -> None:
    """Raise NeedsConfirmation if something else stands than the decider saw."""
    if isinstance(seen, Seen):
        check_seen(Standing.read(video), seen)
    elif seen is not None:
        check_status_seen(video, seen)


def _check_texts(new: DecisionInput) -> None:
    """Raise ValueError for texts that VOD refuses. Texts that come from VOD are not checked."""
    if new.source == Source.VOD:
        return
    if new.decision == Decision.BLOCKED and is_blank(new.reason):
        raise ValueError("A reason is required to block.")
    if len(new.reason.encode()) > REASON_BYTES:
        raise ValueError(f"A reason has at most {REASON_BYTES} bytes of UTF-8.")
    if len(new.comment.encode()) > COMMENT_BYTES:
        raise ValueError(f"A comment has at most {COMMENT_BYTES} bytes of UTF-8.")


def latest_human_decision(video: Video) -> ReviewDecision | None:
    """The last decision of a person about the present version of the source."""
    of_source = video.decisions.in_force().filter(source_version=video.source_version)
    return of_source.by_people().order_by("-id").first()


def _is_repeated(video: Video, standing: ReviewDecision, new: DecisionInput) -> bool:
    return (
        video.censor_status == standing.to_status
        and standing.decision == new.decision
        and (standing.reason, standing.comment) == (new.reason, new.comment)
    )


def record_decision(
    video: Video, new: DecisionInput, *, claim: ReviewClaim | None = None
) -> ReviewDecision:
    """Add a decision to the log, send it, and set the video's status.

    The caller holds the video's lock. A decision of the desk is sent after the undo window, unless
    its template is urgent.
    """
    now, delivery = timezone.now(), None
    is_urgent = new.template is not None and new.template.is_urgent
    has_window = new.source == Source.ADMIN and not is_urgent
    if new.source in DELIVERED and new.decision != Decision.REVIEW:
        delivery = outbox.send(
            "create_audit",
            subject=video.vod_id,
            delay_seconds=settings.REVIEW_UNDO_SECONDS if has_window else 0,
            supersede=True,
        )
    status = new.decision.censor_status
    review = add_to_log(video, new, to_status=status, at=now, delivery=delivery)
    video.save(update_fields=video.set_censor_status(status, at=now))
    announcements.emit_decision(review)
    if new.decision == Decision.REVIEW:
        open_task(video, TaskCause.RECHECK)
    else:
        ReviewTask.objects.open().filter(video=video).update(closed_at=now)
    end_claims_by_decision(review, claim)
    return review


def add_to_log(
    video: Video,
    new: DecisionInput,
    *,
    to_status: str,
    at: datetime,
    delivery: Delivery | None = None,
    undoes: ReviewDecision | None = None,
) -> ReviewDecision:
    """Write one line of the log. The video still has the status from before."""
    return ReviewDecision.objects.create(
        video=video,
        source_version=video.source_version,
        from_status=video.censor_status,
        to_status=to_status,
        delivery=delivery,
        undoes=undoes,
        blocked_at_before=video.blocked_at,
        **vars(new) | {"created_at": new.created_at or at},
    )
