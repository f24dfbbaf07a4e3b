"""Takedowns: the chain of deliveries that follows a block or a deletion.

    block      create_audit -> archive_evidence -> purge -> verify_takedown
    deletion   [archive_evidence ->] delete_video -> purge -> verify_takedown
    later file [archive_evidence ->] purge -> verify_takedown (`take_down_new_media`)

Each arrow is the delivery's `after`. A takedown ends early by `replace_unfinished`,
`cancel_block_takedowns` or `cancel_deletion_takedown`. The caller holds the video's lock.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Operator
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.models import Evidence, ReviewDecision, Source, Takedown, Video, VideoDeletion
from videos.models.media import PLAYS
from videos.services import evidence
from videos.services.cdn import media_on_cdn, media_paths, purge_media

State = Takedown.State
Cause = Takedown.Cause


def begin_block_takedown(video: Video, review: ReviewDecision | None) -> Takedown:
    """Begin the takedown of a block: after its delivery, or at once if VOD blocked the video.

    `review` is None if only VOD's status says that the video is blocked.
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
    """Begin the takedown of a deletion. `after` is the last delivery before the purge."""
    takedown = Takedown.objects.create(video=video, cause=Cause.DELETION, deletion=deletion)
    _send_chain(takedown, video, after=after)
    return takedown


def _send_chain(takedown: Takedown, video: Video, *, after: Delivery | None) -> None:
    """Send the steps behind `after`, each after the one before."""
    origin = takedown.decision or takedown.deletion
    operator: Operator | None = origin.operator if origin is not None else None
    request_id = origin.request_id if origin is not None else ""
    if takedown.cause != Cause.DELETION:
        after = archive_evidence(video, after=after)
    tasks = purge_media(
        video, operator=operator, request_id=request_id, after=after, takedown=takedown
    )
    takedown.verification = send_verification(video, after=tasks[-1].delivery if tasks else after)
    takedown.save(update_fields=["verification"])


def send_verification(video: Video, *, after: Delivery | None) -> Delivery:
    """Send `verify_takedown` for the media of the clip. The caller writes it to the takedown."""
    return outbox.send(
        "verify_takedown",
        subject=video.vod_id,
        payload={
            "source_version": video.source_version,
            "play": play_paths(video),
            "paths": media_paths(video),
        },
        after=after,
    )


def take_down_new_media(video: Video, *, is_backlog: bool = False) -> None:
    """Purge and prove the media of a closed video that came after its takedown began.

    A verified or failed takedown is under way again. If a blocked video has none, it begins: VOD
    had blocked the video when it was first read. The backlog of a first import has none. The
    caller holds the video's lock and has saved it.
    """
    in_force = Takedown.objects.in_force().filter(video=video)
    takedown = in_force.select_related("verification__after", "decision", "deletion").first()
    if takedown is None:
        if video.is_blocked and not is_backlog:
            begin_block_takedown(video, None)
        return
    known = _purged_paths(takedown)
    if new := [path for path in media_paths(video) if path not in known]:
        _purge_later(takedown, video, new)


def _purge_later(takedown: Takedown, video: Video, paths: list[str]) -> None:
    """Purge these paths too, after the takedown's own purge, and prove that they are gone.

    While the proof waits it covers them. If a step before it failed, the retry of that step does.
    """
    proof = takedown.verification
    after = proof.after if proof is not None else None
    if after is not None and after.state in (DeliveryState.GIVEN_UP, DeliveryState.SUPERSEDED):
        return
    if video.is_blocked and any(item["path"] in paths for item in pictures_of(video)):
        after = archive_evidence(video, after=after, supersede=False)
    tasks = purge_media(video, after=after, takedown=takedown, paths=paths)
    if proof is not None and proof.is_open:
        return
    fields = takedown.restart_checks()
    if proof is not None and proof.state == DeliveryState.GIVEN_UP:
        outbox.retry(proof)
    else:
        takedown.verification = send_verification(video, after=tasks[-1].delivery)
    takedown.save(update_fields=[*fields, "verification"])


def _purged_paths(takedown: Takedown) -> set[str]:
    """`host/path` of all media that the takedown purges or has purged."""
    return {url for urls in takedown.cdn_tasks.values_list("urls", flat=True) for url in urls}


def archive_evidence(
    video: Video, *, after: Delivery | None = None, supersede: bool = True
) -> Delivery:
    """Send `archive_evidence` for the clip's pictures.

    With `supersede` it replaces an earlier one that waits, and the steps of a takedown after it.
    """
    return outbox.send(
        "archive_evidence",
        subject=video.vod_id,
        payload={
            "source_version": video.source_version,
            "facts": _facts_of(video),
            "pictures": [*pictures_of(video), *evidence.hit_pictures(video)],
        },
        after=after,
        supersede=supersede,
    )


