"""The background jobs, kind by kind."""

from functools import partial

from localvod.cloud import Cloud
from localvod.job_queue import JobKind
from localvod.jobs import ingest, reviews, snapshots, transcoding


def job_kinds(cloud: Cloud) -> list[JobKind]:
    """All kinds of jobs; waiting jobs are submitted in this order."""
    return [
        JobKind(
            "ingest",
            "SELECT id FROM videos WHERE is_ingested = 0 AND source_version > 0 "
            "ORDER BY creation_time",
            "SELECT id FROM videos WHERE id = ?",
            partial(ingest.ingest_source, cloud),
            partial(ingest.fail_ingest, cloud),
        ),
        JobKind(
            "snapshots",
            "SELECT id FROM snapshot_jobs WHERE status = 'processing' ORDER BY rowid",
            "SELECT id FROM snapshot_jobs WHERE video_id = ?",
            partial(snapshots.take_snapshots, cloud),
            partial(snapshots.fail_snapshots, cloud),
        ),
        JobKind(
            "review",
            "SELECT id FROM review_jobs WHERE status IN ('init', 'processing') ORDER BY rowid",
            "SELECT id FROM review_jobs WHERE media_id = ?",
            partial(reviews.review_clip, cloud),
            partial(reviews.fail_review, cloud),
        ),
        JobKind(
            "transcode",
            "SELECT id FROM transcode_jobs WHERE status = 'Transcoding' "
            "ORDER BY priority DESC, rowid",
            "SELECT id FROM transcode_jobs WHERE video_id = ?",
            partial(transcoding.transcode_stream, cloud),
            partial(transcoding.fail_stream, cloud),
        ),
    ]
