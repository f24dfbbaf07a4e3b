"""`apply`: compare readings with rows, lock, write; in transactions kept short for SQLite."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

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
from videos.mirror.inserting import insert_rows
from videos.mirror.known import rows_for_facts
from videos.mirror.reading import Applied, Reading
from videos.models import CensorStatus, Video
from videos.models.media import is_unplayable
from videos.services import announcements, status, takedown, task

CHUNK_SIZE: Final = 100  # rows compared at once, and the most rows in a transaction
pace = Pace(CHUNK_SIZE)

# The fields that the mirror writes, and the fields among them that no user sees.
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
    items: FactsOrReading | Iterable[FactsOrReading],
    *,
    unknown_ids: Collection[str] = (),
    backlog_until: datetime | None = None,
    dry_run: bool = False,
) -> Applied:
    """Write what VOD says about one video or many; returns the counts.

    Args:
        items: facts or readings, each video once.
        unknown_ids: videos that had no row a moment ago: they are not looked for again.
        backlog_until: given in a first import: videos created before this time keep VOD's status,
            and do not flood the review queue.
        dry_run: count, but write nothing.
    """
    total = Applied()
    for chunk in batched(_as_readings(items), CHUNK_SIZE):
        total += _apply_chunk(chunk, unknown_ids, backlog_until=backlog_until, dry_run=dry_run)
    return total


def _as_readings(items: FactsOrReading | Iterable[FactsOrReading]) -> Iterator[Reading]:
    for item in [items] if isinstance(items, MediaFacts | Reading) else items:
        yield item if isinstance(item, Reading) else Reading(item)


def _apply_chunk(
    readings: Sequence[Reading],
    unknown_ids: Collection[str],
    *,
    backlog_until: datetime | None,
    dry_run: bool,
) -> Applied:
    ids = [item.facts.vod_id for item in readings if item.facts.vod_id not in unknown_ids]
    rows = rows_for_facts(ids)
    pending = [item for item in readings if _may_change(rows.get(item.facts.vod_id), item)]
    total = Applied(unchanged=len(readings) - len(pending))
    for batch in pace.batches(pending):
        with pace.transaction():
            total += _write(batch, rows.keys(), backlog_until)
            transaction.set_rollback(dry_run)
    return total


def _may_change(video: Any, reading: Reading) -> bool:
    """Whether a transaction may be needed; the locked row decides.

    `video` is of `rows_for_facts`.
    """
    if video is None:
        return True
    if video.deleted_at is not None:
        return False
    return not reading.is_bare or (_is_fresh(video, reading) and _differs(video, reading))


def _differs(video: Any, reading: Reading) -> bool:
    return facts.has_changes(video, reading.facts) or uploaders.has_other_uploader(
        video.uploader__user_id, reading.facts
    )


def _is_fresh(video: Any, reading: Reading) -> bool:
    return video.read_at is None or reading.facts.read_at >= video.read_at


def _write(
    readings: Sequence[Reading], known_ids: Collection[str], backlog_until: datetime | None
) -> Applied:
    """Write readings inside the caller's transaction. `known_ids` had a row a moment ago."""
    by_user_id = uploaders.import_uploaders(item.facts for item in readings)
    ids = {item.facts.vod_id for item in readings}
    rows = _lock_rows(ids.intersection(known_ids))
    missing = [item for item in readings if item.facts.vod_id not in rows]
    new = _insert(missing, by_user_id, backlog_until)
    rows |= new | _lock_rows(ids.difference(rows, new))
    _begin_new(new.values(), backlog_until)
    total = Applied(new=len(new))
    for item in readings:
        video, is_new = rows[item.facts.vod_id], item.facts.vod_id in new
        if is_new and item.is_bare:
            continue
        is_backlog = _is_backlog(item.facts.creation_time, backlog_until)
        before = _mirrored_values(video)
        with silence(when=is_new and is_backlog):  # no events about the backlog
            has_changed = _update(video, item, by_user_id, is_backlog=is_backlog)
        media.take_down_if_new(video, before, is_backlog=is_backlog)
        if not is_new:
            total += Applied(changed=int(has_changed), unchanged=int(not has_changed))
    return total


def _lock_rows(vod_ids: Collection[str]) -> dict[str, Video]:
    """Lock the rows of these videos, always in the same order, and return them by VOD id."""
    if not vod_ids:
        return {}
    rows = Video.objects.select_for_update().filter(vod_id__in=vod_ids).order_by("pk")
    return {video.vod_id: video for video in rows}


def _is_backlog(created: datetime | None, until: datetime | None) -> bool:
    return until is not None and created is not None and created < until


