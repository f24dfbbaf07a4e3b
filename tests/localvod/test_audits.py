"""CreateAudit and GetAuditHistory; the results of machine reviews."""

import json

import pytest
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from tests.localvod.conftest import refused
from tests.support.localvod import LocalVod


def audit(client: Client, *decisions: dict[str, str]) -> None:
    content = json.dumps(list(decisions), ensure_ascii=False)
    client.create_audit(models.CreateAuditRequest(audit_content=content))


def block(video_id: str, reason: str = "violence", comment: str = "") -> dict[str, str]:
    return {"VideoId": video_id, "Status": "Blocked", "Reason": reason, "Comment": comment}


def status(vod: LocalVod, video_id: str) -> str:
    found: str = vod.state(video_id)["video"]["status"]
    return found


def test_a_decision_changes_the_status(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking")
    audit(client, {"VideoId": video_id, "Status": "Normal"})
    assert status(vod, video_id) == "Normal"
    audit(client, block(video_id))
    assert status(vod, video_id) == "Blocked"
    assert vod.audits() == [(video_id, "Normal", ""), (video_id, "Blocked", "violence")]


def test_the_history_has_the_latest_first(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking")
    audit(client, block(video_id, comment="#1"))
    vod.audit_in_console(video_id, "Normal", auditor="mei")
    body = client.get_audit_history(models.GetAuditHistoryRequest(video_id=video_id)).body
    found = [(item.status, item.auditor, item.comment) for item in body.histories]
    assert found == [("Normal", "mei", ""), ("Blocked", "localvod", "#1")]
    assert (body.total, body.status) == (2, "Normal")


def test_a_call_takes_at_most_a_hundred_decisions(vod: LocalVod, client: Client) -> None:
    ids = vod.seed_many([{"status": "Checking"} for _ in range(101)])
    audit(client, *[block(video_id) for video_id in ids[:100]])
    assert len(vod.audits()) == 100
    with refused("InvalidParameter", 400):
        audit(client, *[block(video_id) for video_id in ids])


def test_one_unknown_video_refuses_the_whole_call(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking")
    with refused("InvalidVideo.NotFound", 404):
        audit(client, block(video_id), block("nobody"))
    assert status(vod, video_id) == "Checking"
    assert vod.audits() == []


def test_a_reason_has_at_most_128_bytes(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking")
    audit(client, block(video_id, reason="字" * 42 + "ab"))
    with refused("InvalidParameter", 400):
        audit(client, block(video_id, reason="字" * 43))


def test_a_comment_has_at_most_512_bytes(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking")
    audit(client, block(video_id, comment="c" * 512))
    with refused("InvalidParameter", 400):
        audit(client, block(video_id, comment="c" * 513))


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        ({"Status": "Normal"}, "MissingParameter"),
        ({"VideoId": "v", "Status": "Blocked"}, "MissingParameter"),
        ({"VideoId": "v", "Status": "Perhaps"}, "InvalidParameter"),
    ],
)
def test_incomplete_decisions_are_refused(
    vod: LocalVod, client: Client, decision: dict[str, str], code: str
) -> None:
    with refused(code, 400):
        audit(client, decision)


def test_a_decision_during_transcoding_counts_afterwards(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Transcoding")
    audit(client, {"VideoId": video_id, "Status": "Normal"})
    assert status(vod, video_id) == "Transcoding"
    audit(client, block(video_id))
    assert status(vod, video_id) == "Blocked"


@pytest.mark.parametrize("verdict", ["pass", "review", "block"])
def test_a_machine_review_has_the_documented_shape(
    vod: LocalVod, client: Client, verdict: str
) -> None:
    video_id = vod.seed(status="Checking", verdict=verdict, duration=10.0)
    asked = models.GetMediaAuditResultRequest(media_id=video_id)
    result = client.get_media_audit_result(asked).body.media_audit_result
    assert result.suggestion == verdict
    assert result.text_result[0].type == "title"
    details = client.get_media_audit_result_detail(
        models.GetMediaAuditResultDetailRequest(media_id=video_id, page_no=1)
    ).body.media_audit_result_detail
    assert details.total == (0 if verdict == "pass" else 3)
    timeline = client.get_media_audit_result_timeline(
        models.GetMediaAuditResultTimelineRequest(media_id=video_id)
    ).body.media_audit_result_timeline
    marks = [mark for scene in timeline.to_map().values() for mark in scene]
    expected = [] if verdict == "pass" else ["2000", "5000", "8000"]
    assert [mark["Timestamp"] for mark in marks] == expected
    assert all(0 <= float(mark["Score"]) <= 100 for mark in marks)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"title": "[block] clip", "tags": "verdict:pass", "verdict": "pass"}, "block"),
        ({"tags": "funny,verdict:review", "verdict": "pass"}, "review"),
        ({"verdict": "block"}, "block"),
        ({}, "pass"),
    ],
)
def test_the_verdict_is_from_title_tag_seed_or_default(
    vod: LocalVod, client: Client, facts: dict[str, str], expected: str
) -> None:
    video_id = vod.seed(status="Checking", **facts)
    request = models.SubmitAIMediaAuditJobRequest(media_id=video_id)
    job_id = client.submit_aimedia_audit_job(request).body.job_id
    asked = models.GetAIMediaAuditJobRequest(job_id=job_id)
    job = client.get_aimedia_audit_job(asked).body.media_audit_job
    assert (job.status, job.data.suggestion) == ("success", expected)


def test_a_tag_names_label_and_top_score(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking", tags="verdict:review,hit:weapon:64")
    request = models.SubmitAIMediaAuditJobRequest(media_id=video_id)
    client.submit_aimedia_audit_job(request)
    vod.idle()
    result = client.get_media_audit_result(models.GetMediaAuditResultRequest(media_id=video_id))
    found = result.body.media_audit_result.video_result.terrorism_result
    assert (found.label, float(found.max_score)) == ("weapon", 64.0)
    assert float(found.average_score) < 64


def test_a_review_can_fail(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking", title="clip [error]")
    request = models.SubmitAIMediaAuditJobRequest(media_id=video_id)
    job_id = client.submit_aimedia_audit_job(request).body.job_id
    asked = models.GetAIMediaAuditJobRequest(job_id=job_id)
    assert client.get_aimedia_audit_job(asked).body.media_audit_job.status == "fail"
    with refused("NoSuchResource", 404):
        client.get_media_audit_result(models.GetMediaAuditResultRequest(media_id=video_id))
