"""Read, compare, write: in chunks small enough for the other writers of an SQLite file."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Uploader
from shortvideo.cloud.types import MediaFacts
from shortvideo.outbox import services as outbox
from shortvideo.pacing import Pace, batched
from shortvideo.webhooks.services import silence
from videos.mirror import (
    facts,
    history,
    machine_review,
    media,
    replaced,
    source,
    transcoding,
    uploaders,
)
from videos.mirror.reading import Applied, Reading
from videos.models import CensorStatus, TaskCause, Video
from videos.services import announcements, status

CHUNK_SIZE: Final = 50  # rows compared, and at most written, at once
pace = Pace(CHUNK_SIZE)

# The fields that the mirror writes, and those of them that nobody is ever shown.
MIRRORED: Final = (
    *facts.COPIED,
    "title_search",
    "uploader_id",
    "snapshots",
    "first_frame",
    "snapshot_status",
    "source_path",
    "files",
    "files_read_at",
    "further_media",
    "source_version",
    "source_uploaded_at",
    "source_uploaded_after",
    "transcode_status",
    "narrow_transcode_status",
    "censor_status",
    "censor_changed_at",
    "blocked_at",
)
INTERNAL: Final = frozenset(
    (
        "modification_time",
        "audit_status",
        "template_group_id",
        "files_read_at",
        "further_media",
        "source_uploaded_at",
        "source_uploaded_after",
        "source_version",
        "title_search",
    )
)

FactsOrReading = MediaFacts | Reading


def apply(
    told: FactsOrReading | Iterable[FactsOrReading],
    *,
    backlog_until: datetime | None = None,
    dry_run: bool = False,
) -> Applied:
    """Write what VOD says about one video or many.

    Args:
        told: bare facts, or a reading with more; each video once.
        backlog_until: a first import is under way: videos created before are taken as VOD has
            them, and do not flood the queue.
        dry_run: count what would be written, and write nothing.
    """
    total = Applied()
    for chunk in batched(_as_readings(told), CHUNK_SIZE):
        total += _apply_chunk(chunk, backlog_until=backlog_until, dry_run=dry_run)
    return total


def _as_readings(told: FactsOrReading | Iterable[FactsOrReading]) -> Iterator[Reading]:
    for item in [told] if isinstance(told, MediaFacts | Reading) else told:
        yield item if isinstance(item, Reading) else Reading(item)


def _apply_chunk(
    readings: Sequence[Reading], *, backlog_until: datetime | None, dry_run: bool
) -> Applied:
    rows = Video.objects.in_bulk([item.facts.vod_id for item in readings], field_name="vod_id")
    pending = [item for item in readings if _may_change(rows.get(item.facts.vod_id), item)]
    total = Applied(unchanged=len(readings) - len(pending))
    for portion in pace.batches(pending):
        with pace.transaction():
            total += _write(portion, backlog_until)
            transaction.set_rollback(dry_run)
    return total


def _may_change(video: Video | None, reading: Reading) -> bool:
    """Whether a transaction is worth it; decided again, for certain, on the locked row."""
    if video is None:
        return True
    if video.deleted_at is not None:
        return False
    return not reading.is_bare or (_is_fresh(video, reading) and _differs(video, reading.facts))


def _differs(video: Video, said: MediaFacts) -> bool:
    if facts.has_changes(video, said):
        return True
    return uploaders.uploader_in(said) is not None and video.uploader_id is None


def _is_fresh(video: Video, reading: Reading) -> bool:
    return video.read_at is None or reading.facts.read_at >= video.read_at


def _write(readings: Sequence[Reading], backlog_until: datetime | None) -> Applied:
    """Write readings inside the caller's transaction."""
    named = uploaders.import_uploaders(item.facts for item in readings)
    rows = _lock_rows(readings)
    missing = [item for item in readings if item.facts.vod_id not in rows]
    inserted = _insert(missing, named, backlog_until)
    rows |= _lock_rows(missing)
    total = Applied()
    for item in readings:
        video, stock = rows[item.facts.vod_id], _is_backlog(item, backlog_until)
        is_new = video.vod_id in inserted
        if is_new:
            _after_insert(video, stock=stock)
        if is_new and item.is_bare and video.read_at == item.facts.read_at:
            has_changed = False
        else:
            with silence(when=is_new and stock):  # what was there before us is no news
                has_changed = _update(video, item, named, stock=stock)
        total += Applied(
            new=int(is_new),
            changed=int(has_changed and not is_new),
            unchanged=int(not has_changed and not is_new),
        )
    return total


def _lock_rows(readings: Sequence[Reading]) -> dict[str, Video]:
    """The rows of these videos, always locked in the same order."""
    ids = [item.facts.vod_id for item in readings]
    rows = Video.objects.select_for_update().filter(vod_id__in=ids).order_by("pk")
    return {video.vod_id: video for video in rows} if ids else {}


