"""verify_takedown: prove that the public cannot reach a clip any more."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Final

from django.utils import timezone

from shortvideo.cloud import CloudRejected, CloudUnavailable, media_gateway, vod_gateway
from shortvideo.cloud.types import MediaFacts, MediaPath, VodStatus
from shortvideo.outbox import services as outbox
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused
from shortvideo.outbox.models import PREDECESSOR_GIVEN_UP, Delivery, DeliveryState
from videos.deliveries.cdn import TAKEDOWN_OVER
from videos.deliveries.video import VideoHandler, read_files_of, read_pictures_of
from videos.mirror.cdn import CdnTaskAnswers, check_cdn_task
from videos.mirror.transcoding import OUTCOMES
from videos.models import CdnTask, CdnTaskQuerySet, Takedown
from videos.services import media_paths, purge_media
from videos.services.takedown import play_paths, send_verification

MAX_CHECKS: Final = 3  # checks that find a purged file; after each but the last it is purged again
PURGED_SECONDS: Final = 1.0  # until the next check
WAIT_SECONDS: Final = (5.0, 60.0)  # first and longest wait for a purge, or for VOD's tasks
RECHECK_SECONDS: Final = 20.0  # until VOD is asked again
PURGE_PATIENCE: Final = timedelta(minutes=30)  # then the files are checked while the purge runs
MAX_UNCLEAR: Final = 10  # unclear answers about a clip's files; then no more files are probed
FILES_UNKNOWN = Refused("FilesUnknown", "VOD has not told which streams the clip has.")
PICTURES_UNKNOWN: Final = "VOD has not told which pictures it made of the clip."
TRANSCODING: Final = "VOD still transcodes the clip: its files are checked when that has ended."
NEVER_READ: Final = "VOD deleted the clip before its streams were known: none of them was purged."

CUT_OFF: Final = "VOD deleted the clip while it transcoded it: streams made since were never known."


@dataclass(frozen=True, slots=True)
class StillThere(Again):
    """The clip is not gone yet.

    `served` are purged files that the CDN still serves; `paths` are purged next. Without any,
    VOD still has the clip: a check unless it `is_transcoding`.
    """

    served: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    is_transcoding: bool = False


@dataclass(slots=True)
class _CdnProbe:
    """The files that were asked for, those that the CDN serves, and reasons of unclear answers."""

    paths: Sequence[str]
    served: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    @property
    def share(self) -> str:
        return f"{len(self.served)} of {len(self.paths)}"


class VerifyTakedownHandler(VideoHandler):
    """Proves one takedown, or says what is left of the clip:

    1. Wait until the CDN has ended the purges.
    2. Ask VOD: it must not have the clip or, after a block, may show it as blocked.
    3. Read the clip's streams and pictures again. New ones are purged; while VOD transcodes, more
       may come.
    4. Ask the CDN for each file, and purge again what it still serves, up to twice.

    A source or stream that is still served after its own three purges is a failure. A picture is
    not: the origin may go on serving it, and `Takedown.problem` says so.
    """

    kind = "verify_takedown"
    batch_size = 20

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        takedowns = Takedown.objects.select_related("video", "deletion").in_bulk(
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
            _end_proven(takedown, delivery)
        elif delivery.state == DeliveryState.GIVEN_UP:
            takedown.state, takedown.problem = Takedown.State.FAILED, _reason_of(delivery)
            takedown.check_count, takedown.served_counts = 0, {}
        elif delivery.state == DeliveryState.SUPERSEDED:
            if takedown.state == Takedown.State.UNDER_WAY:  # a dismissed one stays failed
                takedown.state = Takedown.State.REVERSED
        else:
            _reopen(takedown)
            takedown.problem = delivery.error  # why it still waits
        takedown.save(
            update_fields=[
                "state", "problem", "verified_at", "check_count", "served_counts", "verification",
            ]
        )  # fmt: skip


def _end_proven(takedown: Takedown, delivery: Delivery) -> None:
    """The files that the proof knew are gone. A file that came meanwhile has a later purge."""
    takedown.restart_checks()
    if _last_purge(takedown) == delivery.result.get("last_purge"):
        takedown.state, takedown.verified_at = Takedown.State.VERIFIED, timezone.now()
        takedown.problem = delivery.result.get("problem", "")
    else:
        takedown.verification = send_verification(takedown.video, after=None)


def _last_purge(takedown: Takedown) -> int | None:
    return takedown.cdn_tasks.order_by("-id").values_list("id", flat=True).first()


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
        return Again("The CDN is still purging.", _wait_seconds(delivery))
    return None


def _wait_seconds(delivery: Delivery) -> float:
    first, most = WAIT_SECONDS
    return min(first * delivery.attempts, most)


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
    found = {facts.vod_id: facts for facts in infos.videos}
    outcomes: dict[int, Outcome] = {}
    for pk, takedown in due.items():
        vod_id = takedown.video.vod_id
        is_gone = vod_id in infos.missing_ids
        try:
            outcomes[pk] = _verdict(deliveries[pk], takedown, found.get(vod_id), is_gone=is_gone)
        except CloudUnavailable as error:
            outcomes[pk] = again = Again(str(error), error.retry_after, error.throttled)
            if error.throttled:  # another call would be throttled too
                return dict.fromkeys(due, again) | outcomes
    return outcomes


def _verdict(
    delivery: Delivery, takedown: Takedown, facts: MediaFacts | None, *, is_gone: bool
) -> Outcome:
    """Whether one clip is gone, in VOD and on the CDN. Raises CloudUnavailable.

    `facts` are VOD's; None if VOD does not have the clip (`is_gone`) or its answer is not
    understood.
    """
    is_transcoding, untold = False, ""
    if not is_gone:
        is_transcoding = _is_transcoding(takedown)  # before the files are read
        if refused := _refusal_by_vod(takedown, facts):
            is_last_check = takedown.check_count + 1 >= MAX_CHECKS and not is_transcoding
            again = StillThere(refused.message, RECHECK_SECONDS, is_transcoding=is_transcoding)
            return refused if is_last_check else again
        untold = _read_pictures(takedown, facts)
    last_purge, purges = _last_purge(takedown), _purge_counts(takedown)
    if any(_is_awaited(task) for task in _purges_of(takedown).on_their_way()):
        return Again("More files of the clip are being purged.", PURGED_SECONDS)
    playable, pictures = _paths_of(delivery, takedown)
    if unpurged := tuple(path for path in (*playable, *pictures) if path not in purges):
        reason = f"{len(unpurged)} more of the clip's files are purged."
        return StillThere(reason, PURGED_SECONDS, paths=unpurged)
    play_probe, picture_probe = _probe(playable), _probe(pictures)
    left: Outcome | None = _again_for_served(takedown, (*play_probe.served, *picture_probe.served))
    if left is None and is_transcoding:  # no check is the last one: more files may come
        left = Again(TRANSCODING, _wait_seconds(delivery))
    left = (
        left or _refusal_by_cdn(play_probe, purges) or _again_for_unclear(play_probe, picture_probe)
    )
    if left is not None:
        return left
    problem = " ".join(filter(None, (_problem_of(takedown, picture_probe), untold)))
    return Done({"problem": problem, "last_purge": last_purge})


def _again_for_served(takedown: Takedown, served: Sequence[str]) -> StillThere | None:
    """Purge again what is served, except files whose last check this was."""
    counts = takedown.served_counts
    to_purge = tuple(path for path in served if counts.get(path, 0) + 1 < MAX_CHECKS)
    if not to_purge:
        return None
    reason = f"The CDN still serves {len(served)} of the clip's files."
    return StillThere(reason, PURGED_SECONDS, served=tuple(served), paths=to_purge)


def _refusal_by_cdn(probe: _CdnProbe, purges: Mapping[str, int]) -> Refused | None:
    if not probe.served:
        return None
    purge_count = min(purges[path] for path in probe.served)
    reason = f"The CDN still serves {probe.share} files that play, after {purge_count} purges."
    return Refused("StillServed", reason)


def _again_for_unclear(*probes: _CdnProbe) -> Again | None:
    unclear = [reason for probe in probes for reason in probe.unclear]
    if not unclear:
        return None
    count = f"{len(unclear)} of {sum(len(probe.paths) for probe in probes)}"
    return Again(f"The CDN's answer is unclear for {count} files: {unclear[0]}")


def _problem_of(takedown: Takedown, pictures: _CdnProbe) -> str:
    """What is not proven although no known file that plays is left."""
    video, deletion = takedown.video, takedown.deletion
    problems = [NEVER_READ] if video.files_read_at is None else []
    is_by_vod = deletion is not None and deletion.delivery_id is None
    if is_by_vod and video.files_read_at is not None and video.is_transcoding:
        problems.append(CUT_OFF)
    if unread := _noted(takedown, "unread") - _noted(takedown, "read"):
        problems.append(f"The segments of {len(unread)} playlists were never known.")
    if pictures.served:
        problems.append(f"{pictures.share} pictures are still served.")
    return " ".join(problems)


def _is_transcoding(takedown: Takedown) -> bool:
    """Whether VOD runs a transcoding task of a blocked clip. Raises CloudUnavailable.

    A refusal says nothing: then VOD does not tell the streams either (`FILES_UNKNOWN`).
    """
    if takedown.cause == Takedown.Cause.DELETION:
        return False
    try:
        tasks = vod_gateway().transcode_tasks(takedown.video.vod_id)
    except CloudRejected:
        return False
    return any(task.status not in OUTCOMES for task in tasks)


def _refusal_by_vod(takedown: Takedown, facts: MediaFacts | None) -> Refused | None:
    """Why VOD's answer does not suffice; None if it is a block with known streams.

    The streams are read again, and new ones are purged. Raises CloudUnavailable.
    """
    status = facts.status if facts is not None else ""
    is_deletion = takedown.cause == Takedown.Cause.DELETION
    if facts is None or status != VodStatus.BLOCKED or is_deletion:
        return Refused("StillInVod", f"VOD still has the clip, as {status or 'unknown'}.")
    is_told = read_files_of(takedown.video, facts)
    takedown.video.refresh_from_db()
    return None if is_told else FILES_UNKNOWN


def _read_pictures(takedown: Takedown, facts: MediaFacts | None) -> str:
    """Read the clip's pictures again: new ones are purged. Returns what VOD did not tell, or ''.

    VOD does not say whether it still takes snapshots. Raises CloudUnavailable.
    """
    told = read_pictures_of(takedown.video, facts) if facts is not None else None
    takedown.video.refresh_from_db()
    if told is None:
        return PICTURES_UNKNOWN
    unknown = set(told) - {item["path"] for item in takedown.video.media}
    return f"Too many pictures: {len(unknown)} of them are not purged." if unknown else ""


def _purge_counts(takedown: Takedown) -> Counter[str]:
    """How often each `host/path` was sent to the CDN to be purged, or waits for that."""
    urls = (
        _purges_of(takedown).exclude(state=CdnTask.State.SUPERSEDED).values_list("urls", flat=True)
    )
    return Counter(chain.from_iterable(urls))


def _noted(takedown: Takedown, name: str) -> set[str]:
    """The paths that purges have noted about playlists: `read`, `unread` or `segments`."""
    deliveries = (task.delivery for task in _purges_of(takedown))
    return {path for item in deliveries if item is not None for path in item.result.get(name, [])}


def _paths_of(delivery: Delivery, takedown: Takedown) -> tuple[list[str], list[str]]:
    """Paths that play, and paths of pictures: of the payload, and those that came since."""
    video = takedown.video
    play, paths = list(delivery.payload["play"]), list(delivery.payload["paths"])
    if video.source_version == delivery.payload["source_version"]:
        play += play_paths(video)
        paths += media_paths(video)
    play += sorted(_noted(takedown, "segments"))
    pictures = [path for path in dict.fromkeys(paths) if path not in play]
    return list(dict.fromkeys(play)), pictures


def _probe(paths: Sequence[str]) -> _CdnProbe:
    """Ask the CDN for each file. An unclear answer about one stops no other."""
    probe = _CdnProbe(paths)
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
    takedown.problem = outcome.reason
    counts = takedown.served_counts
    takedown.served_counts = counts | {path: counts.get(path, 0) + 1 for path in outcome.served}
    if outcome.paths:
        purge_media(takedown.video, takedown=takedown, paths=outcome.paths)
    else:
        takedown.check_count += not outcome.is_transcoding
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
