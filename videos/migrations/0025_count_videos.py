from django.db import migrations

from shortvideo.migration_operations import RunOnPostgresql

# Fresh numbers of one kind, for the first count, `verify_totals` and its --rebuild.
COUNT_AFRESH = """
CREATE OR REPLACE FUNCTION videos_count_afresh(kind integer)
RETURNS TABLE (key bigint, censor_status varchar, is_visible boolean, number bigint)
LANGUAGE sql STABLE AS $$
    SELECT
        CASE kind WHEN 0 THEN 0
            WHEN 1 THEN (creation_time AT TIME ZONE 'UTC')::date - date '1970-01-01'
            ELSE uploader_id END AS key,
        censor_status, deleted_at IS NULL, count(*)
    FROM videos_video WHERE kind <> 2 OR uploader_id IS NOT NULL
    GROUP BY 1, 2, 3
$$
"""
# A statement adds one row for each number that it changes, and no row where it changes none.
# The old and the new rows have no index: they are grouped, never joined.
COUNT_CHANGE = """
CREATE OR REPLACE FUNCTION videos_count_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH changed AS (
        SELECT (creation_time AT TIME ZONE 'UTC')::date - date '1970-01-01' AS day, uploader_id,
            censor_status, deleted_at IS NULL AS is_visible, sum(sign) AS number
        FROM ({rows}) AS touched
        GROUP BY 1, 2, 3, 4 HAVING sum(sign) <> 0
    )
    INSERT INTO videos_videocount (kind, key, censor_status, is_visible, number, is_new)
    SELECT kind, key, censor_status, is_visible, sum(number), true
    FROM changed, LATERAL (VALUES (0, 0), (1, day), (2, uploader_id)) AS counted (kind, key)
    WHERE key IS NOT NULL
    GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0;
    RETURN NULL;
END $$
"""
COLUMNS = "creation_time, uploader_id, censor_status, deleted_at"
NEW_ROWS = f"SELECT {COLUMNS}, 1 AS sign FROM new_rows"
OLD_ROWS = f"SELECT {COLUMNS}, -1 AS sign FROM old_rows"
ROWS = {
    "insert": NEW_ROWS,
    "update": f"{NEW_ROWS} UNION ALL {OLD_ROWS}",
    "delete": OLD_ROWS,
}
TABLES = {
    "insert": "NEW TABLE AS new_rows",
    "update": "NEW TABLE AS new_rows OLD TABLE AS old_rows",
    "delete": "OLD TABLE AS old_rows",
}
# The lock of `compact`: rows that it would write meanwhile would stay.
FORGET = """
CREATE OR REPLACE FUNCTION videos_count_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('videos_videocount'));
    DELETE FROM videos_videocount;
    RETURN NULL;
END $$
"""
FUNCTIONS = [
    COUNT_AFRESH,
    *(COUNT_CHANGE.format(event=event, rows=rows) for event, rows in ROWS.items()),
    FORGET,
]
EVENTS = {**TABLES, "truncate": ""}
TRIGGERS = [
    f"CREATE OR REPLACE TRIGGER videos_count_{event} AFTER {event} ON videos_video "
    f"{tables and f'REFERENCING {tables}'} FOR EACH STATEMENT "
    f"EXECUTE FUNCTION videos_count_{event}()"
    for event, tables in EVENTS.items()
]
# The triggers count every change that this snapshot does not see. What they counted before it is
# deleted: the snapshot has counted it again.
COUNT_ALL = [
    "SELECT pg_advisory_xact_lock(hashtext('videos_videocount'))",
    """
    WITH gone AS (DELETE FROM videos_videocount)
    INSERT INTO videos_videocount (kind, key, censor_status, is_visible, number, is_new)
    SELECT kind, fresh.*, false
    FROM generate_series(0, 2) AS kind, LATERAL videos_count_afresh(kind) AS fresh
    """,
]
DROP = [
    *(f"DROP TRIGGER IF EXISTS videos_count_{event} ON videos_video" for event in EVENTS),
    *(f"DROP FUNCTION IF EXISTS videos_count_{event}()" for event in EVENTS),
    "DROP FUNCTION IF EXISTS videos_count_afresh(integer)",
    "DELETE FROM videos_videocount",
]


class Migration(migrations.Migration):
    """Count the videos, first by triggers, then those that were there before."""

    atomic = False  # the count does not wait for writers: the triggers must be committed

    dependencies = [
        ("videos", "0024_video_count"),
    ]

    operations = [
        RunOnPostgresql([*FUNCTIONS, *TRIGGERS], DROP),
        RunOnPostgresql(COUNT_ALL, []),
    ]
