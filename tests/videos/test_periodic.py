"""Periodic tasks: a failure for one row does not stop the others."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shortvideo.cloud import CloudUnavailable, cdn_gateway
from shortvideo.cloud.types import MediaPath
from tests.factories import make_video
from tests.support.localvod import LocalVod
from videos import periodic
from videos.models import (
    CdnTask,
    CensorStatus,
    ReviewTask,
    TaskCause,
    TranscodeJob,
    TranscodeStatus,
    Video,
)

pytestmark = pytest.mark.django_db(transaction=True)

DOWN: dict[str, Any] = {"kind": "error"}
REFUSED: dict[str, Any] = {"kind": "error", "status": 400, "code": "InvalidTaskId.NotFound"}


def running_purge(cloud: LocalVod, name: str) -> CdnTask:
    path = MediaPath(f"{cloud.endpoint}/{name}.mp4")
    task_ids = cdn_gateway().purge([path])
    return CdnTask.objects.create(
        kind="purge", urls=[path], state=CdnTask.State.SUBMITTED, task_ids=list(task_ids)
    )


def states() -> list[str]:
    return list(CdnTask.objects.order_by("id").values_list("state", flat=True))


def test_a_task_that_the_cdn_does_not_report_stops_no_other(cloud: LocalVod) -> None:
    first, _ = running_purge(cloud, "a"), running_purge(cloud, "b")
    cloud.faults({"operation": "DescribeRefreshTasks", "times": 1, **REFUSED})
    periodic.check_cdn_tasks()
    assert states() == ["submitted", "success"]
    first.refresh_from_db()
    assert first.checked_at is not None
    assert "InvalidTaskId.NotFound" in first.error_message
    periodic.check_cdn_tasks()
    first.refresh_from_db()
    assert (first.state, first.error_message) == ("success", "")


def test_a_task_that_the_cdn_does_not_report_for_days_fails(cloud: LocalVod) -> None:
    task = running_purge(cloud, "a")
    CdnTask.objects.update(created_at=timezone.now() - timedelta(days=4))
    cloud.faults({"operation": "DescribeRefreshTasks", **REFUSED})
    periodic.check_cdn_tasks()
    task.refresh_from_db()
    assert task.state == CdnTask.State.FAIL
    assert "InvalidTaskId.NotFound" in task.error_message


def test_a_task_that_cannot_be_read_gives_its_turn_to_the_next(cloud: LocalVod) -> None:
    first, _ = running_purge(cloud, "a"), running_purge(cloud, "b")
    cloud.faults(
        {"operation": "DescribeRefreshTasks", "times": 3, **DOWN}
    )  # the call and its retries
    with pytest.raises(CloudUnavailable):
        periodic.check_cdn_tasks()
    first.refresh_from_db()
    assert first.checked_at is not None
    assert first.error_message
    cloud.faults({"operation": "DescribeRefreshTasks", "times": 1, "kind": ""})
    periodic.check_cdn_tasks()
    assert states() == ["success", "success"]


def make_overdue_video(cloud: LocalVod, **facts: Any) -> Video:
    long_ago = timezone.now() - timedelta(hours=2)
    return make_video(
        vod_id=cloud.seed(status="Checking", **facts),
        status="Checking",
        size=1_500_000,
        censor_status=CensorStatus.ON_CENSOR,
        censor_changed_at=long_ago,
        source_uploaded_at=long_ago,
    )


@pytest.mark.parametrize("operation", ["GetMediaAuditResult", "GetVideoInfos"])
@pytest.mark.parametrize(
    "fault", [DOWN, {"kind": "error", "status": 403, "code": "Forbidden.RAM"}], ids=["down", "ram"]
)
def test_a_video_goes_to_review_if_vod_gives_no_verdict_in_time(
    cloud: LocalVod, operation: str, fault: dict[str, Any]
) -> None:
    video = make_overdue_video(cloud)
    cloud.faults({"operation": operation, **fault})
    periodic.sweep_pending()
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK
    assert ReviewTask.objects.open().get().cause == TaskCause.MACHINE_FAILED


def test_a_verdict_that_cannot_be_read_does_not_stop_the_others(cloud: LocalVod) -> None:
    clips = [make_overdue_video(cloud, verdict="block") for _ in range(2)]
    cloud.faults({"operation": "GetMediaAuditResult", "times": 3, **DOWN})
    periodic.sweep_pending()
    found = sorted(Video.objects.filter(pk__in=[v.pk for v in clips]).values_list("censor_status"))
    assert found == [("check",), ("fail",)]


def transcoding(cloud: LocalVod, **values: Any) -> Video:
    video = make_video(vod_id=cloud.seed(), transcode_status=TranscodeStatus.ON_TRANSCODE, **values)
    TranscodeJob.objects.create(
        video=video,
        kind="standard",
        template_group_id="g",
        state=TranscodeJob.State.SUBMITTED,
        task_id=f"task-of-{video.pk}",
    )
    return video


def asked_about(cloud: LocalVod) -> set[str]:
    entries = cloud.ledger("GetVideoInfos")
    return {
        name for video in Video.objects.all() for name in [video.vod_id] if name in str(entries)
    }


def test_transcoding_videos_are_read_in_turn(
    cloud: LocalVod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periodic.transcoding, "POLLED_AT_ONCE", 2)
    videos = [transcoding(cloud) for _ in range(5)]
    for expected in (2, 4, 5):
        periodic.check_transcodes()
        asked = Video.objects.exclude(transcode_asked_at=None)
        assert asked.count() == expected
    assert asked_about(cloud) == {video.vod_id for video in videos}


def test_a_video_with_a_running_job_is_read_in_any_status(cloud: LocalVod) -> None:
    video = transcoding(cloud)
    Video.objects.update(transcode_status=TranscodeStatus.NONE)
    periodic.check_transcodes()
    assert asked_about(cloud) == {video.vod_id}
    assert len(cloud.ledger("GetTranscodeTask")) == 1


def test_a_task_that_vod_does_not_report_stops_no_other_video(cloud: LocalVod) -> None:
    for _ in range(2):
        transcoding(cloud)
    cloud.faults({"operation": "GetTranscodeTask", "times": 3, **DOWN})
    periodic.check_transcodes()
    assert len(cloud.ledger("GetTranscodeTask")) == 4, "three of the first, one of the second"
