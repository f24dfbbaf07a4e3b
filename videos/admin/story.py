"""The story of one clip: who saw, claimed and decided, why, from where, and what VOD answered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shortvideo.outbox.models import DeliveryState
from shortvideo.text import isolated
from videos.models import (
    Decision,
    MachineReview,
    ReviewClaim,
    ReviewDecision,
    ReviewNote,
    ReviewTask,
    Takedown,
    TaskCause,
    VideoDeletion,
)

_LATEST = 100  # claims, and notes
_TONES = {Decision.NORMAL: "good", Decision.BLOCKED: "bad", Decision.REVIEW: "attention"}
_End = ReviewClaim.End


@dataclass(frozen=True, slots=True)
class Entry:
    """One sentence of the story, with its moment.

    `quote` is what a person wrote; `answer` is what VOD made of it, and `is_failed` whether VOD
    refused it.
    """

    at: datetime
    sentence: str
    tone: str = "neutral"
    quote: str = ""
    answer: str = ""
    is_failed: bool = False


def story_of(video: Any) -> list[Entry]:
    """The story of a video that `read_whole` has read, the newest entry first."""
    entries = [
        Entry(video.creation_time, _("Uploaded.")),
        *map(_of_machine_review, video.verdicts),
        *map(_of_task, video.told_tasks),
        *_of_claims(video.told_claims[:_LATEST]),
        *map(_of_decision, video.told_decisions),
        *map(_of_note, video.told_notes[:_LATEST]),
        *(_of_takedown(each) for each in video.takedowns.all() if each.verified_at),
        *map(_of_deletion, video.told_deletions),
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _of_machine_review(review: MachineReview) -> Entry:
    if review.suggestion == MachineReview.Suggestion.ERROR:
        return Entry(review.received_at, _("The AI review failed."), answer=review.error_message)
    scores: dict[str, float] = {}
    for hit in review.hits:
        scores[hit["label"]] = max(hit["score"], scores.get(hit["label"], 0))
    found = ", ".join(f"{label} {score:.0f}" for label, score in scores.items())
    sentence = _("The AI suggests: %s.") % review.get_suggestion_display()
    return Entry(review.received_at, sentence, answer=found or ", ".join(review.labels))


def _of_task(task: ReviewTask) -> Entry:
    if task.cause == TaskCause.ESCALATED:
        to = task.for_operator or task.for_role or _("everybody")
        return Entry(task.opened_at, _("Escalated to %s.") % to, "attention")
    return Entry(task.opened_at, _("Put into the queue: %s.") % task.get_cause_display())


def _of_claims(claims: Iterable[ReviewClaim]) -> Iterator[Entry]:
    """The claims that ended without a decision of their page: the others are told by it."""
    texts = {
        _End.SKIPPED: _("%(who)s looked at it for %(time)s and skipped it."),
        _End.ESCALATED: _("%(who)s looked at it for %(time)s and escalated it."),
        _End.OVERTAKEN: _("%(who)s had it on the page for %(time)s when somebody else decided."),
        _End.EXPIRED: _("%(who)s had it on the page for %(time)s without deciding."),
        _End.LEFT: _("%(who)s had it on the page for %(time)s and left."),
    }
    for claim in claims:
        if claim.shown_at is None:
            continue  # it waits behind the clip on the screen
        if claim.ended_at is None:
            yield Entry(claim.claimed_at, _("%s is looking at it.") % claim.operator, "busy")
        elif claim.end in texts:
            values = {"who": claim.operator, "time": _seconds(claim)}
            yield Entry(claim.ended_at, texts[_End(claim.end)] % values)


def _of_decision(decision: ReviewDecision) -> Entry:
    texts = {
        Decision.NORMAL: _("Approved by %s."),
        Decision.BLOCKED: _("Blocked by %s."),
        Decision.REVIEW: _("Sent back to review by %s."),
        Decision.UNDO: _("Undone by %s."),
    }
    sentences = [texts[Decision(decision.decision)] % decision.who]
    if decision.reason:
        sentences.append(_("Reason: %s.") % isolated(decision.reason))
    if decision.policy:
        sentences.append(_("Policy: %s.") % isolated(decision.policy))
    answer, is_failed = _answer_to(decision)
    return Entry(
        decision.created_at,
        " ".join(sentences),
        _TONES.get(Decision(decision.decision), "neutral"),
        quote=decision.comment,
        answer=answer,
        is_failed=is_failed,
    )


def _answer_to(decision: ReviewDecision) -> tuple[str, bool]:
    """What VOD answered, and whether it refused the decision."""
    delivery = decision.delivery
    if delivery is None:
        return "", False
    if delivery.state == DeliveryState.DONE:
        return _("VOD took it."), False
    if delivery.state == DeliveryState.SUPERSEDED:
        return _("Not sent to VOD."), False
    if delivery.is_open:
        return _("VOD is told soon."), False
    return _("VOD refused it: %s") % (delivery.error or delivery.error_code), True


def _of_note(note: ReviewNote) -> Entry:
    return Entry(note.created_at, _("Note by %s.") % note.operator, quote=note.text)


def _of_takedown(takedown: Takedown) -> Entry:
    assert takedown.verified_at is not None  # noqa: S101 - chosen by it
    return Entry(takedown.verified_at, _("Confirmed offline: VOD and the CDN show no file."))


def _of_deletion(deletion: VideoDeletion) -> Entry:
    if deletion.operator is None:
        return Entry(deletion.created_at, _("Missing in VOD: deleted here."), "bad")
    return Entry(deletion.created_at, _("Deleted by %s.") % deletion.operator, "bad")


def _seconds(claim: ReviewClaim) -> str:
    """How long the clip was on the screen."""
    assert claim.ended_at is not None  # noqa: S101 - chosen by it
    shown_at = claim.shown_at or claim.claimed_at
    seconds = max(0, round((claim.ended_at - shown_at).total_seconds()))
    return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
