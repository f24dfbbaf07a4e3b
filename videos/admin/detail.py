"""The context of the page of one video."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from shortvideo.outbox.models import Delivery, DeliveryState
from videos.admin.media import cdn_picture, copies_of, hit_copies, play_sources, snapshots
from videos.admin.seen import shown_claim, shown_standing
from videos.admin.story import story_of
from videos.admin.takedown import card as takedown_card
from videos.models import MachineReview, Video
from videos.services import (
    describe_claim,
    may_play,
    missing_files_reason,
    undo_milliseconds,
    undoable_decision,
)

_LATEST = 50  # deliveries
# Deliveries that only read VOD; every clip has many.
_READS = ("process_event", "read_video", "reread_video")


def detail_context(request: HttpRequest, video: Any) -> dict[str, Any]:
    """The context for a video that `read_whole` has read."""
    user = request.user
    may_review = user.has_perm("videos.review_video")
    copies = copies_of(video) if may_review else {}
    standing = shown_standing(video)
    latest = standing.decision if may_review else None
    undoable = undoable_decision(video, latest) if latest else None
    return {
        "video": video,
        "reviewing": describe_claim(claim) if (claim := shown_claim(video)) else "",
        "may_play": may_play(user, video),
        "sources": play_sources(video) if may_play(user, video) else [],
        "unplayable": missing_files_reason(user, video),
        "poster": _poster(video, copies),
        "snapshots": snapshots(video, may_see_copies=may_review),
        "undoable": undoable,
        "undo_milliseconds": undo_milliseconds(undoable) if undoable else 0,
        "takedown": takedown_card(video) if user.has_perm("videos.view_takedown") else None,
        "files": _files(video),
        "machine_review": standing.machine_review,
        "hits": _hits(standing.machine_review, hit_copies(video) if may_review else {}),
        "story": story_of(video),
        "open_tasks": [task for task in video.told_tasks if task.closed_at is None],
        "recommendation": getattr(video, "recommendation", None),
        "deliveries": _deliveries(video) if user.has_perm("outbox.view_delivery") else None,
        "may_retry": user.has_perm("outbox.retry_delivery"),
        "may_retry_jobs": user.has_perm("videos.transcode_video") and video.deleted_at is None,
    }


def _poster(video: Video, copies: Mapping[str, str]) -> str:
    path = video.first_frame or video.cover
    return copies.get(path) or next(iter(copies.values()), "") or cdn_picture(video, path)


def _files(video: Video) -> list[dict[str, Any]]:
    """Streams, tallest first."""
    return sorted(video.files, key=lambda file: (-file["height"], file["is_narrowband"]))


def _hits(review: MachineReview | None, copies: Mapping[str, str]) -> list[dict[str, Any]]:
    """The machine's hits; `copy` is the URL of the stored picture, '' without one."""
    hits = review.hits if review is not None else []
    return [{**hit, "copy": copies.get(hit.get("picture", ""), "")} for hit in hits]


def _deliveries(video: Video) -> list[Delivery]:
    """The video's deliveries, newest first, without reads that are done."""
    reads_done = Q(kind__in=_READS, state=DeliveryState.DONE)
    of_video = Delivery.objects.for_subject(video.vod_id).exclude(reads_done)
    return list(of_video.order_by("-id")[:_LATEST])
