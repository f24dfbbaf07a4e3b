"""Snapshot jobs in localvod: each makes pictures of a video, and VOD lists the latest only."""

from dataclasses import dataclass
from typing import Any

from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from shortvideo.cloud.types import MediaPath
from tests.localvod.conftest import sdk_config
from tests.support.localvod import LocalVod
from tests.videos.takedowns import write_pixels
from tests.videos.vod_tasks import transaction_in


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The pictures of a job that has ended, and its event."""

    paths: list[MediaPath]
    event: dict[str, Any]


def take_snapshots(
    vod: LocalVod, vod_id: str, count: int = 2, kind: str = "NormalSnapshot"
) -> Snapshots:
    """Do a snapshot job in VOD, as SubmitSnapshotJob and VOD's console do.

    A job of another `kind` is one of VOD's console.
    """
    request = models.SubmitSnapshotJobRequest(video_id=vod_id, count=count, interval=0)
    job_id = Client(sdk_config(vod)).submit_snapshot_job(request).body.snapshot_job.job_id
    with transaction_in(vod) as tx:
        tx.execute(
            "UPDATE snapshot_jobs SET results = replace(results, 'NormalSnapshot', ?) "
            "WHERE id = ?", (kind, job_id),
        )  # fmt: skip
    write_pixels(vod, vod_id)
    objects = [item["object_key"] for item in vod.state(vod_id)["objects"]]
    paths = [MediaPath(f"{vod.endpoint}/{key}") for key in objects if job_id in key]
    assert len(paths) == count
    pattern = f"http://{paths[0].removesuffix('00001.jpg')}{{SnapshotCount}}.jpg"
    info = {
        "Status": "success",
        "SnapshotType": kind,
        "SnapshotCount": count,
        "SnapshotRegular": pattern,
        "JobId": job_id,
    }
    event = {
        "EventType": "SnapshotComplete",
        "EventTime": "2026-03-01T12:00:02Z",
        "VideoId": vod_id,
        "Status": "success",
        "SubType": "SpecifiedTime",
        "SnapshotInfos": [info],
    }
    return Snapshots(paths, event)
