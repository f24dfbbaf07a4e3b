"""Decisions and machine review: requests and answers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shortvideo.cloud.types import (
    Audit,
    AuditStatus,
    Hit,
    MachineJobStatus,
)
from shortvideo.cloud.vod import VodGateway
from tests.cloud.liar import Liar, answer, refusal

MOMENT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_decisions_are_sent_as_json(vod: VodGateway, liar: Liar) -> None:
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
def test_a_missing_verdict_is_none(vod: VodGateway, liar: Liar, behaviour: Any) -> None:
    liar.says(behaviour)
    assert vod.machine_result("v1") is None


def test_a_failed_machine_job_has_no_result(vod: VodGateway, liar: Liar) -> None:
    job = {"JobId": "j1", "MediaId": "v1", "Status": "fail", "Code": "Timeout", "Message": "late"}
    liar.says(answer({"MediaAuditJob": job}))
    read = vod.machine_job("j1")
    assert read.status == MachineJobStatus.FAILED
    assert (read.code, read.message, read.result) == ("Timeout", "late", None)


def test_a_successful_machine_job_has_a_result(vod: VodGateway, liar: Liar) -> None:
    job = {"JobId": "j1", "MediaId": "v1", "Status": "success", "Data": RESULT}
    liar.says(answer({"MediaAuditJob": job}))
    result = vod.machine_job("j1").result
    assert result
    assert len(result.hits) == 5


def test_a_machine_review_is_submitted_for_a_video(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"JobId": "j1", "MediaId": "v1"}))
    assert vod.submit_machine_review("v1") == "j1"
    assert liar.requests[0].parameters["MediaType"] == "video"


def test_urls_of_hit_pictures_are_vods_own(vod: VodGateway, liar: Liar) -> None:
    signed = "http://temp.oss-cn-shanghai.aliyuncs.com/aivideocensor/1.jpg?Signature=s"
    frames = [{"Label": "ad", "Url": url} for url in (signed, "http://10.0.0.1/2.jpg", "")]
    result = {"Suggestion": "review", "VideoResult": {"AdResult": {"TopList": frames}}}
    liar.says(answer({"MediaAuditResult": result}))
    path = "temp.oss-cn-shanghai.aliyuncs.com/aivideocensor/1.jpg"
    assert vod.hit_picture_urls("v1") == {path: signed}


def test_review_addresses_are_added_and_listed_by_group(vod: VodGateway, liar: Liar) -> None:
    groups = [{"SecurityGroupName": "desk", "Ips": "192.0.2.1,192.0.2.0/24"}]
    liar.says(answer({}), answer({"SecurityIpList": groups}))
    vod.add_security_ips(["192.0.2.1", "192.0.2.0/24"], group="desk")
    asked = liar.requests[0].parameters
    assert (asked["Ips"], asked["OperateMode"]) == ("192.0.2.1,192.0.2.0/24", "Append")
    assert asked["SecurityGroupName"] == "desk"
    assert vod.security_ips() == {"desk": ("192.0.2.1", "192.0.2.0/24")}
