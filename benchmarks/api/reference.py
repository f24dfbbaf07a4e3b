"""The algorithm of the original AppServer: COUNT, OFFSET, and two queries for each video.

The algorithm only: its stack is the floor's.
"""

from typing import Any, Final

from benchmarks.api.opponent import VIDEO_COLUMNS, application_of, document, query

_FROM: Final = "FROM videos_video v LEFT JOIN accounts_uploader u ON u.id = v.uploader_id"
_SNAPSHOTS: Final = "SELECT path FROM bench_snapshot WHERE video_id = %s ORDER BY id"
_FILES: Final = "SELECT path FROM bench_file WHERE video_id = %s ORDER BY id"


def _video(row: Any) -> dict[str, Any]:
    pk = row[0]
    snapshots = [path for (path,) in query(_SNAPSHOTS, [pk])]
    return document(row, snapshots, [path for (path,) in query(_FILES, [pk])])


def _get_videos(parameters: dict[str, str]) -> object:
    condition, values = "v.deleted_at IS NULL", []
    if status := parameters.get("censorStatus"):
        condition += " AND v.censor_status = %s"
        values.append(status)
    if title := parameters.get("title"):
        condition += " AND v.title LIKE %s"
        values.append(f"%{title}%")
    total = query(f"SELECT count(*) {_FROM} WHERE {condition}", values)[0][0]
    size = int(parameters["pageSize"])
    rows = query(
        f"SELECT {VIDEO_COLUMNS} {_FROM} WHERE {condition} "
        "ORDER BY v.creation_time DESC, v.id DESC LIMIT %s OFFSET %s",
        [*values, size, (int(parameters["pageIndex"]) - 1) * size],
    )
    return {"total": total, "videoList": [_video(row) for row in rows]}


def _get_video(parameters: dict[str, str]) -> object:
    condition = "v.deleted_at IS NULL AND v.vod_id = %s"
    rows = query(f"SELECT {VIDEO_COLUMNS} {_FROM} WHERE {condition}", [parameters["videoId"]])
    video = _video(rows[0])
    files = video.pop("fileUrlList")
    return {**video, "fileUrilList": files, "fileUrlList": files}


application = application_of(
    {"/console/vod/getVideos": _get_videos, "/console/vod/getVideoById": _get_video}
)
