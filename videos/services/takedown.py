"""Takedowns: the chain of deliveries that a block or a deletion begins, and what ends it early.

    block      create_audit -> archive_evidence -> purge -> verify_takedown
    deletion   [archive_evidence ->] delete_video -> purge -> verify_takedown

Each arrow is the delivery's `after`. The caller holds the video's lock.
"""

from collections.abc import Sequence
from typing import Any

from accounts.models import Operator
from shortvideo.cloud.urls import is_on_cdn
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from videos.models import Evidence, ReviewDecision, Source, Takedown, Video, VideoDeletion
from videos.models.media import PLAYS
from videos.services.cdn import media_paths, purge_media

State = Takedown.State
Cause = Takedown.Cause


def begin_block_takedown(video: Video, review: ReviewDecision | None) -> Takedown:
    """Begin what a block sets off: after its delivery, or at once where VOD blocked by itself.

    `review` is None where VOD's status alone says so, without a decision that anybody made.
    """
    is_ours = review is not None and review.source != Source.VOD
    takedown = Takedown.objects.create(
        video=video, cause=Cause.BLOCK if is_ours else Cause.VOD, decision=review
    )
    _send_chain(takedown, video, after=review.delivery if review is not None else None)
    return takedown


def begin_deletion_takedown(
    video: Video, deletion: VideoDeletion, *, after: Delivery | None
) -> Takedown:
    """Begin what a deletion sets off once VOD has carried it out.

    `after` is the last delivery before the purge.
    """
    takedown = Takedown.objects.create(video=video, cause=Cause.DELETION, deletion=deletion)
    _send_chain(takedown, video, after=after)
    return takedown


def _send_chain(takedown: Takedown, video: Video, *, after: Delivery | None) -> None:
    """Send the steps that follow the first one, each after the one before."""
    asked = takedown.decision or takedown.deletion
    operator: Operator | None = asked.operator if asked is not None else None
    request_id = asked.request_id if asked is not None else ""
    if takedown.cause != Cause.DELETION:
        after = archive_evidence(video, after=after)
    tasks = purge_media(
        video, operator=operator, request_id=request_id, after=after, takedown=takedown
    )
    takedown.verification = outbox.send(
        "verify_takedown",
        subject=video.vod_id,
        payload={
            "source_version": video.source_version,
            "play": play_paths(video),
            "paths": media_paths(video),
        },
        after=tasks[-1].delivery if tasks else after,
    )
    takedown.save(update_fields=["verification"])


def archive_evidence(video: Video, *, after: Delivery | None = None) -> Delivery:
    """Send the copying of what the clip shows; a copy that nobody has begun yet is replaced."""
    return outbox.send(
        "archive_evidence",
        subject=video.vod_id,
        payload={
            "source_version": video.source_version,
            "facts": _facts_of(video),
            "pictures": pictures_of(video),
        },
        after=after,
        supersede=True,
    )


def archive_before_deletion(video: Video) -> Delivery | None:
    """The archiving that a deletion waits for; None where the clip is not blocked, or kept.

    The takedown of a block that is under way ends here: the deletion's takes its place.
    """
    replace_earlier(video)
    is_kept = Evidence.objects.kept().filter(video=video, source_version=video.source_version)
    if not video.is_blocked or is_kept.filter(problem="").exists():
        return None
    return archive_evidence(video)


def replace_earlier(video: Video) -> None:
    """End the takedowns of the clip that another one takes the place of."""
    abandon(video, "")


def abandon(video: Video, problem: str) -> int:
    """End what is under way or failed, for the reason that `problem` says; returns how many."""
    unfinished = Takedown.objects.filter(video=video, state__in=Takedown.UNFINISHED)
    return unfinished.update(state=State.REPLACED, problem=problem)


def cancel_block_takedowns(video: Video) -> None:
    """The clip is blocked no more: nothing of it is purged from now on."""
    blocks = Takedown.objects.of_block().filter(
        video=video, state__in=(*Takedown.UNFINISHED, State.VERIFIED)
    )
    blocks.update(state=State.REVERSED, problem="")


def resume_block_takedown(video: Video, *, is_shown_since: bool = False) -> None:
    """Go on with the takedown of the block that stands again: what came after it was taken back.

    The chain is sent anew, unless the clip had been verified to be gone and VOD has not shown it
    since: where it has (`is_shown_since`), the CDN may have fetched its files again.
    """
    undone = ReviewDecision.objects.filter(video=video).exclude(undone_by=None)
    blocks = Takedown.objects.of_block().filter(video=video).exclude(decision__in=undone)
    takedown = blocks.select_related("decision", "deletion").order_by("-id").first()
    if takedown is None:
        return
    takedown.problem, takedown.check_count = "", 0
    if is_shown_since:
        takedown.verified_at = None
    takedown.state = State.UNDER_WAY if takedown.verified_at is None else State.VERIFIED
    if takedown.state == State.UNDER_WAY:
        takedown.verification = None  # what is left of the earlier chain has no say any more
    takedown.save(update_fields=["state", "problem", "check_count", "verified_at", "verification"])
    if takedown.state == State.UNDER_WAY:
        audits = Delivery.objects.open().filter(kind="create_audit").for_subject(video.vod_id)
        _send_chain(takedown, video, after=audits.order_by("id").last())


def settle_deletion(
    video: Video, deletion: VideoDeletion, *, is_deleted: bool, problem: str
) -> None:
    """VOD has carried out a deletion, perhaps at a second try; or refused it: the clip is back.

    A block of it stands again then, and is seen to. `problem` is VOD's refusal in one sentence.
    """
    takedowns = Takedown.objects.filter(deletion=deletion)
    if is_deleted:
        unproven = takedowns.exclude(state=State.VERIFIED)
        unproven.update(state=State.UNDER_WAY, problem=problem)
        return
    takedowns.update(state=State.REVERSED, problem=problem)
    if video.is_blocked:
        resume_block_takedown(video)


def play_paths(video: Video) -> list[str]:
    """What plays, as `host/path`: VOD answers it with a refusal once the clip is blocked."""
    paths = dict.fromkeys(item["path"] for item in video.media if item["kind"] == PLAYS)
    return [path for path in paths if is_on_cdn(path)]


def pictures_of(video: Video) -> list[dict[str, str]]:
    """What the clip shows or has shown: objects of kind and path."""
    return unique_pictures([item for item in video.media if item["kind"] != PLAYS])


def unique_pictures(pictures: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Those on our CDN, each once: covers elsewhere are not ours to ask for."""
    found: dict[str, dict[str, str]] = {}
    for picture in pictures:
        if is_on_cdn(picture["path"]):
            found.setdefault(picture["path"], picture)
    return list(found.values())


def _facts_of(video: Video) -> dict[str, Any]:
    """The clip as it is now, in JSON."""
    uploader = video.uploader
    return {
        "title": video.title,
        "description": video.description,
        "tags": video.tags,
        "uploader_id": uploader.user_id if uploader is not None else "",
        "uploader_name": uploader.user_name if uploader is not None else "",
        "duration": video.duration,
        "size": video.size,
        "created": video.creation_time.isoformat(),
        "status": video.status,
    }
