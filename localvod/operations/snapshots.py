"""SubmitSnapshotJob and ListSnapshots."""

import json
import math
import sqlite3
from typing import Any

from localvod.cloud import Cloud
from localvod.errors import illegal_status, invalid_parameter, no_such_resource
from localvod.jobs import snapshots
from localvod.operations.info import get_named_video
from localvod.operations.registry import Answer, Call, operation
from localvod.operations.security_ips import is_reviewer
from localvod.store.media_rows import COVER, NORMAL, SPRITE
from localvod.store.videos import Video

MOST_SNAPSHOTS = 1_000  # of one job
LATEST_MS = 2**53  # a moment in a clip
LEAST_AUTH_TIMEOUT, LARGEST_AUTH_TIMEOUT = 3_600, 2**31 - 1  # seconds
SNAPPABLE = ("UploadSucc", "Normal", "Checking", "Blocked")
TYPES = (
    COVER,
    NORMAL,
    SPRITE,
    "SpriteOriginSnapshot",
    "WebVttSnapshot",
)


@operation("SubmitSnapshotJob", qps=30, is_writing=True)
def submit_snapshot_job(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Take snapshots at given moments, at intervals, or spread evenly (Interval 0)."""
    video, given = get_named_video(cloud, tx, call), call.parameters
    if "SnapshotTemplateId" in given.values:
        raise no_such_resource(f"snapshot template {given.text('SnapshotTemplateId')}")
    if video.status not in SNAPPABLE:
        raise illegal_status(video.status, 400)
    job_id = snapshots.create_snapshot_job(
        cloud,
        tx,
        video,
        is_specified=True,
        user_data=given.user_data(),
        parameters=_media_arguments(call, video),
    )
    call.effect = {"job_id": job_id}
    return {"SnapshotJob": {"JobId": job_id}}


def _media_arguments(call: Call, video: Video) -> dict[str, Any]:
    """The call's parameters as keyword arguments of `write_snapshots`.

    The moments at intervals end with the clip, at the first at the earliest.
    """
    given = call.parameters
    arguments: dict[str, Any] = {
        name: given.integer(spelling, 0, least=8, most=4096)
        for name, spelling in (("width", "Width"), ("height", "Height"))
        if spelling in given.values
    }
    if "SpecifiedOffsetTimes" in given.values:
        return {**arguments, "offsets_ms": _check_offsets(given.json("SpecifiedOffsetTimes"))}
    count = min(MOST_SNAPSHOTS, given.integer("Count", 1, least=1, most=2**31))
    interval_ms = 1_000 * given.integer("Interval", 1, least=0, most=2**31)
    if not interval_ms:
        return {**arguments, "count": count}
    start = given.integer("SpecifiedOffsetTime", 0, least=0, most=LATEST_MS)
    end = max(start, math.floor(video.duration * 1_000))
    return {**arguments, "offsets_ms": list(range(start, end + 1, interval_ms)[:count])}


def _check_offsets(value: object) -> list[int]:
    name = "SpecifiedOffsetTimes"
    if not isinstance(value, list) or not all(
        type(item) is int and 0 <= item <= LATEST_MS for item in value
    ):
        raise invalid_parameter(name, f"it must be a list of milliseconds from 0 to {LATEST_MS}")
    if not 1 <= len(value) <= 30:
        raise invalid_parameter(name, "it takes 1 to 30 moments")
    return value


@operation("ListSnapshots", qps=30, is_writing=True)
def list_snapshots(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """The snapshots of one type from the latest job that has any."""
    call.parameters.required("VideoId")
    video = cloud.videos.ensure_stored(tx, get_named_video(cloud, tx, call))
    if video.status not in SNAPPABLE:
        raise illegal_status(video.status, 400)
    kind = call.parameters.choice("SnapshotType", COVER, *TYPES)
    page, size = call.parameters.page(size=20, most=100)
    call.parameters.integer(
        "AuthTimeout", LEAST_AUTH_TIMEOUT, least=LEAST_AUTH_TIMEOUT, most=LARGEST_AUTH_TIMEOUT
    )
    rows = tx.execute(
        "SELECT * FROM snapshot_jobs WHERE video_id = ? AND status = 'success' ORDER BY rowid DESC",
        (video.id,),
    )
    for row in rows:
        keys = json.loads(row["results"]).get(kind, [])
        if keys:
            break
    else:
        empty = {"Total": 0, "Regular": "", "Snapshots": {"Snapshot": []}}
        return {"MediaSnapshot": empty}
    shown = list(enumerate(keys, start=1))[(page - 1) * size : page * size]
    for_reviewer = video.status != "Normal" and is_reviewer(tx, call.peer)
    return {
        "MediaSnapshot": {
            "JobId": row["id"],
            "CreationTime": row["creation_time"],
            "Total": len(keys),
            "Regular": snapshots.url_pattern(cloud, keys),
            "Snapshots": {
                "Snapshot": [
                    {"Index": index, "Url": cloud.urls.signed(key, for_reviewer=for_reviewer)}
                    for index, key in shown
                ]
            },
        }
    }
