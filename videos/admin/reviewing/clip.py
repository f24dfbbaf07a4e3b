"""A claimed clip as the review page gets it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.admin import site
from django.db.models import Count, Prefetch, Q, prefetch_related_objects
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Operator
from shortvideo.desk.display import waited
from videos.admin.columns import PICTURES, video_url
from videos.admin.media import cdn_picture, copies_of, hit_copies, play_sources, snapshots
from videos.admin.seen import review_lookups, shown_standing
from videos.models import (
    CensorStatus,
    MachineReview,
    ReviewClaim,
    ReviewDecision,
    ReviewNote,
    ReviewTask,
    Video,
)
from videos.services import describe_review, may_play, missing_files_reason

_LATEST = 5  # decisions and notes of one clip
_LINES = ReviewDecision.objects.select_related("operator", "template").order_by("-id")
_NOTES = ReviewNote.objects.select_related("operator").order_by("-id")
_BLOCKED_AT = 85  # VOD's machine suggests a block from about this score on


def clips_as_json(operator: Operator, claims: Sequence[ReviewClaim]) -> list[dict[str, Any]]:
    """Describe claimed clips, in their order. The number of queries does not grow with them."""
    prefetch_related_objects(
        claims,
        "video__uploader",
        *PICTURES,
        *review_lookups("video__"),
        Prefetch("video__decisions", _LINES[:_LATEST], to_attr="latest_lines"),
        Prefetch("video__notes", _NOTES[:_LATEST], to_attr="latest_notes"),
    )
    videos = [claim.video for claim in claims]
    tasks = _by_video(ReviewTask.objects.open().filter(video__in=videos).order_by("opened_at"))
    uploaders = _uploader_figures(video.uploader_id for video in videos if video.uploader_id)
    return [
        _clip(operator, claim, tasks.get(claim.video_id, []))
        | {"uploader": _uploader(claim.video, uploaders)}
        for claim in claims
    ]


def _by_video(tasks: Iterable[ReviewTask]) -> dict[int, list[ReviewTask]]:
    by_video: dict[int, list[ReviewTask]] = {}
    for task in tasks:
        by_video.setdefault(task.video_id, []).append(task)
    return by_video


def _clip(operator: Operator, claim: ReviewClaim, tasks: Sequence[ReviewTask]) -> dict[str, Any]:
    video = claim.video
    standing = shown_standing(video)
    review = standing.machine_review
    copies = copies_of(video)
    return {
        "claim": claim.pk,
        "video": video.pk,
        "vodId": video.vod_id,
        "url": video_url(video),
        "title": video.title,
        "description": video.description,
        "tags": [tag for tag in video.tags.split(",") if tag],
        "duration": video.duration,
        "createdAt": _moment(video.creation_time),
        "status": video.censor_status,
        "statusLabel": str(CensorStatus(video.censor_status).label),
        "seen": str(standing.seen),
        "standing": describe_review(video, standing.decision) if standing.decision else "",
        "reason": standing.decision.reason if standing.decision else "",
        "isBlocked": video.is_blocked,
        "causes": [task.get_cause_display() for task in tasks],
        "waiting": _waiting(tasks[0]) if tasks else "",
        "sources": sources_of(operator, video),
        "unplayable": missing_files_reason(operator, video),
        "poster": copies.get(video.first_frame) or cdn_picture(video, video.first_frame),
        "snapshots": [each["url"] for each in snapshots(video, may_see_copies=True) if each["url"]],
        "verdict": review.get_suggestion_display() if review else "",
        "labels": list(review.labels) if review else [],
        "hits": _hits(review, hit_copies(video)),
        "history": [_line(video, each) for each in video.latest_lines],  # type: ignore[attr-defined]  # of a Prefetch
        "notes": [_note(each) for each in video.latest_notes],  # type: ignore[attr-defined]  # of a Prefetch
    }


def sources_of(operator: Operator, video: Video) -> list[dict[str, Any]]:
    """What the operator's browser may play."""
    return play_sources(video) if may_play(operator, video) else []


def _waiting(oldest: ReviewTask) -> str:
    return _("waiting %(age)s") % {"age": waited(oldest.opened_at, timezone.now())}


def _hits(review: MachineReview | None, copies: Mapping[str, str]) -> list[dict[str, Any]]:
    """Label, score (0 to 100), moment in ms or None, tone and picture ('' without) of each hit."""
    return [
        {
            "label": str(hit.get("label") or ""),
            "score": hit.get("score") or 0,
            "at": hit.get("timestamp_ms"),
            "picture": copies.get(hit.get("picture", ""), ""),
            "tone": "bad" if (hit.get("score") or 0) >= _BLOCKED_AT else "attention",
        }
        for hit in (review.hits if review else [])
    ]


def _line(video: Video, decision: ReviewDecision) -> dict[str, Any]:
    return {
        "decision": decision.get_decision_display(),
        "text": describe_review(video, decision),
        "isOfEarlierSource": decision.source_version != video.source_version,
    }


def _note(note: ReviewNote) -> dict[str, str]:
    return {"who": str(note.operator), "at": _moment(note.created_at), "text": note.text}


def _uploader_figures(ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many clips of each uploader there are, and how many were approved and blocked."""
    rows = Video.objects.visible().filter(uploader__in=set(ids)).values("uploader")
    counted = rows.annotate(
        clips=Count("pk"),
        approved=Count("pk", filter=Q(censor_status=CensorStatus.SUCCESS)),
        blocked=Count("pk", filter=Q(censor_status=CensorStatus.FAIL)),
    )
    return {
        row["uploader"]: {
            "clips": row["clips"],
            "approved": row["approved"],
            "blocked": row["blocked"],
        }
        for row in counted.order_by()
    }


def _uploader(video: Video, figures: dict[int, dict[str, int]]) -> dict[str, Any] | None:
    uploader = video.uploader
    if uploader is None:
        return None
    url = reverse(f"{site.name}:accounts_uploader_change", args=[uploader.pk])
    return {"name": uploader.label, "userId": uploader.user_id, "url": url} | figures[uploader.pk]


def _moment(at: datetime) -> str:
    return timezone.localtime(at).isoformat(timespec="seconds")
