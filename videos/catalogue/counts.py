"""The upkeep of the counts that PostgreSQL keeps (`VideoCount`).

The triggers and functions are in the migration `count_videos`.
"""

from typing import Final

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from videos.models import CountKind

_COMPACTED_AT_ONCE: Final = 10_000
_VACUUMED_AFTER: Final = 1_000  # rows
_LOCK: Final = "hashtext('videos_videocount')"
# One statement: a reader sees the rows or their sum. New rows of the same keys are added meanwhile.
_COMPACT: Final = """
WITH changed AS MATERIALIZED (
    SELECT DISTINCT kind, key, is_visible, censor_status
    FROM (SELECT * FROM videos_videocount WHERE is_new ORDER BY id LIMIT %s) AS batch
), gone AS (
    DELETE FROM videos_videocount AS counted USING changed
    WHERE counted.kind = changed.kind AND counted.key = changed.key
        AND counted.is_visible = changed.is_visible
        AND counted.censor_status = changed.censor_status
    RETURNING counted.*
), kept AS (
    INSERT INTO videos_videocount (kind, key, is_visible, censor_status, number, is_new)
    SELECT kind, key, is_visible, censor_status, sum(number), false FROM gone
    GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0
)
SELECT count(*) FROM gone
"""
_REBUILD: Final = """
WITH gone AS (DELETE FROM videos_videocount WHERE kind = %s)
INSERT INTO videos_videocount (kind, key, censor_status, is_visible, number, is_new)
SELECT %s, fresh.*, false FROM videos_count_afresh(%s) AS fresh
"""
_COUNT_WRONG: Final = """
SELECT count(*) FROM (
    SELECT key, censor_status, is_visible FROM (
        SELECT key, censor_status, is_visible, number FROM videos_videocount WHERE kind = %s
        UNION ALL
        SELECT key, censor_status, is_visible, -number FROM videos_count_afresh(%s)
    ) AS both_sides
    GROUP BY 1, 2, 3 HAVING sum(number) <> 0
) AS wrong
"""
_FIND_TRIGGERS: Final = """
SELECT to_regclass('videos_videocount') IS NULL OR 4 = count(*) FROM pg_trigger
WHERE tgrelid = to_regclass('videos_video') AND tgname LIKE 'videos_count_%' AND tgenabled <> 'D'
"""


def are_kept(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether the triggers are there and enabled. True if there are no counts (yet)."""
    if connections[using].vendor != "postgresql":
        return True
    with connections[using].cursor() as cursor:
        cursor.execute(_FIND_TRIGGERS)
        return bool(cursor.fetchone()[0])


def compact() -> int:
    """Replace the new rows of the counts by sums; returns how many rows were replaced.

    No writer waits for it. Does nothing while another process compacts or rebuilds.
    """
    if connection.vendor != "postgresql":
        return 0
    replaced = 0
    while batch := _compact_batch():
        replaced += batch
    if replaced > _VACUUMED_AFTER and not connection.in_atomic_block:
        with connection.cursor() as cursor:  # autovacuum comes late: readers would meet dead rows
            cursor.execute("VACUUM videos_videocount")
    return replaced


def _compact_batch() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock({_LOCK})")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_COMPACT, [_COMPACTED_AT_ONCE])
        return int(cursor.fetchone()[0])


def count_wrong(kind: CountKind) -> int:
    """Count all videos; returns how many numbers of this kind are not what the counts say."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_WRONG, [kind.value] * 2)
        return int(cursor.fetchone()[0])


def rebuild(kind: CountKind) -> None:
    """Count all videos again. Writers go on: their changes are added to what the snapshot has."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        cursor.execute(_REBUILD, [kind.value] * 3)
