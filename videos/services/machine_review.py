"""The machine review of a source, and the decision that follows."""

from contextlib import suppress
from typing import Final

from shortvideo.errors import InvalidState
from shortvideo.text import cut_to_bytes
from videos.models import Decision, MachineReview, Source, Video
from videos.models.review import REASON_BYTES
from videos.services.review import DecisionInput, review_video

Suggestion = MachineReview.Suggestion
DECISIONS: Final = {
    Suggestion.PASS: Decision.NORMAL,
    Suggestion.BLOCK: Decision.BLOCKED,
}


def decide_by_machine_review(video: Video, review: MachineReview) -> None:
    """Approve or block as the machine suggests, unless a person has decided."""
    decision = DECISIONS.get(Suggestion(review.suggestion))
    if decision is None:
        return
    reason = ""
    if decision == Decision.BLOCKED:
        labels = ", ".join(review.labels) or "blocked"
        reason = cut_to_bytes(f"Machine review: {labels}", REASON_BYTES)
    with suppress(InvalidState):  # a person has decided
        review_video(video, DecisionInput(decision, Source.MACHINE, reason=reason))


def machine_suggestion(video: Video) -> str | None:
    """The machine's suggestion about the present source; None before the first."""
    if video._state.adding:
        return None
    reviews = video.machine_reviews.filter(source_version=video.source_version)
    return reviews.values_list("suggestion", flat=True).first()
