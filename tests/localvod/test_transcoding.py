"""Transcode jobs: submission, dedupe by SessionId, tasks, and failures by tag."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from tests.localvod.conftest import refused
from tests.support.localvod import LocalVod

STANDARD, NARROWBAND = "standard-template-group", "narrowband-template-group"


def submit(
    client: Client, video_id: str, group: str = NARROWBAND, **parameters: str
) -> models.SubmitTranscodeJobsResponseBody:
    request = models.SubmitTranscodeJobsRequest(
        video_id=video_id, template_group_id=group, **parameters
    )
    return client.submit_transcode_jobs(request).body


def task(client: Client, task_id: str) -> models.GetTranscodeTaskResponseBodyTranscodeTask:
    request = models.GetTranscodeTaskRequest(transcode_task_id=task_id)
    return client.get_transcode_task(request).body.transcode_task


def test_one_job_for_each_template_and_the_streams_play(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed()
    body = submit(client, video_id)
    jobs = [job.job_id for job in body.transcode_jobs.transcode_job]
    found = task(client, body.transcode_task_id)
    assert (found.task_status, found.trigger) == ("CompleteAllSucc", "Manual")
    assert [info.transcode_job_id for info in found.transcode_job_info_list] == jobs
    assert {info.transcode_progress for info in found.transcode_job_info_list} == {100}
    request = models.GetPlayInfoRequest(video_id=video_id)
    streams = client.get_play_info(request).body.play_info_list.play_info
    narrow = [stream for stream in streams if stream.narrow_band_type == "1.0"]
    assert [stream.job_id for stream in narrow] == jobs


def test_a_session_id_is_accepted_once(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed()
    submit(client, video_id, session_id="delivery-17")
    with refused("SessionIdDuplicate", 400):
        submit(client, video_id, session_id="delivery-17")
    with refused("SessionIdDuplicate", 400):
        submit(client, vod.seed(), session_id="delivery-17")
    submit(client, video_id)
    submit(client, video_id)
    assert len(vod.ledger("SubmitTranscodeJobs", accepted=True)) == 3


@pytest.mark.parametrize("session_id", ["x" * 51, "with space", "点"])
def test_a_session_id_with_bad_characters_is_refused(
    vod: LocalVod, client: Client, session_id: str
) -> None:
    with refused("InvalidParameter", 400):
        submit(client, vod.seed(), session_id=session_id)


def test_an_unknown_group_or_video_is_refused(vod: LocalVod, client: Client) -> None:
    with refused("NoSuchResource", 404):
        submit(client, vod.seed(), group="unheard-of")
    with refused("InvalidVideo.NotFound", 404):
        submit(client, "nobody")


@pytest.mark.parametrize("status", ["Uploading", "Transcoding", "TranscodeFail", "Blocked"])
def test_blocked_and_unfinished_videos_are_not_transcoded(
    vod: LocalVod, client: Client, status: str
) -> None:
    with refused("Forbidden.IllegalStatus", 400):
        submit(client, vod.seed(status=status))


def test_a_manual_job_does_not_change_the_status(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking", fail_jobs="narrowband")
    failed = submit(client, video_id)
    assert task(client, failed.transcode_task_id).task_status == "CompleteAllFail"
    submit(client, video_id, STANDARD)
    assert vod.state(video_id)["video"]["status"] == "Checking"


def test_a_tag_makes_manual_jobs_of_its_kind_fail(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(tags="sea,narrowband:fail")
    failed = task(client, submit(client, video_id).transcode_task_id)
    assert failed.task_status == "CompleteAllFail"
    assert failed.transcode_job_info_list[0].error_code == "TranscodeFailed"
    assert failed.transcode_job_info_list[0].error_message
    passed = submit(client, video_id, STANDARD)
    assert task(client, passed.transcode_task_id).task_status == "CompleteAllSucc"


def test_jobs_are_found_by_their_ids(vod: LocalVod, client: Client) -> None:
    jobs = submit(client, vod.seed()).transcode_jobs.transcode_job
    wanted = ",".join([jobs[0].job_id, "nobody"])
    body = client.get_transcode_task(models.GetTranscodeTaskRequest(job_ids=wanted)).body
    assert [job.transcode_job_id for job in body.transcode_job_info_list] == [jobs[0].job_id]
    assert body.non_exist_job_ids == ["nobody"]
    eleven = ",".join(f"job{number}" for number in range(11))
    with refused("InvalidParameter", 400):
        client.get_transcode_task(models.GetTranscodeTaskRequest(job_ids=eleven))
    with refused("NoSuchResource", 404):
        task(client, "nobody")


def test_tasks_are_listed_latest_first_and_by_time(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(creation_time="2026-01-01T00:00:00Z")
    mine = submit(client, video_id).transcode_task_id
    request = models.ListTranscodeTaskRequest(video_id=video_id)
    listed = client.list_transcode_task(request).body.transcode_task_list
    assert [item.trigger for item in listed] == ["Manual", "Auto"]
    since = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    request.start_time = since
    recent = client.list_transcode_task(request).body.transcode_task_list
    assert [item.transcode_task_id for item in recent] == [mine]
    request.page_size = 51
    with refused("InvalidParameter", 400):
        client.list_transcode_task(request)


def test_user_data_must_be_json(vod: LocalVod, client: Client) -> None:
    with refused("InvalidParameter", 400):
        submit(client, vod.seed(), user_data="{")
    with refused("InvalidParameter", 400):
        submit(client, vod.seed(), override_params=json.dumps([1]))


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"count": 2**31, "interval": 1}, 13),  # seconds 0 to 12 of 12.5
        ({"count": 2**31}, 13),
        ({"count": 2**31, "interval": 5}, 3),
        ({"count": 2**31, "interval": 2**31}, 1),
        ({"count": 2**31, "specified_offset_time": 10_100}, 3),
        ({"count": 2**31, "specified_offset_time": 2**53}, 1),
        ({"count": 2**31, "interval": 0}, 1_000),
        ({"count": 2, "interval": 3}, 2),
        ({}, 1),
    ],
)
def test_a_snapshot_job_ends_with_the_clip(
    vod: LocalVod, client: Client, parameters: dict[str, int], count: int
) -> None:
    video_id = vod.seed(snapshots=0, cover=False)
    client.submit_snapshot_job(models.SubmitSnapshotJobRequest(video_id=video_id, **parameters))
    listed = client.list_snapshots(
        models.ListSnapshotsRequest(video_id=video_id, snapshot_type="NormalSnapshot")
    ).body.media_snapshot
    assert listed.total == count


@pytest.mark.parametrize(
    "parameters",
    [
        {"count": 0},
        {"count": -1},
        {"count": 2**31 + 1},
        {"interval": -1},
        {"specified_offset_time": -1},
        {"specified_offset_times": [-1]},
        {"specified_offset_times": [2**60]},
        {"specified_offset_times": [True]},
        {"specified_offset_times": [0] * 31},
        {"width": 4097},
    ],
)
def test_a_snapshot_job_out_of_vods_limits_is_refused(
    vod: LocalVod, client: Client, parameters: dict[str, Any]
) -> None:
    with refused("InvalidParameter", 400):
        client.submit_snapshot_job(
            models.SubmitSnapshotJobRequest(video_id=vod.seed(), **parameters)
        )


def test_snapshot_jobs_count_and_refuse(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(snapshots=0, cover=False)
    request = models.SubmitSnapshotJobRequest
    client.submit_snapshot_job(request(video_id=video_id, count=5, interval=0))
    listed = client.list_snapshots(
        models.ListSnapshotsRequest(video_id=video_id, snapshot_type="NormalSnapshot")
    ).body.media_snapshot
    assert listed.total == 5
    assert [item.index for item in listed.snapshots.snapshot] == [1, 2, 3, 4, 5]
    assert "{SnapshotCount}" in listed.regular
    cover = client.list_snapshots(models.ListSnapshotsRequest(video_id=video_id))
    assert cover.body.media_snapshot.total == 0
    with refused("InvalidParameter", 400):
        client.submit_snapshot_job(request(video_id=video_id, width=4))
    with refused("NoSuchResource", 404):
        client.submit_snapshot_job(request(video_id=video_id, snapshot_template_id="t"))
    with refused("Forbidden.IllegalStatus", 400):
        client.submit_snapshot_job(request(video_id=vod.seed(status="Uploading")))