def _is_backlog(reading: Reading, until: datetime | None) -> bool:
    created = reading.facts.creation_time
    return until is not None and created is not None and created < until


def _insert(
    readings: Sequence[Reading], named: dict[str, Uploader], backlog_until: datetime | None
) -> set[str]:
    """Insert rows as their facts have them; returns their VOD ids.

    Another process may insert the same row at the same time: then its row stands, and the update
    that follows compares with it.
    """
    rows = [
        _new_row(item, named, stock=_is_backlog(item, backlog_until))
        for item in sorted(readings, key=lambda item: item.facts.vod_id)
    ]
    Video.objects.bulk_create(rows, ignore_conflicts=True)
    return {row.vod_id for row in rows}


def _new_row(reading: Reading, named: dict[str, Uploader], *, stock: bool) -> Video:
    said = reading.facts
    video = Video(vod_id=said.vod_id, creation_time=said.read_at, read_at=said.read_at)
    _copy_to_row(video, Reading(said), named)
    transcoding.set_statuses(video)
    status.set_initial_status(video, at=timezone.now(), is_backlog=stock)
    return video


def _after_insert(video: Video, *, stock: bool) -> None:
    """What the arrival of a new row sets off beside it."""
    if video.censor_status == CensorStatus.CHECK:
        status.open_task(video, TaskCause.NEW)
    if video.source_uploaded_at is not None and not stock:
        _request_machine_review(video)
    if not stock:
        announcements.emit_new_video(video)


def _uploader_of(said: MediaFacts, named: dict[str, Uploader]) -> Uploader | None:
    name = uploaders.uploader_in(said)
    return named.get(name.user_id) if name is not None else None


def _update(video: Video, reading: Reading, named: dict[str, Uploader], *, stock: bool) -> bool:
    """Write on a locked row what the reading changes about it; returns whether it did."""
    if video.deleted_at is not None:
        return False
    before = _mirrored_values(video)
    has_new_source = _copy_to_row(video, reading, named)
    media.keep_dropped_media(video, before)
    if video.source_version != before["source_version"]:
        replaced.cancel_work_for_replaced_source(video)
    has_changed = transcoding.update_jobs(video, reading.tasks, at=reading.facts.read_at)
    has_changed |= transcoding.end_lost_jobs(video, reading.lost_task_ids, at=reading.facts.read_at)
    transcoding.set_statuses(video, reading.tasks)
    if has_new_source and not stock:
        _request_machine_review(video)
    told = reading.upload_reported_at
    if told is not None and source.is_upload_doubtful(video, told):
        status.open_recheck(video, since=told)
    if reading.audits is not None or reading.machine is not None:
        has_changed |= _save_changes(video, before, reading)
        has_changed |= _record_decisions(video, reading)
        video.refresh_from_db()
        before = _mirrored_values(video)
    status.update_status(video, at=timezone.now(), is_backlog=stock)
    return _save_changes(video, before, reading) or has_changed


def _copy_to_row(video: Video, reading: Reading, named: dict[str, Uploader]) -> bool:
    """Bring the row up to date in memory; returns whether there is a source nobody judged."""
    fresh = _is_fresh(video, reading)
    has_new_source = source.detect_upload(video, reading, is_fresh=fresh)
    if fresh:
        facts.copy_facts(video, reading.facts)
        video.uploader = _uploader_of(reading.facts, named) or video.uploader
        media.copy_media(video, reading)
    return has_new_source


def _request_machine_review(video: Video) -> None:
    """Have the source reviewed by the machine where VOD does not see to it by itself."""
    if settings.MACHINE_REVIEW == "submit":
        outbox.send("submit_machine_review", subject=video.vod_id)


def _record_decisions(video: Video, reading: Reading) -> bool:
    """Record the decisions that the reading tells of: people's first, then the machine's."""
    has_changed = reading.audits is not None and history.import_history(
        video, reading.audits, is_sending=reading.is_sending
    )
    return machine_review.record_machine_review(video, reading) or has_changed


def _mirrored_values(video: Video) -> dict[str, Any]:
    return {name: getattr(video, name) for name in MIRRORED}


def _save_changes(video: Video, before: dict[str, Any], reading: Reading) -> bool:
    """Save the fields that changed, and when they were read; nothing where none did."""
    names = [name for name in MIRRORED if getattr(video, name) != before[name]]
    if not names and video.read_at is not None:
        return False
    if _is_fresh(video, reading):
        video.read_at = reading.facts.read_at
    if not INTERNAL.issuperset(names):
        video.changed_at = timezone.now()
    video.save(update_fields=[*names, "read_at", "changed_at"])
    announcements.emit_mirror_changes(video, before)
    return True
