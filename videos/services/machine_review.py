"""The machine review of a source, and the decision that follows from it."""

from contextlib import suppress
from typing import Final

from shortvideo.errors import InvalidState
from shortvideo.text import cut_to_bytes
from videos.models import Decision, MachineReview, Source, Video
from videos.models.review import REASON_BYTES
from videos.services.review import review_video

Suggestion = MachineReview.Suggestion
DECISIONS: Final = {
    Suggestion.PASS: Decision.NORMAL,
    Suggestion.BLOCK: Decision.BLOCKED,
}


def decide_by_machine_review(video: Video, review: MachineReview) -> None:
    """Pass or block as the machine suggests; a person's decision stands whatever it says."""
    decision = DECISIONS.get(Suggestion(review.suggestion))
    if decision is None:
        return
    reason = f"Machine review: {', '.join(review.labels) or 'blocked'}"
    with suppress(InvalidState):  # the verdict is kept beside the person's decision
        review_video(
            video,
            decision=decision,
            source=Source.MACHINE,
            reason=cut_to_bytes(reason, REASON_BYTES) if decision == Decision.BLOCKED else "",
        )


def machine_suggestion(video: Video) -> str | None:
    """The machine's suggestion about the present source, None where there is none yet."""
    if video._state.adding:
        return None
    reviews = video.machine_reviews.filter(source_version=video.source_version)
    return reviews.values_list("suggestion", flat=True).first()
