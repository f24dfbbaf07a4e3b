"""Single videos: read by id, while their jobs run, or if no machine has reviewed them in time."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from shortvideo.cloud import CloudRejected, CloudUnavailable
from shortvideo.cloud.retry import no_retry, retrying
from shortvideo.cloud.types import MediaFacts, VodStatus
from shortvideo.pacing import batched
from videos import mirror
from videos.mirror import Applied, Reading, asking
from videos.mirror.asking import EVERYTHING, Call, ReadRequest, ReadResult, RequestFor
from videos.mirror.transcoding import mark_silent_jobs_stuck
from videos.models import (
    CensorStatus,
    TaskCause,
    TranscodeJob,
    TranscodeStatus,
    Video,
    VideoQuerySet,
)
from videos.services.source import WITHOUT_SOURCE
from videos.services.status import send_to_review

logger = logging.getLogger(__name__)

SWEEP_LIMIT = 200  # videos in one round
STUCK_ASKED_EVERY = timedelta(minutes=10)  # running jobs: each round


@dataclass(slots=True)
class Tally:
    """Results so far.

    Attributes:
        problems: one sentence for each failure.
        unanswered: ids of videos of which VOD answered, but told nothing.
    """

    seen: int = 0
    applied: Applied = field(default_factory=Applied)
    problems: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def add_unanswered(self, vod_id: str, problem: object) -> None:
        self.problems.append(f"{vod_id}: {problem}")
        self.unanswered.append(vod_id)


def sync_ids(vod_ids: Sequence[str], *, dry_run: bool = False) -> Iterator[Tally]:
    """Read everything about some videos; yields the tally after each batch of 20.

    Raises CloudUnavailable if VOD stays unavailable.
    """
    return _read_all(vod_ids, lambda _facts, _video: EVERYTHING, dry_run=dry_run)


def check_transcodes(limit: int | None = None, *, call: Call = retrying) -> Iterator[Tally]:
    """Read the videos whose jobs run, longest unread first; yields the tally after each batch of
    20.

    A job is marked as stuck if VOD answers, but has had no news of it for too long (see
    `mirror.transcoding.update_jobs`). Raises CloudUnavailable.
    """
    pending = list(transcoding_videos().values_list("vod_id", flat=True)[:limit])
    for batch in batched(pending, asking.BATCH_SIZE):
        Video.objects.filter(vod_id__in=batch).update(transcode_asked_at=timezone.now())
    for tally in _read_all(pending, _request_for_transcoding, call=call):
        while tally.unanswered:
            mark_silent_jobs_stuck(tally.unanswered.pop(), at=timezone.now())
        yield tally


def transcoding_videos() -> VideoQuerySet:
    """Return the videos with a running job, and every 10 minutes those with a stuck one."""
    status, state = TranscodeStatus.ON_TRANSCODE, TranscodeJob.State
    submitted = TranscodeJob.objects.filter(state=state.SUBMITTED)
    stuck = TranscodeJob.objects.filter(state=state.STUCK).exclude(task_id="")
    is_running = Q(transcode_status=status) | Q(narrow_transcode_status=status)
    is_running |= Q(pk__in=submitted.values("video"))  # a subquery of its own: it is run once
    is_due = Q(transcode_asked_at=None)
    is_due |= Q(transcode_asked_at__lt=timezone.now() - STUCK_ASKED_EVERY)
    is_stuck = Q(pk__in=stuck.values("video")) & is_due
    longest_unasked = F("transcode_asked_at").asc(nulls_first=True)
    return Video.objects.visible().filter(is_running | is_stuck).order_by(longest_unasked, "id")


def _request_for_transcoding(facts: MediaFacts, video: Video | None) -> ReadRequest:
    """Ask about our jobs, and about the files if the automatic job has ended without an event."""
    has_ended = facts.status != VodStatus.TRANSCODING
    is_unread = video is not None and (video.status == VodStatus.TRANSCODING or not video.files)
    return ReadRequest(jobs=True, files=has_ended and is_unread)


def _read_all(
    vod_ids: Sequence[str],
    request_for: RequestFor,
    *,
    dry_run: bool = False,
    call: Call = retrying,
) -> Iterator[Tally]:
    tally = Tally()
    for batch in batched(dict.fromkeys(vod_ids), asking.BATCH_SIZE):
        _read_batch(batch, request_for, tally, dry_run=dry_run, call=call)
        yield tally


def _read_batch(
    vod_ids: Sequence[str],
    request_for: RequestFor,
    tally: Tally,
    *,
    dry_run: bool = False,
    call: Call,
) -> None:
    """Read and apply up to 20 videos; a failure of one stops no other.

    Raises CloudUnavailable if the facts of the videos cannot be read.
    """
    tally.seen += len(vod_ids)
    readings: list[Reading] = []
    try:
        for result in asking.read_videos(vod_ids, request_for, call=call):
            if result.reading is not None:
                readings.append(result.reading)
            _count_problems(result, tally)
    except CloudRejected as error:  # VOD refuses the facts of all
        for vod_id in vod_ids:
            tally.add_unanswered(vod_id, error)
    tally.applied += mirror.apply(readings, dry_run=dry_run)


def _count_problems(result: ReadResult, tally: Tally) -> None:
    if result.is_missing:
        tally.add_unanswered(result.vod_id, "VOD does not have it.")
    elif isinstance(result.error, CloudRejected):
        tally.add_unanswered(result.vod_id, result.error)
    elif result.reading is None and result.error is None:
        tally.add_unanswered(result.vod_id, "VOD's answer about it is not understood.")
    else:
        tally.problems += [f"{result.vod_id}: {error}" for error in result.errors]


def sweep_pending() -> int:
    """Read videos that wait too long for the machine; send those without a verdict to review.

    Returns how many went to review. An outage of VOD does not stop that: a video waits for the
    machine no longer than MACHINE_REVIEW_TIMEOUT.
    """
    pending = list(_overdue().values_list("vod_id", flat=True)[:SWEEP_LIMIT])
    return sum(_sweep(batch) for batch in batched(pending, asking.BATCH_SIZE))


def _sweep(vod_ids: list[str]) -> int:
    tally = Tally()
    try:
        _read_batch(vod_ids, lambda _facts, _video: ReadRequest(machine=True), tally, call=no_retry)
    except CloudUnavailable as error:
        tally.problems.append(str(error))
    for problem in tally.problems:
        logger.warning("No verdict could be read", extra={"reason": problem})
    return sum(_escalate_to_review(vod_id) for vod_id in vod_ids)


def _overdue() -> VideoQuerySet:
    """Return uploaded videos that are in machine review for longer than the timeout."""
    since = timezone.now() - timedelta(seconds=settings.MACHINE_REVIEW_TIMEOUT)
    is_uploaded_since = Q(source_uploaded_at=None) | Q(source_uploaded_at__lt=since)
    waiting = Video.objects.visible().filter(
        is_uploaded_since, censor_status=CensorStatus.ON_CENSOR, censor_changed_at__lt=since
    )
    return waiting.exclude(status__in=WITHOUT_SOURCE).order_by("censor_changed_at", "id")


@transaction.atomic
def _escalate_to_review(vod_id: str) -> bool:
    video = _overdue().select_for_update().filter(vod_id=vod_id).first()
    if video is None:
        return False
    names = send_to_review(video, TaskCause.MACHINE_FAILED, at=timezone.now())
    video.save(update_fields=names)
    return True
