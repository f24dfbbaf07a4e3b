"""Millions of videos, computed inside PostgreSQL: the same rows in every run.

`python -m benchmarks.million --videos 1000000` fills the empty database of DATABASE_URL.
"""

import argparse
import os
from typing import Any, Final

# Three years. A video's id grows with its time, but for a jitter of two days.
_SPAN_DAYS: Final = 1_095
# %-signs of SQL are doubled: psycopg reads the text.
_UPLOADERS: Final = """
INSERT INTO accounts_uploader (user_id, user_name, avatar_url, name_search)
SELECT 'user-' || i, initcap(name), 'https://media.example.com/avatars/' || i || '.png', name
FROM generate_series(1, %(uploaders)s::bigint) AS i, LATERAL (SELECT
    (ARRAY['anna', 'mei', 'coffee', 'río', 'öykü', 'дмитрий', 'νίκος', 'lin', '小', '王', '海'])
    [1 + i * 7919 %% 11] || ' ' || to_hex(i * 2654435761 %% 4294967296)) AS named(name)
"""
_VIDEOS: Final = """
INSERT INTO videos_video (
    vod_id, title, title_search, description, tags, cate_id, cate_name, uploader_id, duration, size,
    creation_time, cover, first_frame, share_url, source_path, snapshots, files, files_read_at,
    status, audit_status, template_group_id, censor_status, transcode_status,
    narrow_transcode_status, snapshot_status, source_version, censor_changed_at, read_at,
    first_seen_at, changed_at, deleted_at)
SELECT
    vod_id, title, lower(title), '', 'travel,food', 7, 'Clips',
    CASE WHEN h %% 59 = 0 THEN 1 WHEN h %% 200 = 1 THEN NULL
        ELSE 1 + floor(%(uploaders)s * power((h %% 99991) / 99991.0, 2))::bigint END
        + %(first_uploader)s - 1,
    12.4, 1234567, created,
    folder || 'cover.jpg', folder || 'first.jpg', '', folder || 'source.mp4',
    (SELECT coalesce(jsonb_agg(folder || lpad(n::text, 5, '0') || '.jpg'), '[]')
        FROM generate_series(1, %(snapshots)s) AS n),
    (SELECT coalesce(jsonb_agg(jsonb_build_object('path', folder || n || '.mp4',
            'definition', 'HD', 'format', 'mp4', 'width', 540, 'height', 960 + n, 'bitrate', 900.0,
            'fps', 25.0, 'size', 1000000, 'duration', 12.4, 'codec', 'h264', 'is_narrowband', false,
            'job_id', '', 'created_at', '')), '[]')
        FROM generate_series(1, %(files)s) AS n),
    created, 'Normal', '', '',
    CASE WHEN h %% 100 < 90 THEN 'success' WHEN h %% 100 < 96 THEN 'check'
        WHEN h %% 100 < 99 THEN 'fail' ELSE 'onCensor' END,
    'success', '', 'success', 1, created, created, created, created,
    CASE WHEN h %% 211 = 5 THEN created END
FROM generate_series(1, %(videos)s::bigint) AS i,
    LATERAL (SELECT (i * 2654435761 + 12345) %% 4294967291 AS h) AS hashed,
    LATERAL (SELECT lpad(to_hex(i), 32, '0') AS vod_id) AS named,
    LATERAL (SELECT 'media.example.com/' || vod_id || '/' AS folder,
        timestamptz '2023-01-01 00:00:00+00'
            + ((i::float8 / %(videos)s) * %(span)s - (h %% 1000) / 500.0) * interval '1 day'
            AS created) AS placed,
    LATERAL (SELECT concat_ws(' ',
        (ARRAY['Morning', '早上', 'Summer', '夏天', 'City', '城市', 'Old', '海边', 'Wild', 'Tiny'])
            [1 + h %% 10],
        CASE WHEN h %% 83 = 0 THEN 'waterfall 瀑布' ELSE
            (ARRAY['coffee', 'street', 'river', '日落', 'noodles', '面条', 'market'])
                [1 + h %% 7] END,
        (ARRAY['in Kyoto', '旅行', 'with friends', '和朋友', 'at night', '晚上', 'vlog', '日记'])
            [1 + h / 7 %% 8],
        CASE WHEN i %% 100003 = 17 THEN 'zyxomma 鑫' END,
        h %% 9973) AS title) AS titled
"""
_INDEXES: Final = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid IN ('videos_video'::regclass, 'accounts_uploader'::regclass) AND NOT indisunique
"""
_COUNTS: Final = """
INSERT INTO videos_videocount (kind, key, censor_status, is_visible, number, is_new)
SELECT kind, fresh.*, false
FROM generate_series(0, 2) AS kind, LATERAL videos_count_afresh(kind) AS fresh
"""


def fill(
    cursor: Any, *, videos: int, uploaders: int = 0, snapshots: int = 8, files: int = 3
) -> None:
    """Fill the empty tables of videos and uploaders, count, VACUUM and ANALYZE.

    Needs a superuser and a connection in autocommit. Indexes are built after the rows.

    Args:
        uploaders: by default one for 50 videos. The first has 1.7 % of the videos.
        snapshots: per video. 0, with no files, keeps 10,000,000 rows at 8 GB.
        files: per video.
    """
    cursor.execute("SET maintenance_work_mem = '512MB'")
    cursor.execute("SET session_replication_role = replica")  # no triggers, no foreign keys
    insert(cursor, videos=videos, uploaders=uploaders, snapshots=snapshots, files=files)
    cursor.execute("SET session_replication_role = DEFAULT")
    cursor.execute(_COUNTS)
    cursor.execute("VACUUM (ANALYZE) videos_video, accounts_uploader, videos_videocount")


def insert(
    cursor: Any, *, videos: int, uploaders: int = 0, snapshots: int = 8, files: int = 3
) -> None:
    """Insert the rows. May run in a transaction; the other indexes are dropped meanwhile."""
    cursor.execute(_INDEXES)
    indexes = cursor.fetchall()
    for name, _definition in indexes:
        cursor.execute(f"DROP INDEX {name}")
    values = {"videos": videos, "uploaders": uploaders or max(1, videos // 50)}
    cursor.execute(_UPLOADERS, values)
    cursor.execute("SELECT min(id) FROM accounts_uploader")
    values |= {"first_uploader": cursor.fetchone()[0], "span": _SPAN_DAYS}
    cursor.execute(_VIDEOS, {**values, "snapshots": snapshots, "files": files})
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # foreign keys wait for the commit
    for _name, definition in indexes:
        cursor.execute(definition)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("videos", 1_000_000), ("uploaders", 0), ("snapshots", 8), ("files", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shortvideo.settings")
    import django  # noqa: PLC0415 - after the settings are named
    from django.db import connection  # noqa: PLC0415 - after the settings are named

    django.setup()
    with connection.cursor() as cursor:
        fill(cursor, **vars(parser.parse_args()))


if __name__ == "__main__":
    main()
