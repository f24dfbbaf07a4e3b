"""The tables. Times are text like `2026-01-31T08:15:00Z`; lists and objects are JSON text."""

VERSION = 2

# Statements that upgrade a file of each version to the next. `SCHEMA` adds tables and indexes by
# itself.
UPGRADES = {
    # Version 1 has no time of the source: empty means that it came with its video.
    1: ("ALTER TABLE videos ADD COLUMN source_time TEXT NOT NULL DEFAULT ''",),
}

SCHEMA = """
CREATE TABLE IF NOT EXISTS videos (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '',
    cate_id INTEGER,
    cover_url TEXT NOT NULL DEFAULT '',          -- object key, or a whole URL set by a client
    status TEXT NOT NULL,                        -- what clients see; follows from the next two
    stage TEXT NOT NULL,                         -- uploading, uploaded, transcoding, failed, ready
    audit_status TEXT,                           -- Normal or Blocked once a review decided
    size INTEGER NOT NULL DEFAULT 0,             -- bytes
    duration REAL NOT NULL DEFAULT 0,            -- seconds
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    fps REAL NOT NULL DEFAULT 0,
    bitrate INTEGER NOT NULL DEFAULT 0,          -- kbit/s
    creation_time TEXT NOT NULL,
    modification_time TEXT NOT NULL,
    template_group_id TEXT NOT NULL DEFAULT '',
    storage_location TEXT NOT NULL DEFAULT '',
    app_id TEXT NOT NULL DEFAULT 'app-1000000',
    reference_id TEXT UNIQUE,
    user_data TEXT NOT NULL DEFAULT '',
    file_name TEXT NOT NULL DEFAULT '',
    source_key TEXT NOT NULL DEFAULT '',         -- empty: there is no media behind this video
    source_md5 TEXT NOT NULL DEFAULT '',
    source_version INTEGER NOT NULL DEFAULT 0,   -- counts the uploads under this id
    source_time TEXT NOT NULL DEFAULT '',        -- when the file came; empty: with the video
    is_ingested INTEGER NOT NULL DEFAULT 0,      -- 0 while an upload waits to be processed
    snapshots TEXT NOT NULL DEFAULT '[]',        -- object keys or URLs
    sprites TEXT NOT NULL DEFAULT '[]',
    verdict TEXT NOT NULL DEFAULT '',            -- of a seeded video: what a machine would say
    fail_jobs TEXT NOT NULL DEFAULT ''           -- '', 'all', 'standard' or 'narrowband'
);
CREATE INDEX IF NOT EXISTS videos_by_creation ON videos (creation_time, id);
CREATE INDEX IF NOT EXISTS videos_by_modification ON videos (modification_time);
CREATE TABLE IF NOT EXISTS deleted_videos (id TEXT PRIMARY KEY, deleted_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (
    token TEXT PRIMARY KEY,
    video_id TEXT NOT NULL,
    object_key TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS objects (
    object_key TEXT PRIMARY KEY,
    video_id TEXT NOT NULL DEFAULT '',           -- empty: belongs to no video, always served
    kind TEXT NOT NULL,                          -- source, stream, image, file
    purged_at REAL                               -- unix seconds; from then on answered with 403
);
CREATE INDEX IF NOT EXISTS objects_by_video ON objects (video_id);
CREATE TABLE IF NOT EXISTS transcode_tasks (
    id TEXT PRIMARY KEY,
    video_id TEXT NOT NULL,
    trigger TEXT NOT NULL,                       -- Auto or Manual
    template_group_id TEXT NOT NULL,
    status TEXT NOT NULL,
    session_id TEXT NOT NULL DEFAULT '',
    user_data TEXT NOT NULL DEFAULT '',
    creation_time TEXT NOT NULL,
    complete_time TEXT,
    source_version INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS tasks_by_video ON transcode_tasks (video_id, creation_time);
CREATE INDEX IF NOT EXISTS tasks_by_session ON transcode_tasks (session_id);
CREATE TABLE IF NOT EXISTS transcode_jobs (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL,
    video_id TEXT NOT NULL,
    template_id TEXT NOT NULL,
    definition TEXT NOT NULL,
    format TEXT NOT NULL,
    narrowband_type TEXT NOT NULL,
    priority TEXT NOT NULL,
    status TEXT NOT NULL,                        -- Transcoding, TranscodeSuccess, TranscodeFail
    progress INTEGER NOT NULL DEFAULT 0,
    error_code TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    creation_time TEXT NOT NULL,
    complete_time TEXT,
    object_key TEXT NOT NULL DEFAULT '',
    output TEXT NOT NULL DEFAULT '{}'            -- size, duration, width, height, fps, bitrate ...
);
CREATE INDEX IF NOT EXISTS jobs_by_task ON transcode_jobs (task_id);
CREATE INDEX IF NOT EXISTS jobs_by_video ON transcode_jobs (video_id);
CREATE INDEX IF NOT EXISTS jobs_by_status ON transcode_jobs (status);
CREATE TABLE IF NOT EXISTS snapshot_jobs (
    id TEXT PRIMARY KEY,
    video_id TEXT NOT NULL,
    is_specified INTEGER NOT NULL,               -- 1: SubmitSnapshotJob, 0: made on upload
    parameters TEXT NOT NULL DEFAULT '{}',
    user_data TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL,                        -- processing, success, fail
    results TEXT NOT NULL DEFAULT '{}',          -- snapshot type -> object keys
    creation_time TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS snapshot_jobs_by_video ON snapshot_jobs (video_id);
CREATE TABLE IF NOT EXISTS review_jobs (
    id TEXT PRIMARY KEY,
    media_id TEXT NOT NULL,
    status TEXT NOT NULL,                        -- init, processing, success, fail
    code TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    user_data TEXT NOT NULL DEFAULT '',
    creation_time TEXT NOT NULL,
    complete_time TEXT,
    result TEXT NOT NULL DEFAULT '{}',           -- MediaAuditResult
    frames TEXT NOT NULL DEFAULT '[]'            -- suspect frames, as MediaAuditResultDetail lists
);
CREATE INDEX IF NOT EXISTS review_jobs_by_media ON review_jobs (media_id);
CREATE TABLE IF NOT EXISTS audits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    video_id TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    comment TEXT NOT NULL,
    auditor TEXT NOT NULL,
    creation_time TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS audits_by_video ON audits (video_id);
CREATE TABLE IF NOT EXISTS security_groups (
    name TEXT PRIMARY KEY,
    ips TEXT NOT NULL,
    creation_time TEXT NOT NULL,
    modification_time TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS cache_tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    product TEXT NOT NULL,                       -- cdn or vod
    kind TEXT NOT NULL,                          -- preload, file, directory, regex, ignoreparams
    object_path TEXT NOT NULL,
    is_found INTEGER NOT NULL,                   -- 0: nothing is stored there; the task fails
    started REAL NOT NULL,                       -- unix seconds
    creation_time TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS cache_tasks_by_task ON cache_tasks (task_id);
CREATE INDEX IF NOT EXISTS cache_tasks_by_kind ON cache_tasks (product, kind, creation_time);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);  -- JSON values
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_type TEXT NOT NULL,
    media_id TEXT NOT NULL,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,                         -- waiting, delivered, dropped
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    creation_time TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_state ON events (state);
CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,                            -- unix seconds
    product TEXT NOT NULL,
    operation TEXT NOT NULL,
    request_id TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT '',               -- empty: accepted
    fault TEXT NOT NULL DEFAULT '',              -- what an injected fault did to the answer
    parameters TEXT NOT NULL,
    effect TEXT NOT NULL,
    video_ids TEXT NOT NULL                      -- JSON list
);
CREATE INDEX IF NOT EXISTS ledger_by_operation ON ledger (operation, id);
"""
