"""verify_takedown: prove that the public cannot reach a clip any more."""

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
from videos.deliveries.video import VideoHandler, read_unread_files
from videos.mirror.cdn import CdnTaskAnswers, check_cdn_task
from videos.models import CdnTask, CdnTaskQuerySet, Takedown, Video
from videos.services import media_paths, purge_media
from videos.services.takedown import play_paths

MAX_CHECKS: Final = 3  # checks that find the clip; after each but the last it is purged again
PURGED_SECONDS: Final = 1.0  # until the next check
PURGING_SECONDS: Final = (5.0, 60.0)  # first and longest wait between questions about a purge
RECHECK_SECONDS: Final = 20.0  # until VOD is asked again
PURGE_PATIENCE: Final = timedelta(minutes=30)  # then the files are checked while the purge runs
MAX_UNCLEAR: Final = 10  # unclear answers about a clip's files; then no more files are probed
FILES_UNKNOWN = Refused("FilesUnknown", "VOD has not told which streams the clip has.")
NEVER_READ: Final = "VOD deleted the clip before its streams were known: none of them was purged."


@dataclass(frozen=True, slots=True)
class StillThere(Again):
    """The clip is not gone yet; the CDN still serves `paths`."""

    paths: tuple[str, ...] = ()


@dataclass(slots=True)
class _CdnProbe:
    """The files that the CDN serves, and the reasons of unclear answers."""

    served: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)


class VerifyTakedownHandler(VideoHandler):
    """Proves one takedown, or says what is left of the clip:

    1. Wait until the CDN has ended the purges.
    2. Ask VOD: it must not have the clip or, after a block, may show it as blocked.
    3. Read the clip's streams if they were never read.
    4. Ask the CDN for each file, and purge again what it still serves, up to twice.

    A source or stream that is still served is a failure. A picture is not: the origin may go on
    serving it, and `Takedown.problem` says so.
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
        self.lock_subject(delivery.subject)  # before the takedown, like all who write both
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
            if takedown.state == Takedown.State.UNDER_WAY:  # a dismissed one stays failed
                takedown.state = Takedown.State.REVERSED
        else:
            _reopen(takedown)
            takedown.problem = delivery.error  # why it still waits
        takedown.save(update_fields=["state", "problem", "verified_at", "check_count"])


def _purges_awaited(
    takedown: Takedown, delivery: Delivery, answers: CdnTaskAnswers
) -> Again | None:
    """Ask the CDN about the running purges. Returns how long to wait; None if all have ended.

    A purge takes minutes, so each wait is longer. After `PURGE_PATIENCE` the files are probed while
    the purge still runs.
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
    """The outcomes of the takedowns whose purges have ended, by the keys of their deliveries."""
    if not due:
        return {}
    infos = vod_gateway().get_infos([takedown.video.vod_id for takedown in due.values()])
    statuses: dict[str, str | None] = dict.fromkeys(infos.missing_ids)
    statuses |= {facts.vod_id: facts.status or "" for facts in infos.videos}
    return {  # "": VOD has the video, but its answer is not understood
        pk: _verdict(deliveries[pk], takedown, statuses.get(takedown.video.vod_id, ""))
        for pk, takedown in due.items()
    }


def _verdict(delivery: Delivery, takedown: Takedown, status: str | None) -> Outcome:
    """Whether one clip is gone. `status` is VOD's, None if VOD does not have the clip."""
    is_last_check = takedown.check_count + 1 >= MAX_CHECKS
    if status is not None and (refused := _refusal_by_vod(takedown, status)):
        return refused if is_last_check else StillThere(refused.message, RECHECK_SECONDS)
    playable, pictures = _paths_of(delivery, takedown.video)
    play_probe, picture_probe = _probe(playable), _probe(pictures)
    served = (*play_probe.served, *picture_probe.served)
    if served and not is_last_check:
        reason = f"The CDN still serves {len(served)} of the clip's files."
        return StillThere(reason, PURGED_SECONDS, paths=served)
    if play_probe.served:
        count = f"{len(play_probe.served)} of {len(playable)}"
        reason = f"The CDN still serves {count} files that play, after {MAX_CHECKS} purges."
        return Refused("StillServed", reason)
    if unclear := [*play_probe.unclear, *picture_probe.unclear]:
        count = f"{len(unclear)} of {len(playable) + len(pictures)}"
        return Again(f"The CDN's answer is unclear for {count} files: {unclear[0]}")
    problems = [NEVER_READ] if takedown.video.files_read_at is None else []
    if picture_probe.served:
        count = f"{len(picture_probe.served)} of {len(pictures)}"
        problems.append(f"{count} pictures are still served.")
    return Done({"problem": " ".join(problems)})


def _refusal_by_vod(takedown: Takedown, status: str) -> Refused | None:
    """Why VOD's answer does not suffice; None if it is a block with known streams.

    Streams that were never read are read now. Raises CloudUnavailable.
    """
    if status != VodStatus.BLOCKED or takedown.cause == Takedown.Cause.DELETION:
        return Refused("StillInVod", f"VOD still has the clip, as {status or 'unknown'}.")
    video = takedown.video
    if video.files_read_at is None:
        read_unread_files([video.vod_id])
        video.refresh_from_db()
    return FILES_UNKNOWN if video.files_read_at is None else None


def _paths_of(delivery: Delivery, video: Video) -> tuple[list[str], list[str]]:
    """Paths that play, and paths of pictures: of the payload, and those that came since."""
    play, paths = list(delivery.payload["play"]), list(delivery.payload["paths"])
    if video.source_version == delivery.payload["source_version"]:
        play += play_paths(video)
        paths += media_paths(video)
    pictures = [path for path in dict.fromkeys(paths) if path not in play]
    return list(dict.fromkeys(play)), pictures


def _probe(paths: Sequence[str]) -> _CdnProbe:
    """Ask the CDN for each file. An unclear answer about one stops no other."""
    probe = _CdnProbe()
    for path in paths:
        try:
            if media_gateway().is_served(MediaPath(path)):
                probe.served.append(path)
        except CloudUnavailable as error:
            probe.unclear.append(str(error))
            if len(probe.unclear) == MAX_UNCLEAR:
                break
    return probe


def _schedule_recheck(takedown: Takedown, outcome: StillThere) -> None:
    """Count the check. Purge the files that are still served, or read the video again in VOD."""
    _reopen(takedown)
    takedown.check_count += 1
    takedown.problem = outcome.reason
    if outcome.paths:
        purge_media(takedown.video, takedown=takedown, paths=outcome.paths)
    else:
        outbox.send("read_video", subject=takedown.video.vod_id)


def _reopen(takedown: Takedown) -> None:
    """Set a failed takedown under way again: its delivery was retried."""
    if takedown.state == Takedown.State.FAILED:
        takedown.state, takedown.problem = Takedown.State.UNDER_WAY, ""


def _reason_of(delivery: Delivery) -> str:
    """Why the chain was given up, in one sentence: the error of the step that failed."""
    while delivery.error_code == PREDECESSOR_GIVEN_UP and delivery.after is not None:
        delivery = delivery.after
    return delivery.error
