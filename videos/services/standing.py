"""The decision that stands about a video: who saw it, how it is sent, whether it can be undone."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Operator
from shortvideo.cloud.types import Audit, AuditStatus
from shortvideo.errors import NeedsConfirmation
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryQuerySet, DeliveryState
from shortvideo.text import cut_to_bytes, isolated
from videos.models import (
    CensorStatus,
    Decision,
    MachineReview,
    ReviewDecision,
    ReviewTask,
    Source,
    Video,
)
from videos.models.review import COMMENT_BYTES, REASON_BYTES
from videos.services import takedown

AUDIT_KIND: Final = "create_audit"
ALREADY_SENT: Final = gettext_lazy("It is being sent to VOD already: decide again instead.")
_OWN_DECISIONS: Final = 20
_TOKEN: Final = re.compile(r"(\d{1,18})-(\d{1,9})-([a-zA-Z]{1,8})-(\d{1,20})-(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page showed of a video's review. str() is its form in pages: "17-1-check-0-4".

    The default was shown by no page: it differs from every review.
    """

    decision_id: int = 0  # of the latest decision in force about the source; 0: there is none
    source_version: int = 0
    censor_status: str = ""
    machine_reviewed_at: int = 0  # the digits of the moment; 0: there is no machine review
    task_id: int = 0  # of the newest review task; 0: there is none

    @classmethod
    def parse(cls, text: str) -> "Seen":
        """Return what was seen; the default for any other text."""
        found = _TOKEN.fullmatch(text)
        if found is None:
            return cls()
        return cls(int(found[1]), int(found[2]), found[3], int(found[4]), int(found[5]))

    def __str__(self) -> str:
        return "-".join(str(value) for value in astuple(self))


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands about a video's review: all that a decider must have seen.

    A verdict of the machine or a review task may be new although the decision and the status are
    not, and a decision closes every task.
    """

    video: Video
    decision: ReviewDecision | None  # the latest in force about the present source
    machine_review: MachineReview | None  # of the present source
    task: ReviewTask | None  # the newest

    @classmethod
    def read(cls, video: Video) -> "Standing":
        return cls(
            video,
            latest_decision(video),
            video.machine_reviews.filter(source_version=video.source_version).first(),
            video.review_tasks.order_by("-id").first(),
        )

    @property
    def seen(self) -> Seen:
        """What a page shows of it."""
        at = f"{self.machine_review.received_at:%Y%m%d%H%M%S%f}" if self.machine_review else 0
        return Seen(
            self.decision.pk if self.decision else 0,
            self.video.source_version,
            self.video.censor_status,
            int(at),
            self.task.pk if self.task else 0,
        )

    def news(self, seen: Seen) -> Iterator[str]:
        """Sentences about what is new beside the decision and the status."""
        now = self.seen
        if self.machine_review and now.machine_reviewed_at != seen.machine_reviewed_at:
            verdict = self.machine_review.get_suggestion_display()
            labels = ", ".join(self.machine_review.labels)
            yield _("AI review: %s.") % (f"{verdict} ({labels})" if labels else verdict)
        if self.task and now.task_id != seen.task_id:
            yield _("Reason to look: %s.") % self.task.get_cause_display()


def latest_decision(video: Video) -> ReviewDecision | None:
    """The last decision in force about the present source, by a person or a machine."""
    in_force = video.decisions.in_force().filter(source_version=video.source_version)
    return in_force.select_related("operator").order_by("-id").first()


def last_own_decision(operator: Operator, *, before: int | None = None) -> ReviewDecision | None:
    """The operator's last approval or block at the desk, older than `before`, that still stands.

    It reads a few of the operator's decisions at a time: who decides much has many thousands.
    """
    own = ReviewDecision.objects.filter(operator=operator, source=Source.ADMIN)
    own = own.filter(decision__in=(Decision.NORMAL, Decision.BLOCKED)).order_by("-pk")
    while True:
        older = own if before is None else own.filter(pk__lt=before)
        ids = list(older.values_list("pk", flat=True)[:_OWN_DECISIONS])
        if not ids:
            return None
        standing = ReviewDecision.objects.standing().filter(pk__in=ids).select_related("video")
        if found := standing.order_by("-pk").first():
            return found
        before = ids[-1]


def describe_review(video: Video, latest: ReviewDecision | None) -> str:
    """Say in one or two sentences what stands: who decided what, when and why."""
    if latest is None:
        text = _("Nobody has decided about this file; its status is: %s.")
        return text % video.get_censor_status_display()
    values = {
        "decision": capfirst(latest.get_decision_display()),
        "who": latest.who,
        "when": f"{timezone.localtime(latest.created_at):%Y-%m-%d %H:%M:%S %z}",
        "why": latest.reason or latest.comment,
    }
    if values["why"]:
        values["why"] = isolated(values["why"])
        return _("%(decision)s by %(who)s on %(when)s. Reason: %(why)s") % values
    return _("%(decision)s by %(who)s on %(when)s.") % values


def check_seen(standing: Standing, seen: Seen) -> None:
    """Raise NeedsConfirmation, which says what stands, if the review is not as it was seen."""
    if seen == standing.seen:
        return
    video = standing.video
    review = " ".join([describe_review(video, standing.decision), *standing.news(seen)])
    if not seen.source_version:
        raise NeedsConfirmation(review)
    if seen.source_version != video.source_version:
        raise NeedsConfirmation(_("Another file was uploaded since you saw it. %s") % review)
    raise NeedsConfirmation(_("Its review has changed since you saw it. %s") % review)


def check_status_seen(video: Video, seen: CensorStatus) -> None:
    """Raise NeedsConfirmation, which says what stands, if the video has another status."""
    if seen != video.censor_status:
        review = describe_review(video, latest_decision(video))
        text = _("The video's censorStatus is %(status)s by now. %(review)s")
        raise NeedsConfirmation(text % {"status": video.censor_status, "review": review})


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
    return latest_decision(video) == decision


def undo_refusal(decision: ReviewDecision, now: datetime, *, is_known_latest: bool = False) -> str:
    """Why a decision cannot be undone, in one sentence; "" if it can.

    `is_known_latest`: the caller has read it as the last in force about the present source.
    """
    window = timedelta(seconds=settings.REVIEW_UNDO_SECONDS)
    delivery = decision.delivery
    if decision.source != Source.ADMIN or delivery is None:
        return _("Only a decision made at the desk can be undone: decide again instead.")
    if now >= decision.created_at + window:
        return _("Too late to undo: decide again instead.")
    if not is_known_latest and decision.undone_by.exists():
        return _("It was undone already.")
    if not is_known_latest and not is_latest_decision(decision.video, decision):
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
