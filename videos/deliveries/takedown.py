"""verify_takedown: the proof that a clip is out of the public's reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.utils import timezone

from shortvideo.cloud import CloudUnavailable, media_gateway, vod_gateway
from shortvideo.cloud.types import MediaPath, VodStatus
from shortvideo.outbox import services as outbox
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused
from shortvideo.outbox.models import PREDECESSOR_GIVEN_UP, Delivery, DeliveryState
from videos.deliveries.cdn import TAKEDOWN_OVER
from videos.deliveries.deletion import read_unread_files
from videos.deliveries.subject import VideoHandler
from videos.mirror.cdn import CdnTaskAnswers, check_cdn_task
from videos.models import CdnTask, CdnTaskQuerySet, Takedown, Video
from videos.services.cdn import media_paths, purge_media
from videos.services.takedown import play_paths

MAX_CHECKS: Final = 3  # looks that find the clip still there, with a purge after each but the last
PURGED_SECONDS: Final = 1.0  # in which another purge is sent
PURGING_SECONDS: Final = (5.0, 60.0)  # until one that runs is asked about again: first, and most
RECHECK_SECONDS: Final = 20.0  # until VOD is asked again what it shows
PURGE_PATIENCE: Final = timedelta(minutes=30)  # with a purge that runs; then the look is taken
MAX_UNCLEAR: Final = 10  # answers that say nothing; the CDN is not asked for more of a clip then
UNREAD: Final = "VOD has not told which streams the clip has."
NEVER_READ: Final = "VOD deleted the clip before its streams were known: none of them was purged."


@dataclass(frozen=True, slots=True)
class StillThere(Again):
    """Not gone yet; `paths` are those that the CDN still serves."""

    paths: tuple[str, ...] = ()


@dataclass(slots=True)
class _CdnProbe:
    """What the CDN answers for some files; `unclear` has the reason of each that says nothing."""

    served: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)


class VerifyTakedownHandler(VideoHandler):
    """Waits for the purges to end, then asks VOD for the clip and the CDN for each of its files.

    A clip whose files nobody has read is read first: of unknown streams nothing is proven. What
    plays must be gone, and VOD must say that the clip is blocked or deleted. Pictures are purged as
    well; where the origin goes on serving them, the takedown says so and ends.
    """

    kind = "verify_takedown"
    batch_size = 20

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        takedowns = Takedown.objects.select_related("video").in_bulk(
            [delivery.pk for delivery in batch], field_name="verification_id"
        )
        outcomes: dict[int, Outcome] = {}
        due: dict[int, Takedown] = {}
        answers = CdnTaskAnswers()
        for delivery in batch:
            takedown = takedowns.get(delivery.pk)
            if takedown is None or takedown.is_over:
                outcomes[delivery.pk] = TAKEDOWN_OVER
            elif waiting := _purges_awaited(takedown, delivery, answers):
                outcomes[delivery.pk] = waiting
            else:
                due[delivery.pk] = takedown
        return outcomes | _verdicts({d.pk: d for d in batch}, due)

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        self.lock_subject(delivery.subject)  # before the takedown, as everybody who writes both
        takedown = Takedown.objects.select_for_update().filter(verification=delivery).first()
        if takedown is None or takedown.is_over:
            return
        if isinstance(outcome, StillThere):
            _schedule_recheck(takedown, outcome)
        elif delivery.state == DeliveryState.DONE:
            takedown.state, takedown.verified_at = Takedown.State.VERIFIED, timezone.now()
            takedown.problem = delivery.result.get("problem", "")
            takedown.check_count = 0
        elif delivery.state == DeliveryState.GIVEN_UP:
            takedown.state, takedown.problem = Takedown.State.FAILED, _reason_of(delivery)
            takedown.check_count = 0
        elif delivery.state == DeliveryState.SUPERSEDED:
            _close_unverified(takedown)
        else:
            _reopen(takedown)
            takedown.problem = delivery.error  # why it still waits
        takedown.save(update_fields=["state", "problem", "verified_at", "check_count"])


def _purges_awaited(
    takedown: Takedown, delivery: Delivery, answers: CdnTaskAnswers
) -> Again | None:
    """Ask about the purges that are running; until when to wait for those that have not ended.

    The CDN takes minutes: the more often it was asked, the longer the wait. Of what runs for very
    long the files themselves are asked.
    """
    tasks = _purges_of(takedown)
    try:
        for task in tasks.filter(state=CdnTask.State.SUBMITTED):
            check_cdn_task(task, answers)
    except CloudUnavailable as error:
        return Again(str(error), error.retry_after, error.throttled)
    if any(_is_awaited(task) for task in tasks.on_their_way()):
        first, most = PURGING_SECONDS
        return Again("The CDN is still purging.", min(first * delivery.attempts, most))
    return None


def _is_awaited(task: CdnTask) -> bool:
    is_waiting = task.state == CdnTask.State.WAITING
    return is_waiting or timezone.now() - task.submitted_at < PURGE_PATIENCE


def _purges_of(takedown: Takedown) -> CdnTaskQuerySet:
    return CdnTask.objects.filter(takedown=takedown).select_related("delivery").order_by("id")


def _verdicts(
    deliveries: Mapping[int, Delivery], due: Mapping[int, Takedown]
) -> dict[int, Outcome]:
    """What became of the clips whose purges have ended, by the keys of their deliveries."""
    if not due:
        return {}
    found = vod_gateway().get_infos([takedown.video.vod_id for takedown in due.values()])
    # What VOD tells of in a way that makes no sense is there all the same.
    statuses: dict[str, str | None] = dict.fromkeys(found.missing_ids)
    statuses |= {facts.vod_id: facts.status or "" for facts in found.videos}
    outcomes: dict[int, Outcome] = {}
    for pk, takedown in due.items():
        outcomes[pk] = _verdict(deliveries[pk], takedown, statuses.get(takedown.video.vod_id, ""))
    return outcomes


def _verdict(delivery: Delivery, takedown: Takedown, status: str | None) -> Outcome:
    """Whether one clip is gone; `status` is VOD's, None where VOD does not have it."""
    is_last_look = takedown.check_count + 1 >= MAX_CHECKS
    if status is not None and not _is_withdrawn(takedown, status):
        reason = f"VOD still has the clip, as {status or 'unknown'}."
        return (
            Refused("StillInVod", reason) if is_last_look else StillThere(reason, RECHECK_SECONDS)
        )
    if status is not None and not _are_files_known(takedown.video):
        return (
            Refused("FilesUnknown", UNREAD) if is_last_look else StillThere(UNREAD, RECHECK_SECONDS)
        )
    play, others = _paths_of(delivery, takedown.video)
    playing, shown = _probe(play), _probe(others)
    left = (*playing.served, *shown.served)
    if left and not is_last_look:
        reason = f"The CDN still serves {len(left)} of the clip's files."
        return StillThere(reason, PURGED_SECONDS, paths=left)
    if playing.served:
        reason = f"The CDN still serves {len(playing.served)} of {len(play)} files that play"
        return Refused("StillServed", f"{reason}, after {MAX_CHECKS} purges.")
    if unclear := [*playing.unclear, *shown.unclear]:
        return Again(f"Of {len(unclear)} files the CDN does not say: {unclear[0]}")
    problems = [NEVER_READ] if takedown.video.files_read_at is None else []
    if shown.served:
        problems.append(f"{len(shown.served)} of {len(others)} pictures are still served.")
    return Done({"problem": " ".join(problems)})


