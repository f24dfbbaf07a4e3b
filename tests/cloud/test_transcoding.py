"""Transcode jobs: requests and answers."""

import json
from datetime import UTC, datetime

import pytest

from shortvideo.cloud.types import (
    TranscodeTask,
    Uploader,
    UserData,
)
from shortvideo.cloud.vod import VodGateway
from tests.cloud.liar import Liar, answer

MOMENT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_a_transcode_has_its_session_group_and_uploader(vod: VodGateway, liar: Liar) -> None:
    jobs = {"TranscodeJob": [{"JobId": "j1"}, {"JobId": "j2"}]}
    liar.says(answer({"TranscodeTaskId": "t1", "TranscodeJobs": jobs}))
    user_data = UserData.of(Uploader("u1"))
    submitted = vod.submit_transcode("v1", "g1", session_id="delivery-7", user_data=user_data)
    asked = liar.requests[0].parameters
    assert (asked["VideoId"], asked["TemplateGroupId"]) == ("v1", "g1")
    assert asked["SessionId"] == "delivery-7"
    assert json.loads(asked["UserData"])["Extend"]["userId"] == "u1"
    assert (submitted.task_id, submitted.job_ids) == ("t1", ("j1", "j2"))


@pytest.mark.parametrize("session_id", ["", "x" * 51, "with space"])
def test_an_invalid_session_id_is_not_sent(vod: VodGateway, liar: Liar, session_id: str) -> None:
    with pytest.raises(ValueError, match="1 to 50 characters"):
        vod.submit_transcode("v1", "g1", session_id=session_id)
    assert liar.requests == []


JOB = {
    "TranscodeJobId": "j1",
    "TranscodeJobStatus": "TranscodeSuccess",
    "TranscodeProgress": 100,
    "Definition": "SD-NBV1",
    "CompleteTime": "2026-03-01T08:00:00Z",
    "OutputFile": {
        "OutputFileUrl": "http://m.example/v1/sd.mp4",
        "Format": "mp4",
        "Bitrate": "640",
        "Fps": "25",
        "Width": "540",
        "Height": "960",
        "Duration": "12.1",
        "Filesize": 77,
    },
}


def test_a_task_is_read_with_its_jobs(vod: VodGateway, liar: Liar) -> None:
    failed = {
        "TranscodeJobId": "j2",
        "TranscodeJobStatus": "TranscodeFail",
        "ErrorCode": "InvalidFile",
        "ErrorMessage": "No video stream.",
        "OutputFile": {},
    }
    task = {
        "TranscodeTaskId": "t1",
        "VideoId": "v1",
        "TaskStatus": "CompletePartialSucc",
        "Trigger": "Manual",
        "TranscodeTemplateGroupId": "g1",
        "CreationTime": "2026-03-01T08:00:00Z",
        "TranscodeJobInfoList": [JOB, failed],
    }
    liar.says(answer({"TranscodeTask": task}))
    read = vod.transcode_task("t1")
    done, broken = read.jobs
    assert (read.trigger, read.template_group_id, read.creation_time) == ("Manual", "g1", MOMENT)
    assert (done.progress, done.definition) == (100, "SD-NBV1")
    assert done.output
    assert (done.output.path, done.output.height) == ("m.example/v1/sd.mp4", 960)
    assert done.output.is_narrowband
    assert (broken.error_code, broken.error_message) == ("InvalidFile", "No video stream.")
    assert broken.output is None


def test_jobs_are_found_by_their_ids(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"TranscodeJobInfoList": [JOB], "NonExistJobIds": ["j9"]}))
    found = vod.transcode_jobs(["j1", "j9"])
    assert liar.requests[0].parameters["JobIds"] == "j1,j9"
    assert [job.job_id for job in found.jobs] == ["j1"]
    assert found.missing_ids == ("j9",)
    with pytest.raises(ValueError, match="11 job ids were given; one call takes 1 to 10"):
        vod.transcode_jobs([str(number) for number in range(11)])


def test_tasks_are_listed_to_the_last_page_newest_first(vod: VodGateway, liar: Liar) -> None:
    def task(number: int) -> dict[str, str]:
        return {
            "TranscodeTaskId": f"t{number}",
            "TaskStatus": "Processing",
            "CreationTime": f"2026-03-01T08:{number:02}:00Z",
        }

    first = [task(number) for number in range(50)]
    liar.says(answer({"TranscodeTaskList": first}), answer({"TranscodeTaskList": [task(55)]}))
    tasks: tuple[TranscodeTask, ...] = vod.transcode_tasks("v1", since=MOMENT)
    assert len(tasks) == 51
    assert [found.task_id for found in tasks[:2]] == ["t55", "t49"]
    assert [request.parameters["PageNo"] for request in liar.requests] == ["1", "2"]
    assert liar.requests[0].parameters["StartTime"] == "2026-03-01T08:00:00Z"