def archive_hits(video: Video) -> Delivery:
    """Send `archive_evidence` for the machine's hit pictures, before VOD deletes them.

    If the clip is blocked by the time it is sent, all its pictures are archived.
    """
    return outbox.send(
        "archive_evidence",
        subject=video.vod_id,
        payload={
            "source_version": video.source_version,
            "facts": {},  # those of a block
            "pictures": evidence.hit_pictures(video),
            "is_of_hits": True,
        },
    )


@transaction.atomic
def archive_again(
    row: Evidence, *, operator: Operator | None = None, request_id: str = ""
) -> Delivery:
    """Copy what is missing of the evidence, or lost, from the CDN or from VOD.

    Raises InvalidState.
    """
    video = Video.objects.select_for_update().get(pk=row.video_id)
    row = Evidence.objects.select_for_update().get(pk=row.pk)
    check_archivable(row)
    row.retry_at = timezone.now() + evidence.RETRY_PERIODS[1]  # the archive sets an earlier time
    row.save(update_fields=["retry_at"])
    journal.log_action(operator, row, "archive again", request_id=request_id)
    return archive_evidence(video, supersede=False) if video.is_blocked else archive_hits(video)


def check_archivable(row: Evidence) -> None:
    """Raise InvalidState if the clip of this evidence cannot be archived again now."""
    evidence.check_retryable(row)
    archives = Delivery.objects.filter(kind="archive_evidence").for_subject(row.video.vod_id)
    if archives.open().exists():
        raise InvalidState(_("It is being archived already."))


def archive_before_deletion(video: Video) -> Delivery | None:
    """End unfinished takedowns, and archive a blocked clip before its deletion; None for others.

    The worker asks the storage which copies it has, and makes those that are missing.
    """
    replace_unfinished(video)
    return archive_evidence(video) if video.is_blocked else None


def replace_unfinished(video: Video, reason: str = "") -> int:
    """End the takedowns that are under way or failed. Returns how many there were.

    Call it before a later block or a deletion begins its own takedown, and after another upload
    under the same id: then `reason` says so. A verified takedown stays verified.
    """
    unfinished = Takedown.objects.filter(video=video, state__in=Takedown.UNFINISHED)
    return unfinished.update(state=State.REPLACED, problem=reason)


def cancel_block_takedowns(video: Video) -> None:
    """Set unfinished and verified takedowns of blocks to REVERSED: the clip is not blocked now."""
    blocks = Takedown.objects.of_block().filter(
        video=video, state__in=(*Takedown.UNFINISHED, State.VERIFIED)
    )
    blocks.update(state=State.REVERSED, problem="")


def resume_block_takedown(video: Video, *, is_shown_since: bool = False) -> None:
    """Resume the latest takedown of a block that was not undone: that block stands again.

    A verified takedown needs no new chain, unless VOD has shown the clip since
    (`is_shown_since`): then the CDN may have fetched its files again.
    """
    undone = ReviewDecision.objects.filter(video=video).exclude(undone_by=None)
    blocks = Takedown.objects.of_block().filter(video=video).exclude(decision__in=undone)
    takedown = blocks.select_related("decision", "deletion").order_by("-id").first()
    if takedown is None:
        return
    if takedown.verified_at is not None and not is_shown_since:
        takedown.state = State.VERIFIED
        takedown.save(update_fields=["state"])
        take_down_new_media(video)
        return
    takedown.verification = None  # the rest of the earlier chain must not end it
    takedown.save(update_fields=[*takedown.restart_checks(), "verification"])
    audits = Delivery.objects.open().filter(kind="create_audit").for_subject(video.vod_id)
    _send_chain(takedown, video, after=audits.order_by("id").last())


def resume_deletion_takedown(deletion: VideoDeletion) -> None:
    """VOD has deleted the video, perhaps at a retry after a refusal."""
    unproven = Takedown.objects.filter(deletion=deletion).exclude(state=State.VERIFIED)
    unproven.update(state=State.UNDER_WAY, problem="")


def cancel_deletion_takedown(video: Video, deletion: VideoDeletion, *, problem: str) -> None:
    """End the takedown of a deletion that did not happen, and resume that of a standing block.

    `problem` is VOD's refusal in one sentence; "" without one.
    """
    Takedown.objects.filter(deletion=deletion).update(state=State.REVERSED, problem=problem)
    if video.is_blocked:
        resume_block_takedown(video)


def play_paths(video: Video) -> list[str]:
    """`host/path` of all streams and the source. VOD does not play them once a clip is blocked."""
    media = media_on_cdn(video)
    return list(dict.fromkeys(item["path"] for item in media if item["kind"] == PLAYS))


def pictures_of(video: Video) -> list[dict[str, str]]:
    """The clip's pictures on our CDN, present and earlier: objects of kind and path."""
    return unique_pictures([item for item in media_on_cdn(video) if item["kind"] != PLAYS])


def unique_pictures(pictures: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The pictures, each path once."""
    by_path: dict[str, dict[str, str]] = {}
    for picture in pictures:
        by_path.setdefault(picture["path"], picture)
    return list(by_path.values())


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