def _are_files_known(video: Video) -> bool:
    """Whether the clip's streams are known; what nobody has read is read now.

    Raises CloudUnavailable.
    """
    if video.files_read_at is None:
        read_unread_files([video.vod_id])
        video.refresh_from_db()
    return video.files_read_at is not None


def _is_withdrawn(takedown: Takedown, status: str) -> bool:
    return status == VodStatus.BLOCKED and takedown.cause != Takedown.Cause.DELETION


def _paths_of(delivery: Delivery, video: Video) -> tuple[list[str], list[str]]:
    """What plays and what does not, of then and of now: a file may have come since the block."""
    play, paths = list(delivery.payload["play"]), list(delivery.payload["paths"])
    if video.source_version == delivery.payload["source_version"]:
        play += play_paths(video)
        paths += media_paths(video)
    others = [path for path in dict.fromkeys(paths) if path not in play]
    return list(dict.fromkeys(play)), others


def _probe(paths: Sequence[str]) -> _CdnProbe:
    """Ask the CDN for each file: one that gives no clear answer stands in no other's way."""
    look = _CdnProbe()
    for path in paths:
        try:
            if media_gateway().is_served(MediaPath(path)):
                look.served.append(path)
        except CloudUnavailable as error:
            look.unclear.append(str(error))
            if len(look.unclear) == MAX_UNCLEAR:
                break
    return look


def _schedule_recheck(takedown: Takedown, outcome: StillThere) -> None:
    """Count the look; purge what is still served, or have the mirror read what VOD says."""
    _reopen(takedown)
    takedown.check_count += 1
    takedown.problem = outcome.reason
    if outcome.paths:
        purge_media(takedown.video, takedown=takedown, paths=outcome.paths)
    else:
        outbox.send("read_video", subject=takedown.video.vod_id)


def _close_unverified(takedown: Takedown) -> None:
    """What has failed and was dismissed stays failed."""
    if takedown.state == Takedown.State.UNDER_WAY:
        takedown.state = Takedown.State.REVERSED


def _reopen(takedown: Takedown) -> None:
    """A retry brought it back to life."""
    if takedown.state == Takedown.State.FAILED:
        takedown.state, takedown.problem = Takedown.State.UNDER_WAY, ""


def _reason_of(delivery: Delivery) -> str:
    """Why it was given up, in one sentence: that of the step which failed."""
    while delivery.error_code == PREDECESSOR_GIVEN_UP and delivery.after is not None:
        delivery = delivery.after
    return delivery.error