def _insert(
    readings: Sequence[Reading], by_user_id: Mapping[str, int], backlog_until: datetime | None
) -> dict[str, Video]:
    """Insert rows, and return them by VOD id. Where another process was first, its row stands.

    No other process sees the rows before the commit: they need no lock.
    """
    # All at once: for each row that would take Django as long as the insert.
    defaults = [field.get_default() for field in Video._meta.concrete_fields]
    rows = [
        _new_row(Video(*defaults), item.facts, by_user_id, backlog_until)
        for item in sorted(readings, key=lambda item: item.facts.vod_id)
    ]
    return {row.vod_id: row for row in insert_rows(rows)}


def _new_row(
    video: Video,
    told: MediaFacts,
    by_user_id: Mapping[str, int],
    backlog_until: datetime | None,
) -> Video:
    """Fill a row in memory. Its defaults belong to other rows too: each list is replaced."""
    video.vod_id = told.vod_id
    video.creation_time = video.read_at = told.read_at
    video.snapshots, video.files, video.further_media = [], [], []
    _copy_to_row(video, Reading(told), by_user_id)
    transcoding.set_statuses(video)
    is_backlog = _is_backlog(told.creation_time, backlog_until)
    status.set_initial_status(video, at=timezone.now(), is_backlog=is_backlog)
    return video


def _begin_new(videos: Iterable[Video], backlog_until: datetime | None) -> None:
    """Begin what follows new videos: review tasks or takedown, machine review, and event."""
    task.open_first_tasks(video for video in videos if video.censor_status == CensorStatus.CHECK)
    for video in videos:
        if _is_backlog(video.creation_time, backlog_until):
            continue
        if video.is_blocked:
            takedown.take_down_new_media(video)
        if video.source_uploaded_at is not None:
            _request_machine_review(video)
        announcements.emit_new_video(video)


def _update(
    video: Video, reading: Reading, by_user_id: Mapping[str, int], *, is_backlog: bool
) -> bool:
    """Write a reading to a locked row; returns whether it changed anything."""
    if video.deleted_at is not None:
        return False
    before = _mirrored_values(video)
    has_new_source = _copy_to_row(video, reading, by_user_id)
    media.keep_dropped_media(video, before)
    media.remember_pictures(video, reading.pictures or ())
    if video.source_version != before["source_version"]:
        replaced.cancel_work_for_replaced_source(video)
    has_changed = transcoding.update_jobs(video, reading.tasks, at=reading.facts.read_at)
    has_changed |= transcoding.end_lost_jobs(video, reading.lost_task_ids, at=reading.facts.read_at)
    transcoding.set_statuses(video, reading.tasks)
    if has_new_source and not is_backlog:
        _request_machine_review(video)
    reported_at = reading.upload_reported_at
    if reported_at is not None and source.is_upload_doubtful(video, reported_at):
        task.open_recheck(video, since=reported_at)
    if reading.audits is not None or reading.machine is not None:
        has_changed |= _save_changes(video, before, reading)
        has_changed |= _record_decisions(video, reading)
        video.refresh_from_db()
        before = _mirrored_values(video)
    status.update_status(video, at=timezone.now(), is_backlog=is_backlog)
    return _save_changes(video, before, reading) or has_changed


def _copy_to_row(video: Video, reading: Reading, by_user_id: Mapping[str, int]) -> bool:
    """Update the row in memory; returns whether there is a source to review."""
    is_fresh = _is_fresh(video, reading)
    has_new_source = source.detect_upload(video, reading, is_fresh=is_fresh)
    if is_fresh:
        facts.copy_facts(video, reading.facts)
        uploader = uploaders.uploader_in(reading.facts)
        if uploader is not None:
            video.uploader_id = by_user_id.get(uploader.user_id, video.uploader_id)
        media.copy_media(video, reading)
    return has_new_source


def _request_machine_review(video: Video) -> None:
    """Submit the source to machine review, unless VOD is set to do that by itself."""
    if settings.MACHINE_REVIEW == "submit":
        outbox.send("submit_machine_review", subject=video.vod_id)


def _record_decisions(video: Video, reading: Reading) -> bool:
    """Record the reading's decisions: people's first, then the machine's."""
    has_changed = reading.audits is not None and history.import_history(
        video, reading.audits, is_sending=reading.is_sending
    )
    return machine_review.record_machine_review(video, reading) or has_changed


def _mirrored_values(video: Video) -> dict[str, Any]:
    return {name: getattr(video, name) for name in MIRRORED}


def _save_changes(video: Video, before: dict[str, Any], reading: Reading) -> bool:
    """Save the changed fields and `read_at`; returns whether a field changed."""
    names = [name for name in MIRRORED if getattr(video, name) != before[name]]
    if not names and video.read_at is not None:
        return False
    if _is_fresh(video, reading):
        video.read_at = reading.facts.read_at
    if not INTERNAL.issuperset(names) or video.is_unplayable != is_unplayable(before):
        video.changed_at = timezone.now()
    video.save(update_fields=[*names, "read_at", "changed_at"])
    announcements.emit_mirror_changes(video, before)
    return True
