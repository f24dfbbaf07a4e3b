"""All rows that the page of one video shows, in few queries."""

from typing import Any, Final

from django.db.models import Prefetch, Q, prefetch_related_objects
from django.utils import timezone

from shortvideo.desk.together import read_together
from videos.admin.takedown import WHOLE_CHAIN
from videos.models import Decision, MachineReview, ReviewDecision, Takedown

LATEST: Final = 100  # decisions


def read_whole(video: Any) -> None:
    """Read what the page shows into attributes of the video, the newest first.

    They include those of `seen.standing_lookups`.
    """
    chains = Takedown.objects.select_related(WHOLE_CHAIN, "deletion", "decision__delivery")
    prefetch_related_objects([video], "evidence", Prefetch("takedowns", chains.order_by("-id")))
    told = video.decisions.select_related("operator", "delivery").order_by("-id")
    video.told_decisions = list(told[:LATEST])
    claims = video.claims.filter(Q(ended_at=None) | Q(shown_at__isnull=False))
    parts = read_together(
        told_tasks=video.review_tasks.select_related("for_operator", "for_role"),
        verdicts=MachineReview.objects.filter(video=video).defer("result"),
        told_claims=claims.select_related("operator"),
        told_notes=video.notes.select_related("operator"),
        told_deletions=video.deletions.select_related("operator", "delivery"),
        jobs=video.transcode_jobs.select_related("requested_by"),
        cdn_work=video.cdn_tasks.select_related("operator"),
    )
    for name, rows in parts.items():
        setattr(video, name, sorted(rows, key=lambda row: -row.pk))
    video.latest_decisions = _latest_in_force(video)
    video.latest_tasks = video.told_tasks[:1]
    now = timezone.now()
    video.held_claims = [
        claim for claim in video.told_claims if claim.ended_at is None and claim.lease_until > now
    ]


def _latest_in_force(video: Any) -> list[ReviewDecision]:
    undone = {decision.undoes_id for decision in video.told_decisions}
    for decision in video.told_decisions:
        if decision.decision != Decision.UNDO and decision.pk not in undone:
            return [decision]
    is_told_whole = len(video.told_decisions) < LATEST
    older = ReviewDecision.objects.none() if is_told_whole else video.decisions.in_force()
    return list(older.select_related("operator").order_by("-id")[:1])
