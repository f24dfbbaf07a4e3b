"""Which calls are retried, and which of the two errors a failure raises."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shortvideo.cloud.cdn import CdnGateway
from shortvideo.cloud.client import CloudSettings, Service
from shortvideo.cloud.errors import CloudError, CloudRejected, CloudUnavailable
from shortvideo.cloud.types import Audit, AuditStatus, CallbackSettings, MediaPath
from shortvideo.cloud.vod import VodGateway
from tests.cloud.liar import REQUEST_ID, Behaviour, Liar, answer, hang_up, raw_json, refusal

AUDITS = [Audit("v1", AuditStatus.NORMAL)]
PATHS = [MediaPath("media.example.com/a.mp4")]

REPEATABLE: dict[str, Callable[[VodGateway], object]] = {
    "SearchMedia": lambda vod: vod.search(),
    "GetVideoInfo": lambda vod: vod.get_info("v1"),
    "GetVideoInfos": lambda vod: vod.get_infos(["v1"]),
    "GetPlayInfo": lambda vod: vod.play_files("v1"),
    "GetMezzanineInfo": lambda vod: vod.mezzanine("v1"),
    "GetTranscodeTask": lambda vod: vod.transcode_task("t1"),
    "ListTranscodeTask": lambda vod: vod.transcode_tasks("v1"),
    "CreateAudit": lambda vod: vod.create_audit(AUDITS),
    "GetAuditHistory": lambda vod: vod.audit_history("v1"),
    "GetMediaAuditResult": lambda vod: vod.machine_result("v1"),
    "GetAIMediaAuditJob": lambda vod: vod.machine_job("j1"),
    "UpdateVideoInfo": lambda vod: vod.update_info("v1", title="New"),
    "RefreshUploadVideo": lambda vod: vod.refresh_upload("v1"),
    "SetMessageCallback": lambda vod: vod.set_callback(CallbackSettings(url="http://c/")),
    "GetMessageCallback": lambda vod: vod.get_callback(),
    "SetAuditSecurityIp": lambda vod: vod.add_security_ips(["192.0.2.1"], group="Default"),
    "ListAuditSecurityIp": lambda vod: vod.security_ips(),
}
ONCE: dict[str, Callable[[VodGateway], object]] = {
    "SubmitTranscodeJobs": lambda vod: vod.submit_transcode("v1", "g1", session_id="s1"),
    "SubmitAIMediaAuditJob": lambda vod: vod.submit_machine_review("v1"),
    "CreateUploadVideo": lambda vod: vod.create_upload(title="T", file_name="t.mp4"),
    "DeleteVideo": lambda vod: vod.delete(["v1"]),
}
CDN_REPEATABLE: dict[str, Callable[[CdnGateway], object]] = {
    "DescribeRefreshTasks": lambda cdn: cdn.tasks("t1"),
    "DescribeRefreshQuota": lambda cdn: cdn.quota(),
}
CDN_ONCE: dict[str, Callable[[CdnGateway], object]] = {
    "PushObjectCache": lambda cdn: cdn.prefetch(PATHS),
    "RefreshObjectCaches": lambda cdn: cdn.purge(PATHS),
}


@pytest.mark.parametrize("behaviour", [hang_up, refusal("InternalError", 500)])
@pytest.mark.parametrize("action", REPEATABLE)
def test_a_repeatable_call_has_three_attempts(
    vod: VodGateway, liar: Liar, action: str, behaviour: Behaviour
) -> None:
    liar.says(behaviour)
    with pytest.raises(CloudUnavailable):
        REPEATABLE[action](vod)
    assert liar.actions == [action] * 3


@pytest.mark.parametrize("behaviour", [hang_up, refusal("InternalError", 500)])
@pytest.mark.parametrize("action", ONCE)
def test_any_other_call_is_sent_once(
    vod: VodGateway, liar: Liar, action: str, behaviour: Behaviour
) -> None:
    liar.says(behaviour)
    with pytest.raises(CloudUnavailable):
        ONCE[action](vod)
    assert liar.actions == [action]


@pytest.mark.parametrize("action", CDN_REPEATABLE)
def test_a_repeatable_cdn_call_has_three_attempts(cdn: CdnGateway, liar: Liar, action: str) -> None:
    liar.says(hang_up)
    with pytest.raises(CloudUnavailable, match="CDN did not answer"):
        CDN_REPEATABLE[action](cdn)
    assert liar.actions == [action] * 3


@pytest.mark.parametrize("action", CDN_ONCE)
def test_any_other_cdn_call_is_sent_once(cdn: CdnGateway, liar: Liar, action: str) -> None:
    liar.says(hang_up)
    with pytest.raises(CloudUnavailable):
        CDN_ONCE[action](cdn)
    assert liar.actions == [action]


def test_a_call_succeeds_after_passing_faults(vod: VodGateway, liar: Liar) -> None:
    liar.says(
        refusal("ServiceUnAvailable", 503),
        hang_up,
        answer({"Total": 7, "MediaList": []}),
    )
    assert vod.search().total == 7


def test_every_attempt_has_a_signature_of_its_own(vod: VodGateway, liar: Liar) -> None:
    liar.says(hang_up)
    with pytest.raises(CloudUnavailable):
        vod.search()
    nonces = {request.headers["x-acs-signature-nonce"] for request in liar.requests}
    assert len(nonces) == 3


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InvalidVideo.NotFound", 404),
        ("InvalidParameter", 400),
        ("Forbidden.IllegalStatus", 403),
        ("ErrorMatchSyntax", 400),
    ],
)
def test_a_refusal_has_its_code_and_id_and_is_not_retried(
    vod: VodGateway, liar: Liar, code: str, status: int
) -> None:
    liar.says(refusal(code, status, message="See http://vod/help?key=1  for more."))
    with pytest.raises(CloudRejected) as caught:
        vod.search()
    error = caught.value
    assert str(error) == f"VOD refused SearchMedia: {code} (request id {REQUEST_ID})."
    assert (error.code, error.request_id) == (code, REQUEST_ID)
    assert error.message == "See http://vod/help for more."
    assert error.is_not_found is (status == 404)
    assert len(liar.requests) == 1


@pytest.mark.parametrize(
    ("code", "status", "attempts"),
    [
        ("Throttling", 503, 3),
        ("Throttling.User", 400, 3),
        ("Throttling.Api", 429, 3),
        ("Busy", 429, 1),
    ],
)
def test_throttling_is_recognised_by_code_or_status(
    vod: VodGateway, liar: Liar, code: str, status: int, attempts: int
) -> None:
    liar.says(refusal(code, status))
    with pytest.raises(CloudUnavailable) as caught:
        vod.search()
    assert caught.value.throttled
    assert caught.value.retry_after is None
    assert caught.value.code == code
    assert len(liar.requests) == attempts


def test_a_time_to_wait_is_returned_without_sleeping(vod: VodGateway, liar: Liar) -> None:
    liar.says(refusal("Throttling.User", 400, headers={"x-acs-retry-after": "1500"}))
    with pytest.raises(CloudUnavailable) as caught:
        vod.search()
    assert caught.value.throttled
    assert caught.value.retry_after == 1.5  # the header counts milliseconds
    assert len(liar.requests) == 1


@pytest.mark.parametrize("milliseconds", [10**10, 10**15, pytest.param(10**400, id="huge")])
def test_an_absurd_time_to_wait_becomes_an_hour(
    vod: VodGateway, liar: Liar, milliseconds: int
) -> None:
    liar.says(refusal("Throttling.User", 400, headers={"x-acs-retry-after": str(milliseconds)}))
    with pytest.raises(CloudUnavailable) as caught:
        vod.search()
    assert caught.value.retry_after == 3600


def test_a_used_up_daily_quota_is_retried_in_an_hour(cdn: CdnGateway, liar: Liar) -> None:
    liar.says(refusal("QuotaExceeded.Preload", 400))
    with pytest.raises(CloudUnavailable) as caught:
        cdn.prefetch(PATHS)
    assert caught.value.throttled
    assert caught.value.retry_after == 3600


@pytest.mark.parametrize("code", ["ServiceUnAvailable", "ServiceUnavailable", "ServiceBusy"])
def test_a_busy_service_is_unavailable_whatever_its_status(
    vod: VodGateway, liar: Liar, code: str
) -> None:
    liar.says(refusal(code, 403))
    with pytest.raises(CloudUnavailable) as caught:
        vod.search()
    assert not caught.value.throttled


@pytest.mark.parametrize(
    "code",
    [
        "InvalidAccessKeyId.NotFound",
        "SignatureDoesNotMatch",
        "InvalidTimeStamp.Expired",
        "OperationDenied.Suspended",
    ],
)
def test_a_fault_of_the_account_waits_for_an_operator(
    vod: VodGateway, liar: Liar, code: str
) -> None:
    liar.says(refusal(code, 403))
    with pytest.raises(CloudUnavailable, match=f"{code} .*check the account") as caught:
        vod.search()
    assert caught.value.retry_after == 60
    assert caught.value.code == code


def test_no_access_key_is_a_fault_of_the_account(cloud_settings: CloudSettings, liar: Liar) -> None:
    vod = VodGateway(Service.vod(replace(cloud_settings, access_key_id="", access_key_secret="")))
    with pytest.raises(CloudUnavailable, match="InvalidCredentials"):
        vod.search()
    assert liar.requests == []


@pytest.mark.parametrize(
    ("code", "error_class"),
    [("InvalidParameter", CloudRejected), ("Throttling", CloudUnavailable)],
)
def test_an_error_with_status_200_is_an_error(
    vod: VodGateway, liar: Liar, code: str, error_class: type[CloudError]
) -> None:
    liar.says(refusal(code, 200))
    with pytest.raises(error_class, match=code):
        vod.create_audit(AUDITS)


NONSENSE = {
    "nothing": answer(b""),
    "html": answer(b"<html><body>Welcome</body></html>"),
    "html on 502": answer(b"<html>Bad gateway</html>", status=502),
    "half an object": answer(b'{"RequestId": "r", "Total": '),
    "a list": raw_json([]),
    "a list of objects": raw_json([{"RequestId": "r"}]),
    "a text": raw_json("fine"),
    "null": raw_json(None),
    "an object without request id": raw_json({}),
    "an error that is a list": answer([], status=400),
    "an error that is a text": answer("no", status=500),
    "broken UTF-8": answer(b'{"RequestId": "\xff\xfe"}'),
    "nested a thousand deep": answer(b'{"RequestId":' + b"[" * 100_000),
    "not modified": answer(b"", status=304),
}


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize("action", [*REPEATABLE, *ONCE])
def test_nonsense_is_unavailable_and_never_success(
    vod: VodGateway, liar: Liar, action: str, what: str
) -> None:
    liar.says(NONSENSE[what])
    with pytest.raises(CloudUnavailable, match=f"VOD.* {action}"):
        (REPEATABLE | ONCE)[action](vod)


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize("action", [*CDN_REPEATABLE, *CDN_ONCE])
def test_nonsense_of_the_cdn_is_unavailable(
    cdn: CdnGateway, liar: Liar, action: str, what: str
) -> None:
    liar.says(NONSENSE[what])
    with pytest.raises(CloudUnavailable):
        (CDN_REPEATABLE | CDN_ONCE)[action](cdn)


WITHOUT_CONTENT = sorted(
    {*REPEATABLE, *ONCE}
    # Answers without content, or with lists that may be absent.
    - {
        "CreateAudit", "DeleteVideo", "GetAuditHistory", "GetCategories", "GetMediaAuditResult",
        "GetPlayInfo", "ListAuditSecurityIp", "ListSnapshots", "ListTranscodeTask",
        "SetAuditSecurityIp", "SetMessageCallback", "UpdateVideoInfo",
    }
)  # fmt: skip


@pytest.mark.parametrize("action", WITHOUT_CONTENT)
def test_an_answer_without_its_content_is_unavailable(
    vod: VodGateway, liar: Liar, action: str
) -> None:
    liar.says(answer({}))
    with pytest.raises(CloudUnavailable, match=f"answer to {action} is not understood: .*"):
        (REPEATABLE | ONCE)[action](vod)


WRONG_TYPES = {
    "SearchMedia": {"MediaList": "none", "Total": 1},
    "GetVideoInfo": {"Video": ["v1"]},
    "GetVideoInfos": {"VideoList": [None]},
    "GetPlayInfo": {"PlayInfoList": {"PlayInfo": {"a": 1}}},
    "GetMezzanineInfo": {"Mezzanine": {"Size": [1]}},
    "GetTranscodeTask": {"TranscodeTask": {"TranscodeTaskId": {}, "TaskStatus": "x"}},
    "ListTranscodeTask": {"TranscodeTaskList": [{"TranscodeTaskId": "t"}]},
    "GetAuditHistory": {"Histories": [{"Status": "Normal", "CreationTime": "yesterday"}]},
    "GetMediaAuditResult": {"MediaAuditResult": {"Suggestion": "pass", "Label": {"a": 1}}},
    "SubmitTranscodeJobs": {"TranscodeTaskId": "t", "TranscodeJobs": [{"JobId": "j"}]},
    "DeleteVideo": {"NonExistVideoIds": [1]},
}


@pytest.mark.parametrize("action", WRONG_TYPES)
def test_an_answer_with_wrong_types_is_unavailable(
    vod: VodGateway, liar: Liar, action: str
) -> None:
    liar.says(answer(WRONG_TYPES[action]))
    with pytest.raises(CloudUnavailable):
        (REPEATABLE | ONCE)[action](vod)
