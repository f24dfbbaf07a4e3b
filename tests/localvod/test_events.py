"""Events: their URLs, signatures and attempts."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from tests.localvod.conftest import refused
from tests.support.localvod import LocalVod
from tests.support.receiver import Received, Receiver

KEY = "Abc123"


def configure(client: Client, url: str, types: str = "ALL", **parameters: str) -> None:
    client.set_message_callback(
        models.SetMessageCallbackRequest(
            callback_type="HTTP", callback_url=url, event_type_list=types, **parameters
        )
    )


def user_data(url: str = "", extend: object = None) -> str:
    data: dict[str, Any] = {}
    if url:
        data["MessageCallback"] = {"CallbackURL": url, "CallbackType": "http"}
    if extend is not None:
        data["Extend"] = extend
    return json.dumps(data)


def transcode(client: Client, video_id: str, data: str = "") -> None:
    client.submit_transcode_jobs(
        models.SubmitTranscodeJobsRequest(
            video_id=video_id, template_group_id="narrowband-template-group", user_data=data
        )
    )


def test_events_are_signed_with_url_time_and_key(vod: LocalVod, client: Client) -> None:
    with Receiver() as receiver:
        configure(client, receiver.url, auth_switch="on", auth_key=KEY)
        vod.seed(announce=True, uploader={"userId": "1"})
        vod.idle()
        headers = receiver.received[0].headers
        timestamp = headers["x-vod-timestamp"]
        signed = f"{receiver.url}|{timestamp}|{KEY}"
        assert headers["x-vod-signature"] == hashlib.md5(signed.encode()).hexdigest()
        assert abs(time.time() - int(timestamp)) < 60
        assert receiver.received[0].body["EventType"] == "FileUploadComplete"


def test_without_a_key_there_are_no_signature_headers(vod: LocalVod, client: Client) -> None:
    with Receiver() as receiver:
        configure(client, receiver.url)
        vod.seed(announce=True)
        vod.idle()
        assert "x-vod-signature" not in receiver.received[0].headers


def test_a_decision_emits_an_event_with_its_auditor(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking")
    with Receiver() as receiver:
        configure(client, receiver.url)
        content = [{"VideoId": video_id, "Status": "Blocked", "Reason": "暴力", "Comment": "#9"}]
        request = models.CreateAuditRequest(audit_content=json.dumps(content))
        client.create_audit(request)
        vod.idle()
        body = receiver.of("CreateAuditComplete")[0].body
    assert (body["MediaId"], body["AuditStatus"]) == (video_id, "Blocked")
    assert (body["Reason"], body["Auditor"], body["SubType"]) == ("暴力", "localvod", "video")
    assert "Comment" not in body


def test_changes_and_deletions_emit_events(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(title="old")
    with Receiver() as receiver:
        configure(client, receiver.url)
        client.update_video_info(models.UpdateVideoInfoRequest(video_id=video_id, title="new"))
        client.delete_video(models.DeleteVideoRequest(video_ids=video_id))
        vod.idle()
        changes = receiver.of("MediaBaseChangeComplete")
        deletion = receiver.of("DeleteMediaComplete")[0].body
    contents = {item.body["OperateMode"]: item.body["MediaContent"] for item in changes}
    assert sorted(contents) == ["delete", "update"]  # sent side by side, in any order
    assert json.loads(contents["update"]["Title"]) == {"OldValue": "old", "NewValue": "new"}
    assert (deletion["MediaId"], deletion["DeleteType"]) == (video_id, "all")


def test_a_creation_emits_its_event_before_the_upload(vod: LocalVod, client: Client) -> None:
    with Receiver() as receiver:
        configure(client, receiver.url)
        request = models.CreateUploadVideoRequest(title="新的", file_name="clip.mp4")
        created = client.create_upload_video(request).body
        vod.idle()
        [told] = (item.body for item in receiver.received)
    assert (told["EventType"], told["OperateMode"]) == ("MediaBaseChangeComplete", "create")
    assert told["MediaId"] == created.video_id
    assert json.loads(told["MediaContent"]["Title"]) == {"OldValue": "", "NewValue": "新的"}


def test_only_configured_event_types_are_sent(vod: LocalVod, client: Client) -> None:
    with Receiver() as receiver:
        configure(client, receiver.url, types="AIComplete")
        vod.seed(announce=True, verdict="pass")
        configure(client, receiver.url, types="")
        vod.seed(announce=True, verdict="pass")
        vod.idle()
        assert [item.body["EventType"] for item in receiver.received] == ["AIMediaAuditComplete"]


def test_a_job_url_beats_the_upload_url_and_the_global_url(vod: LocalVod, client: Client) -> None:
    with Receiver() as everyone, Receiver() as upload, Receiver() as job:
        configure(client, everyone.url)
        bound = vod.seed(user_data=user_data(upload.url, extend="at upload"))
        transcode(client, bound)
        transcode(client, bound, user_data(job.url, extend={"delivery": 5}))
        vod.idle()
        assert everyone.received == []
        ours, theirs = job.of("TranscodeComplete"), upload.of("TranscodeComplete")
    assert [json.loads(item.body["Extend"]) for item in ours] == [{"delivery": 5}]
    assert ["Extend" in item.body for item in theirs] == [False]


def test_an_event_is_delivered_once_while_others_are_queued(vod: LocalVod, client: Client) -> None:
    with Receiver() as receiver:
        configure(client, receiver.url)
        for _ in range(150):
            vod.seed(announce=True)
        vod.idle()
        counts = Counter(item.body["VideoId"] for item in receiver.of("FileUploadComplete"))
    assert (len(counts), set(counts.values())) == (150, {1})


@dataclass(frozen=True)
class Attempts:
    """When each attempt of an event came, and what localvod says of the event at last."""

    moments: list[float]
    event: dict[str, Any]


@pytest.fixture(scope="module")
def attempts(localvod_server: LocalVod) -> dict[str, Attempts]:
    """Three events by what their receiver does. They wait at the same time: for six seconds."""
    slow, statuses = iter([5.5, 0.0]), iter([204, 200])

    def answer_slowly(_: Received) -> int:
        time.sleep(next(slow))
        return 200

    answers: dict[str, Callable[[Received], int]] = {
        "refuses": lambda _: 400,
        "answers 204 first": lambda _: next(statuses),
        "is slow first": answer_slowly,
    }
    localvod_server.reset()
    with ExitStack() as stack:
        receivers = {name: stack.enter_context(Receiver(answers[name])) for name in answers}
        for name, receiver in receivers.items():
            localvod_server.send_event({"EventType": name}, receiver.url)
        localvod_server.idle()
    return {
        event["body"]["EventType"]: Attempts(
            [item.at for item in receivers[event["body"]["EventType"]].received], event
        )
        for event in localvod_server.events()
    }


def test_an_event_is_dropped_after_three_attempts(attempts: dict[str, Attempts]) -> None:
    moments, event = attempts["refuses"].moments, attempts["refuses"].event
    assert len(moments) == 3
    assert all(later - earlier >= 1 for earlier, later in pairwise(moments))
    assert (event["state"], event["attempts"]) == ("dropped", 3)
    assert event["error"] == "answered 400"


@pytest.mark.parametrize("receiver", ["answers 204 first", "is slow first"])
def test_an_answer_that_is_no_200_within_five_seconds_is_retried(
    attempts: dict[str, Attempts], receiver: str
) -> None:
    assert len(attempts[receiver].moments) == 2
    event = attempts[receiver].event
    assert (event["state"], event["attempts"]) == ("delivered", 2)


def test_faults_drop_duplicate_and_reorder_callbacks(vod: LocalVod, client: Client) -> None:
    with Receiver() as receiver:
        configure(client, receiver.url)
        vod.faults(callbacks={"drop": 1.0})
        lost = vod.seed(announce=True)
        vod.idle()
        assert callback_counts(vod) == {"callbacks": 1, "dropped": 1, "doubled": 0, "held_back": 0}
        vod.faults(callbacks={"duplicate": 1.0})
        twice = vod.seed(announce=True)
        vod.idle()
        assert callback_counts(vod) == {"callbacks": 1, "dropped": 0, "doubled": 1, "held_back": 0}
        assert [item.body["VideoId"] for item in receiver.received] == [twice, twice]
        vod.faults(callbacks={"reorder": 0.5}, seed=3)
        sent = vod.seed_many([{"announce": True} for _ in range(20)])
        vod.idle()
        arrived = [item.body["VideoId"] for item in receiver.received[2:]]
    assert sorted(arrived) == sorted(sent)
    assert arrived != sent
    assert 0 < callback_counts(vod)["held_back"] < callback_counts(vod)["callbacks"] == 20
    assert vod.events(lost)[0]["error"] == "dropped by a fault"


def callback_counts(vod: LocalVod) -> dict[str, int]:
    """The counts of callbacks since the faults were set."""
    counts: dict[str, int] = vod.control("GET", "faults")["met"]
    return counts


def test_a_control_request_sends_any_event(vod: LocalVod, client: Client) -> None:
    with Receiver() as receiver:
        configure(client, receiver.url)
        vod.send_event({"EventType": "SomethingNew", "Answer": 42})
        vod.idle()
        assert receiver.received[0].body == {"EventType": "SomethingNew", "Answer": 42}


def test_the_callback_configuration_shows_its_key(vod: LocalVod, client: Client) -> None:
    configure(client, "http://127.0.0.1:9/x", auth_switch="on", auth_key=KEY)
    request = models.GetMessageCallbackRequest()
    found = client.get_message_callback(request).body.message_callback
    assert (found.callback_url, found.auth_key, found.auth_switch) == (
        "http://127.0.0.1:9/x",
        KEY,
        "on",
    )


def test_invalid_callback_configurations_are_refused(vod: LocalVod, client: Client) -> None:
    with refused("InvalidParameter", 400):
        configure(client, "http://h.example/" + "x" * 240)
    with refused("InvalidParameter", 400):
        configure(client, "ftp://h.example/")
    with refused("InvalidParameter", 400):
        configure(client, "http://h.example/", types="Unheard")
    with refused("InvalidParameter", 400):
        configure(client, "http://h.example/", auth_switch="on", auth_key="with-hyphen")
    with refused("MissingParameter", 400):
        configure(client, "http://h.example/", auth_switch="on")
