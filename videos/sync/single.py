"""Single videos: read by id, while their jobs run, or when no machine has judged them in time."""

import logging
from collections.abc import Callable, Iterator, Sequence
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
from videos.mirror.asking import EVERYTHING, ReadRequest
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
STUCK_ASKED_EVERY = timedelta(minutes=10)  # what runs is asked about each round


@dataclass(slots=True)
class Tally:
    """What became of the videos so far; `problems` are sentences, one for each that failed.

    `untold` are those about which VOD had nothing to tell, although it answered.
    """

    seen: int = 0
    applied: Applied = field(default_factory=Applied)
    problems: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)

    def add_untold(self, vod_id: str, problem: object) -> None:
        self.problems.append(f"{vod_id}: {problem}")
        self.untold.append(vod_id)


Asked = Callable[[MediaFacts, Video | None], ReadRequest]


def sync_ids(vod_ids: Sequence[str], *, dry_run: bool = False) -> Iterator[Tally]:
    """Read everything about some videos; yields the tally after each batch of 20.

    Raises CloudUnavailable where VOD is not available for long.
    """
    return _read_all(vod_ids, lambda _facts, _video: EVERYTHING, dry_run=dry_run)


def check_transcodes(limit: int | None = None, *, is_patient: bool = True) -> Iterator[Tally]:
    """Read the videos that are being transcoded, those first that were not asked about for
    longest; yields the tally after each batch of 20. Raises CloudUnavailable.

    A job of which VOD has nothing new to say for too long, or nothing at all, is stuck from here
    on: see `mirror.jobs.update`. While VOD does not answer, none is.
    """
    pending = list(transcoding_videos().values_list("vod_id", flat=True)[:limit])
    for batch in batched(pending, asking.BATCH_SIZE):
        Video.objects.filter(vod_id__in=batch).update(transcode_asked_at=timezone.now())
    for tally in _read_all(pending, _request_for_transcoding, is_patient=is_patient):
        while tally.untold:
            mark_silent_jobs_stuck(tally.untold.pop(), at=timezone.now())
        yield tally


def transcoding_videos() -> VideoQuerySet:
    """What runs, and now and then what is stuck: it may end after all."""
    status, state = TranscodeStatus.ON_TRANSCODE, TranscodeJob.State
    submitted = TranscodeJob.objects.filter(state=state.SUBMITTED)
    stuck = TranscodeJob.objects.filter(state=state.STUCK).exclude(task_id="")
    is_running = Q(transcode_status=status) | Q(narrow_transcode_status=status)
    is_running |= Q(pk__in=submitted.values("video"))  # read once, not once for each video
    is_due = Q(transcode_asked_at=None)
    is_due |= Q(transcode_asked_at__lt=timezone.now() - STUCK_ASKED_EVERY)
    is_stuck = Q(pk__in=stuck.values("video")) & is_due
    longest_unasked = F("transcode_asked_at").asc(nulls_first=True)
    return Video.objects.visible().filter(is_running | is_stuck).order_by(longest_unasked, "id")


def _request_for_transcoding(facts: MediaFacts, video: Video | None) -> ReadRequest:
    """How our jobs are doing; the files too, when the automatic one has ended unheard."""
    has_ended = facts.status != VodStatus.TRANSCODING
    is_unread = video is not None and (video.status == VodStatus.TRANSCODING or not video.files)
    return ReadRequest(jobs=True, files=has_ended and is_unread)


def _read_all(
    vod_ids: Sequence[str], asked: Asked, *, dry_run: bool = False, is_patient: bool = True
) -> Iterator[Tally]:
    tally = Tally()
    for batch in batched(dict.fromkeys(vod_ids), asking.BATCH_SIZE):
        _read_batch(batch, asked, tally, dry_run=dry_run, is_patient=is_patient)
        yield tally


def _read_batch(
    vod_ids: list[str],
    asked: Asked,
    tally: Tally,
    *,
    dry_run: bool = False,
    is_patient: bool = True,
) -> None:
    """Read some videos; what VOD does not tell about one is a problem of that one alone.

    Raises CloudUnavailable where not even their facts can be read.
    """
    tally.seen += len(vod_ids)
    try:
        facts, missing = (retrying if is_patient else no_retry)(lambda: asking.fetch_facts(vod_ids))
    except CloudRejected as error:
        for vod_id in vod_ids:
            tally.add_untold(vod_id, error)
        return
    rows = asking.rows_by_vod_id(facts.values())
    for vod_id in vod_ids:
        if vod_id in missing:
            tally.add_untold(vod_id, "VOD does not have it.")
        elif vod_id not in facts:
            tally.add_untold(vod_id, "VOD's answer about it is not understood.")
    readings: list[Reading] = []
    for vod_id, item in facts.items():
        video = rows.get(vod_id)
        try:
            reading = _read_one(item, video, asked, is_patient=is_patient)
            readings.append(reading)
            tally.problems += [f"{vod_id}: {error}" for error in reading.refusals]
        except CloudUnavailable as error:
            tally.problems.append(f"{vod_id}: {error}")
        except CloudRejected as error:
            tally.add_untold(vod_id, error)
    tally.applied += mirror.apply(readings, dry_run=dry_run)


def _read_one(facts: MediaFacts, video: Video | None, asked: Asked, *, is_patient: bool) -> Reading:
    call = retrying if is_patient else no_retry
    return call(lambda: asking.fetch_reading(facts, video, asked(facts, video)))


def sweep_pending() -> int:
    """Ask VOD about clips that have waited too long for the machine, then call a person.

    Returns how many went to a person. Where VOD does not answer they do so too: a clip must not
    wait for a machine longer than the timeout allows.
    """
    pending = list(_overdue().values_list("vod_id", flat=True)[:SWEEP_LIMIT])
    return sum(_sweep(batch) for batch in batched(pending, asking.BATCH_SIZE))


def _sweep(vod_ids: list[str]) -> int:
    tally = Tally()
    try:
        _read_batch(
            vod_ids, lambda _facts, _video: ReadRequest(machine=True), tally, is_patient=False
        )
    except CloudUnavailable as error:
        tally.problems.append(str(error))
    for problem in tally.problems:
        logger.warning("No verdict could be read", extra={"reason": problem})
    return sum(_escalate_to_review(vod_id) for vod_id in vod_ids)


def _overdue() -> VideoQuerySet:
    """Uploaded, not judged, and longer in machine review than the timeout allows."""
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
