"""What is asked of VOD, and what becomes of its answers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shortvideo.cloud.errors import CloudRejected, CloudUnavailable
from shortvideo.cloud.types import (
    Audit,
    AuditStatus,
    CallbackSettings,
    Hit,
    MachineJobStatus,
    SnapshotType,
    TranscodeTask,
    Uploader,
    UserData,
    VodStatus,
)
from shortvideo.cloud.vod import VodGateway
from tests.cloud.liar import Liar, answer, refusal

VIDEO: dict[str, Any] = {
    "VideoId": "v1",
    "Title": "海边的日落",
    "Description": "",
    "Tags": "sea,sun",
    "CateId": 10,
    "CateName": "Nature",
    "CoverURL": "http://media.example.com/v1/cover.jpg?auth_key=1-0-0-abc",
    "Status": "Normal",
    "Size": 1_048_576,
    "Duration": 12.345,
    "CreationTime": "2026-03-01T08:00:00Z",
    "ModificationTime": "2026-03-01T08:05:00Z",
    "StorageLocation": "out-1.oss-cn-shanghai.aliyuncs.com",
}
MOMENT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_a_search_asks_for_a_half_open_window_in_utc(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Total": 0}))
    vod.search(
        created_from=datetime.fromisoformat("2026-03-01T16:00:00+08:00"),
        created_before=datetime(2026, 3, 2, tzinfo=UTC),
        statuses=[VodStatus.NORMAL, VodStatus.CHECKING],
        newest_first=True,
        page_no=3,
        scroll_token="t" * 32,
    )
    asked = liar.requests[0].parameters
    assert asked["Match"] == (
        "CreationTime=['2026-03-01T08:00:00Z','2026-03-02T00:00:00Z')"
        " and Status in ('Normal','Checking')"
    )
    assert asked["SortBy"] == "CreationTime:Desc"
    assert (asked["SearchType"], asked["PageNo"], asked["PageSize"]) == ("video", "3", "100")
    assert asked["ScrollToken"] == "t" * 32


def test_a_search_without_conditions_sends_none(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Total": 0}))
    vod.search()
    assert {"Match", "ScrollToken"}.isdisjoint(liar.requests[0].parameters)


def test_a_status_cannot_smuggle_in_a_condition(vod: VodGateway, liar: Liar) -> None:
    with pytest.raises(ValueError, match="quotation mark"):
        vod.search(statuses=["Normal') or Status in ('Blocked"])
    assert liar.requests == []


def test_a_search_row_leaves_open_what_it_does_not_know(vod: VodGateway, liar: Liar) -> None:
    row = {"MediaId": "v1", "Video": {**VIDEO, "Snapshots": ["http://media.example.com/1.jpg?a=b"]}}
    liar.says(answer({"Total": 6001, "MediaList": [row], "ScrollToken": "next"}))
    before = datetime.now(UTC)
    page = vod.search()
    assert (page.total, page.scroll_token) == (6001, "next")
    [facts] = page.videos
    assert before <= facts.read_at <= datetime.now(UTC)
    assert facts.origin == "search"
    assert (facts.vod_id, facts.title, facts.status) == ("v1", "海边的日落", VodStatus.NORMAL)
    assert (facts.size, facts.duration, facts.cate_id) == (1_048_576, 12.345, 10)
    assert facts.creation_time == MOMENT
    assert facts.cover == "media.example.com/v1/cover.jpg"
    assert facts.snapshots == ("media.example.com/1.jpg",)
    assert (facts.user_data, facts.audit_status, facts.template_group_id) == (None, None, None)


def test_a_single_fetch_knows_everything(vod: VodGateway, liar: Liar) -> None:
    extend = {"userId": "u1", "userName": "阿明", "avatarUrl": "http://media.example.com/u1.png"}
    video = {
        **VIDEO,
        "AuditStatus": "Blocked",
        "TemplateGroupId": "g1",
        "UserData": json.dumps({"Extend": extend}),
        "Snapshots": {"Snapshot": ["http://media.example.com/1.jpg"]},
    }
    liar.says(answer({"Video": video}))
    facts = vod.get_info("v1")
    assert facts.origin == "info"
    assert facts.audit_status == AuditStatus.BLOCKED
    assert facts.template_group_id == "g1"
    assert facts.snapshots == ("media.example.com/1.jpg",)
    assert facts.user_data
    assert facts.user_data.uploader == Uploader("u1", "阿明", "http://media.example.com/u1.png")


def test_numbers_as_text_are_numbers(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Video": {**VIDEO, "Size": "42", "Duration": "7.5", "CateId": "-1"}}))
    facts = vod.get_info("v1")
    assert (facts.size, facts.duration, facts.cate_id) == (42, 7.5, 0)


def test_absent_details_are_empty_and_an_absent_moment_stays_open(
    vod: VodGateway, liar: Liar
) -> None:
    liar.says(answer({"Video": {"VideoId": "v1", "Status": "Uploading"}}))
    facts = vod.get_info("v1")
    assert (facts.title, facts.cover, facts.size, facts.snapshots) == ("", "", 0, ())
    assert (facts.creation_time, facts.user_data, facts.audit_status) == (None, None, "")


@pytest.mark.parametrize(
    "change",
    [{"Size": 10**30}, {"Size": "much"}, {"Duration": float("inf")}, {"CreationTime": "now"}],
    ids=str,
)
def test_what_no_database_stores_is_not_understood(
    vod: VodGateway, liar: Liar, change: dict[str, Any]
) -> None:
    liar.says(answer({"Video": {**VIDEO, **change}}))
    with pytest.raises(CloudUnavailable, match="VOD's answer to GetVideoInfo is not understood"):
        vod.get_info("v1")


def test_characters_that_no_database_stores_are_left_out(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Video": {**VIDEO, "Title": "a\x00b\ud800c"}}))
    assert vod.get_info("v1").title == "ab?c"


def test_an_unknown_status_is_handed_on(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Video": {**VIDEO, "Status": "Archived"}}))
    assert vod.get_info("v1").status == "Archived"


def test_several_are_fetched_with_the_ids_that_are_missing(vod: VodGateway, liar: Liar) -> None:
    video = {**VIDEO, "UserData": '{"Extend":"{\\"userId\\":7}"}', "Snapshots": ["m.example/1.jpg"]}
    liar.says(answer({"VideoList": [video], "NonExistVideoIds": ["v2"]}))
    found = vod.get_infos(["v1", "v2"])
    assert liar.requests[0].parameters["VideoIds"] == "v1,v2"
    assert found.missing_ids == ("v2",)
    [facts] = found.videos
    assert facts.user_data
    assert facts.user_data.uploader == Uploader("7")
    assert facts.audit_status is None
    assert facts.snapshots == ("m.example/1.jpg",)


def test_several_that_are_all_missing_are_no_error(vod: VodGateway, liar: Liar) -> None:
    liar.says(refusal("InvalidVideo.NotFound", 404))
    assert vod.get_infos(["v1", "v2"]).missing_ids == ("v1", "v2")
    assert vod.delete(["v1", "v2"]).missing_ids == ("v1", "v2")


@pytest.mark.parametrize("count", [0, 21])
def test_more_than_twenty_are_not_asked_for(vod: VodGateway, liar: Liar, count: int) -> None:
    ids = [str(number) for number in range(count)]
    for call in (vod.get_infos, vod.delete):
        with pytest.raises(ValueError, match=f"{count} video ids were given; one call takes 1 to"):
            call(ids)
    assert liar.requests == []


@pytest.mark.parametrize("missing", [["v1"], "v1"])
def test_a_deletion_says_what_was_not_deleted(vod: VodGateway, liar: Liar, missing: object) -> None:
    liar.says(answer({"NonExistVideoIds": missing, "ForbiddenVideoIds": "v2,v3"}))
    deleted = vod.delete(["v1", "v2", "v3", "v4"])
    assert (deleted.missing_ids, deleted.forbidden_ids) == (("v1",), ("v2", "v3"))


def test_play_files_are_read_with_numbers_as_text(vod: VodGateway, liar: Liar) -> None:
    stream = {
        "PlayURL": "http://media.example.com/v1/hd.mp4?auth_key=1-0-0-abc",
        "Definition": "HD-NBV1",
        "Format": "mp4",
        "Width": "720",
        "Height": "1280",
        "Size": "5000",
        "Bitrate": "812.5",
        "Fps": "25.0",
        "Duration": "12.3",
        "NarrowBandType": "1.0",
        "JobId": "j1",
        "Status": "Normal",
        "CreationTime": "2026-03-01T08:00:00Z",
    }
    source = {**stream, "Definition": "OD", "NarrowBandType": "0", "JobId": "j2"}
    liar.says(answer({"PlayInfoList": {"PlayInfo": [stream, source]}}))
    narrow, standard = vod.play_files("v1")
    assert liar.requests[0].parameters["ResultType"] == "Multiple"
    assert narrow.path == "media.example.com/v1/hd.mp4"
    assert (narrow.width, narrow.height, narrow.size) == (720, 1280, 5000)
    assert (narrow.bitrate, narrow.fps, narrow.duration) == (812.5, 25.0, 12.3)
    assert (narrow.is_narrowband, narrow.job_id) == (True, "j1")
    assert not standard.is_narrowband


def test_a_blocked_video_plays_nowhere(vod: VodGateway, liar: Liar) -> None:
    liar.says(refusal("Forbidden.IllegalStatus", 403, message="Current Status is Blocked"))
    with pytest.raises(CloudRejected) as caught:
        vod.play_files("v1")
    assert caught.value.code == "Forbidden.IllegalStatus"


def test_snapshots_come_in_the_videos_order(vod: VodGateway, liar: Liar) -> None:
    pictures = [{"Index": index, "Url": f"http://m.example/{index}.jpg?k=1"} for index in (2, 1)]
    liar.says(answer({"MediaSnapshot": {"Total": 2, "Snapshots": {"Snapshot": pictures}}}))
    assert vod.snapshots("v1", SnapshotType.NORMAL) == ("m.example/1.jpg", "m.example/2.jpg")
    assert liar.requests[0].parameters["SnapshotType"] == "NormalSnapshot"


def test_the_source_is_read(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Mezzanine": {"FileURL": "http://m.example/s.mp4?x=1", "Size": 9}}))
    source = vod.mezzanine("v1")
    assert (source.path, source.size) == ("m.example/s.mp4", 9)


def test_an_upload_ticket_carries_the_uploader_along(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"VideoId": "v9", "UploadAddress": "YWRk", "UploadAuth": "YXV0aA=="}))
    ticket = vod.create_upload(
        title="A clip",
        file_name="clip.mp4",
        tags=["sea", "sun"],
        user_data=UserData.of(Uploader("u1", "Ming")),
    )
    asked = liar.requests[0].parameters
    assert ticket.vod_id == "v9"
    assert asked["Tags"] == "sea,sun"
    assert json.loads(asked["UserData"])["Extend"]["userId"] == "u1"
    assert "YXV0aA==" not in repr(ticket)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": "字" * 43}, "The title has 129 bytes of UTF-8; at most 128"),
        ({"description": "x" * 1025}, "The description has 1025 bytes"),
        ({"tags": ["t"] * 17}, "17 tags were given; at most 16"),
        ({"tags": ["字" * 11]}, "has 33 bytes of UTF-8; at most 32"),
        ({"tags": ["a,b"]}, "holds a comma"),
    ],
)
def test_texts_that_vod_would_refuse_are_not_sent(
    vod: VodGateway, liar: Liar, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        vod.update_info("v1", **fields)
    assert liar.requests == []


def test_a_transcode_names_its_session_its_group_and_the_uploader(
    vod: VodGateway, liar: Liar
) -> None:
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
def test_a_session_id_that_vod_would_ignore_or_refuse_is_not_sent(
    vod: VodGateway, liar: Liar, session_id: str
) -> None:
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


def test_decisions_go_out_as_json_with_bytes_as_the_limit(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({}))
    vod.create_audit(
        [
            Audit("v1", AuditStatus.BLOCKED, reason="暴" * 42, comment="#17"),
            Audit("v2", AuditStatus.NORMAL),
        ]
    )
    assert json.loads(liar.requests[0].parameters["AuditContent"]) == [
        {"VideoId": "v1", "Status": "Blocked", "Reason": "暴" * 42, "Comment": "#17"},
        {"VideoId": "v2", "Status": "Normal"},
    ]


@pytest.mark.parametrize(
    ("audits", "message"),
    [
        ([], "0 decisions were given"),
        ([Audit("v", AuditStatus.NORMAL)] * 101, "101 decisions were given"),
        ([Audit("v", AuditStatus.BLOCKED, reason="暴" * 43)], "reason has 129 bytes"),
        ([Audit("v", AuditStatus.NORMAL, comment="x" * 513)], "comment has 513 bytes"),
    ],
)
def test_decisions_beyond_the_limits_are_not_sent(
    vod: VodGateway, liar: Liar, audits: list[Audit], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        vod.create_audit(audits)
    assert liar.requests == []


def test_the_history_of_decisions_is_read_newest_first(vod: VodGateway, liar: Liar) -> None:
    entry = {
        "CreationTime": "2026-03-01T08:00:00Z",
        "Status": "Blocked",
        "Reason": "violence",
        "Comment": "seen twice #17",
        "Auditor": "someone@example.com",
    }
    liar.says(answer({"Total": 1, "Status": "Blocked", "Histories": [entry]}))
    [found] = vod.audit_history("v1")
    assert liar.requests[0].parameters["SortBy"] == "CreationTime:Desc"
    assert (found.created_at, found.status, found.auditor) == (
        MOMENT,
        "Blocked",
        "someone@example.com",
    )
    assert found.comment.endswith("#17")


RESULT = {
    "Suggestion": "block",
    "Label": "porn,ad",
    "AbnormalModules": "video,image-cover",
    "VideoResult": {
        "Suggestion": "block",
        "PornResult": {
            "Label": "porn",
            "MaxScore": "99.1234567890",
            "TopList": [
                {"Label": "porn", "Score": "99.1234567890", "Timestamp": "4000",
                 "Url": "http://r.example/f4.jpg?auth=secret"},
                {"Label": "normal", "Score": "1.0", "Timestamp": "0", "Url": ""},
            ],
        },
        "TerrorismResult": {"TopList": [{"Label": "weapon", "Score": "80", "Timestamp": 2000}]},
    },
    "ImageResult": [
        {"Type": "cover", "Url": "http://r.example/c.jpg?auth=secret",
         "Result": [{"Scene": "ad", "Label": "ad", "Score": "60.5", "Suggestion": "review"}]}
    ],
    "TextResult": [{"Label": "normal", "Score": "0.1"}, {"Label": "spam", "Score": "70"}],
    "AudioResult": [{"Label": "abuse", "Score": 55}],
}  # fmt: skip


def test_a_machine_verdict_is_read_with_its_hits(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"MediaAuditResult": RESULT}))
    result = vod.machine_result("v1")
    assert result
    assert result.suggestion == "block"
    assert (result.labels, result.abnormal_modules) == (("porn", "ad"), ("video", "image-cover"))
    assert [(hit.module, hit.label, hit.timestamp_ms) for hit in result.hits] == [
        ("terrorism", "weapon", 2000),
        ("porn", "porn", 4000),
        ("cover", "ad", None),
        ("title", "spam", None),
        ("audio", "abuse", None),
    ]
    assert result.hits[1] == Hit("porn", 99.123456789, 4000, "porn", "r.example/f4.jpg")  # type: ignore[arg-type]  # a path
    assert result.raw
    assert result.raw["VideoResult"]["PornResult"]["TopList"][0]["Url"] == "r.example/f4.jpg"
    assert "secret" not in json.dumps(result.raw)


@pytest.mark.parametrize(
    "behaviour",
    [
        answer({}),
        answer({"MediaAuditResult": {}}),
        answer({"MediaAuditResult": {"Suggestion": ""}}),
        refusal("MediaAuditResult.NotFound", 404),
    ],
)
def test_no_verdict_yet_is_none(vod: VodGateway, liar: Liar, behaviour: Any) -> None:
    liar.says(behaviour)
    assert vod.machine_result("v1") is None


def test_a_machine_job_that_failed_has_no_result(vod: VodGateway, liar: Liar) -> None:
    job = {"JobId": "j1", "MediaId": "v1", "Status": "fail", "Code": "Timeout", "Message": "late"}
    liar.says(answer({"MediaAuditJob": job}))
    read = vod.machine_job("j1")
    assert read.status == MachineJobStatus.FAILED
    assert (read.code, read.message, read.result) == ("Timeout", "late", None)


def test_a_machine_job_that_succeeded_has_one(vod: VodGateway, liar: Liar) -> None:
    job = {"JobId": "j1", "MediaId": "v1", "Status": "success", "Data": RESULT}
    liar.says(answer({"MediaAuditJob": job}))
    result = vod.machine_job("j1").result
    assert result
    assert len(result.hits) == 5


def test_the_timeline_is_in_the_videos_order(vod: VodGateway, liar: Liar) -> None:
    timeline = {
        "Porn": [{"Label": "sexy", "Score": "70.5", "Timestamp": "9000"}],
        "Logo": [{"Label": "TV", "Score": "80", "Timestamp": "3000"}],
    }
    liar.says(answer({"MediaAuditResultTimeline": timeline}))
    hits = vod.machine_timeline("v1")
    assert [(hit.module, hit.timestamp_ms) for hit in hits] == [("logo", 3000), ("porn", 9000)]


def test_a_machine_review_is_submitted_for_a_video(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"JobId": "j1", "MediaId": "v1"}))
    assert vod.submit_machine_review("v1") == "j1"
    assert liar.requests[0].parameters["MediaType"] == "video"


def test_snapshots_are_spread_evenly(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"SnapshotJob": {"JobId": "j1"}}))
    assert vod.submit_snapshots("v1", count=8) == "j1"
    asked = liar.requests[0].parameters
    assert (asked["Count"], asked["Interval"]) == ("8", "0")


def test_categories_are_read_to_the_last_page(vod: VodGateway, liar: Liar) -> None:
    def category(number: int) -> dict[str, Any]:
        return {"CateId": number, "CateName": f"C{number}", "Level": 0, "ParentId": -1}

    full = [category(number) for number in range(100)]
    liar.says(
        answer({"SubTotal": 101, "SubCategories": {"Category": full}}),
        answer({"SubTotal": 101, "SubCategories": {"Category": [category(100)]}}),
    )
    found = vod.categories()
    assert (len(found), found[-1].name) == (101, "C100")


def test_a_callback_is_configured_with_its_key(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({}))
    vod.set_callback(CallbackSettings(url="https://c.example/cb", auth_key="Key1"))
    asked = liar.requests[0].parameters
    assert (asked["AuthSwitch"], asked["AuthKey"], asked["EventTypeList"]) == ("on", "Key1", "ALL")


def test_a_callback_configuration_is_read_without_showing_its_key(
    vod: VodGateway, liar: Liar
) -> None:
    configured = {
        "CallbackURL": "https://c.example/cb",
        "CallbackType": "HTTP",
        "EventTypeList": "FileUploadComplete,TranscodeComplete",
        "AuthSwitch": "on",
        "AuthKey": "Key1",
    }
    liar.says(answer({"MessageCallback": configured}))
    read = vod.get_callback()
    assert read.auth_key == "Key1"
    assert read.event_types == ("FileUploadComplete", "TranscodeComplete")
    assert "Key1" not in repr(read)


@pytest.mark.parametrize(
    "settings",
    [
        CallbackSettings(url="https://c.example/" + "x" * 256),
        CallbackSettings(url="https://c.example/", auth_key="x" * 33),
        CallbackSettings(url="https://c.example/", auth_key="a-b"),
    ],
)
def test_a_callback_that_vod_would_refuse_is_not_sent(
    vod: VodGateway, liar: Liar, settings: CallbackSettings
) -> None:
    with pytest.raises(ValueError, match=r"at most (256|32)"):
        vod.set_callback(settings)
    assert liar.requests == []


def test_review_addresses_replace_those_before(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({}), answer({"SecurityIpList": [{"Ips": "192.0.2.1,192.0.2.0/24"}]}))
    vod.set_security_ip(["192.0.2.1", "192.0.2.0/24"])
    asked = liar.requests[0].parameters
    assert (asked["Ips"], asked["OperateMode"]) == ("192.0.2.1,192.0.2.0/24", "Cover")
    assert vod.list_security_ip() == ("192.0.2.1", "192.0.2.0/24")
