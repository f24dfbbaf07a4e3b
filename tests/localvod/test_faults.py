"""Faults on request, the published rate limits, and the ledger of calls."""

import time
from pathlib import Path

import pytest
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client
from Tea.exceptions import TeaException

from localvod.store import Database
from tests.localvod.conftest import refused, sdk_config
from tests.support.localvod import LocalVod


def rename(client: Client, video_id: str, title: str) -> None:
    client.update_video_info(models.UpdateVideoInfoRequest(video_id=video_id, title=title))


def title(vod: LocalVod, video_id: str) -> str:
    found: str = vod.state(video_id)["video"]["title"]
    return found


def test_an_error_fault_prevents_the_operation(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(title="old")
    vod.faults(
        {"operation": "UpdateVideoInfo", "kind": "error", "code": "Throttling.User", "status": 400}
    )
    with refused("Throttling.User", 400):
        rename(client, video_id, "new")
    assert title(vod, video_id) == "old"
    client.get_video_info(models.GetVideoInfoRequest(video_id=video_id))


@pytest.mark.parametrize("kind", ["lost", "error", "body"])
def test_a_fault_after_the_operation_loses_only_the_answer(
    vod: LocalVod, client: Client, kind: str
) -> None:
    video_id = vod.seed(title="old")
    vod.faults({"operation": "UpdateVideoInfo", "kind": kind, "is_after": True, "times": 1})
    with pytest.raises(TeaException):
        rename(client, video_id, "new")
    assert title(vod, video_id) == "new"
    entry = vod.ledger("UpdateVideoInfo")[0]
    assert (entry["is_accepted"], entry["fault"]) == (True, kind)
    rename(client, video_id, "newer")


def test_a_rule_skips_the_first_calls(vod: LocalVod, client: Client) -> None:
    request = models.GetVideoInfoRequest(video_id=vod.seed())
    vod.faults({"kind": "error", "code": "ServiceUnAvailable", "skip": 2, "times": 1})
    client.get_video_info(request)
    client.get_video_info(request)
    with refused("ServiceUnAvailable"):
        client.get_video_info(request)
    client.get_video_info(request)


def test_a_lost_call_is_not_executed(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(title="old")
    vod.faults({"operation": "UpdateVideoInfo", "kind": "lost"})
    with pytest.raises(TeaException):
        rename(client, video_id, "new")
    assert title(vod, video_id) == "old"
    assert vod.ledger("UpdateVideoInfo", accepted=True) == []


def test_a_body_fault_answers_any_bytes(vod: LocalVod) -> None:
    vod.faults({"kind": "body", "body": "<html>busy</html>", "status": 200, "content_type": "t/h"})
    client = Client(sdk_config(vod))
    with pytest.raises(TeaException):
        client.get_categories(models.GetCategoriesRequest())


def test_latency_and_drip_delay_an_answer(vod: LocalVod, client: Client) -> None:
    for rule in ({"latency_seconds": 0.3}, {"drip_seconds": 0.3}):
        vod.faults(rule)
        started = time.monotonic()
        assert client.get_categories(models.GetCategoriesRequest()).body.sub_total
        assert time.monotonic() - started >= 0.3


def test_delays_add_up_until_the_first_error_rule(vod: LocalVod, client: Client) -> None:
    vod.faults(
        {"latency_seconds": 0.2},
        {"operation": "GetCategories", "latency_seconds": 0.2},
        {"kind": "error", "code": "First", "status": 400, "latency_seconds": 0.1, "times": 1},
        {"kind": "error", "code": "Second", "status": 400, "latency_seconds": 9},
    )
    started = time.monotonic()
    with refused("First", 400):
        client.get_categories(models.GetCategoriesRequest())
    assert time.monotonic() - started >= 0.5
    left = [rule["times"] for rule in vod.control("GET", "faults")["rules"]]
    assert left == [None, None, 0, None]


def test_the_same_seed_gives_the_same_faults(vod: LocalVod, client: Client) -> None:
    def outcomes() -> list[bool]:
        vod.faults({"kind": "error", "rate": 0.5}, seed=7)
        before = len(vod.ledger())
        for _ in range(20):
            try:
                client.get_categories(models.GetCategoriesRequest())
            except TeaException:
                continue
        return [entry["is_accepted"] for entry in vod.ledger()[before:]]

    first = outcomes()
    assert outcomes() == first
    assert 3 < sum(first) < 17


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"rules": [{"kind": "boom"}]}, "kind is one of error, lost, body"),
        ({"rules": [{"rate": 2}]}, "rate must be a number from 0 to 1, not 2"),
        ({"rules": [{"rate": True}]}, "rate must be a number from 0 to 1, not True"),
        ({"rules": [{"rate": "1"}]}, "rate must be a number from 0 to 1, not '1'"),
        ({"rules": [{"skip": -1}]}, "skip must be a whole number from 0 to 1000000000, not -1"),
        ({"rules": [{"skip": 1.5}]}, "skip must be a whole number"),
        ({"rules": [{"skip": None}]}, "skip must be a whole number"),
        ({"rules": [{"times": -1}]}, "times must be a whole number from 0"),
        ({"rules": [{"status": 1000}]}, "status must be a whole number from 200 to 599"),
        (
            {"rules": [{"latency_seconds": -0.1}]},
            "latency_seconds must be a number from 0 to 86400",
        ),
        ({"rules": [{"drip_seconds": 1e9}]}, "drip_seconds must be a number from 0 to 86400"),
        ({"rules": [{"retry_after": -5}]}, "retry_after must be a whole number from 0 to 86400"),
        ({"rules": [{"code": 5}]}, "code must be a text, not 5"),
        ({"rules": [{"is_after": 1}]}, "is_after must be true or false, not 1"),
        ({"rules": {"kind": "error"}}, "rules must be a list"),
        ({"seed": 0.5}, "seed must be a whole number"),
        ({"rules": [{"colour": "red"}]}, "rule has no 'colour'"),
        ({"callbacks": {"drop": "often"}}, "callbacks.drop must be a number from 0 to 1"),
        ({"callback": {}}, "faults has no 'callback'"),
    ],
)
def test_an_invalid_fault_is_refused_with_a_sentence(
    vod: LocalVod, wanted: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        vod.control("POST", "faults", wanted)


def test_the_ledger_has_each_call_with_its_effect(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed()
    with refused("InvalidVideo.NotFound"):
        client.get_video_info(models.GetVideoInfoRequest(video_id="nobody"))
    body = client.delete_video(models.DeleteVideoRequest(video_ids=video_id)).body
    entry = vod.ledger("DeleteVideo")[0]
    assert entry["effect"] == {"deleted": [video_id]}
    assert entry["request_id"] == body.request_id
    assert entry["parameters"] == {"VideoIds": video_id}
    assert [item["code"] for item in vod.ledger()] == ["InvalidVideo.NotFound", ""]
    assert [item["operation"] for item in vod.ledger(accepted=True)] == ["DeleteVideo"]
    assert [item["operation"] for item in vod.ledger(video_id=video_id)] == ["DeleteVideo"]


def test_the_ledger_shows_tens_of_thousands_of_calls(vod: LocalVod) -> None:
    count = 20_500
    with Database(vod.state_folder / "localvod.sqlite3").transaction() as tx:
        tx.execute(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT ?) "
            "INSERT INTO ledger (at, product, operation, request_id, parameters, effect, video_ids)"
            " SELECT n, 'vod', 'GetVideoInfo', n, '{}', '{}', '[]' FROM numbers",
            (count,),
        )
    numbers = [int(entry["request_id"]) for entry in vod.ledger()]
    assert numbers == list(range(1, count + 1))


def test_the_ledger_hides_keys(vod: LocalVod, client: Client) -> None:
    client.set_message_callback(
        models.SetMessageCallbackRequest(
            callback_type="HTTP",
            callback_url="http://127.0.0.1:9/",
            auth_switch="on",
            auth_key="Secret1",
        )
    )
    assert vod.ledger("SetMessageCallback")[0]["parameters"]["AuthKey"] == "***"


def test_published_rates_are_enforced_on_request(tmp_path: Path) -> None:
    with LocalVod(tmp_path, rate_limits="on") as vod:
        client = Client(sdk_config(vod))
        request = models.SetAuditSecurityIpRequest(ips="10.0.0.1")
        codes = set()
        for _ in range(60):  # the limit is ten a second
            try:
                client.set_audit_security_ip(request)
            except TeaException as error:
                codes.add(error.code)
        assert codes == {"Throttling.User"}


def test_control_endpoints_refuse_with_a_sentence(vod: LocalVod) -> None:
    with pytest.raises(ValueError, match="There is no fact 'colour'"):
        vod.seed(colour="red")
    with pytest.raises(ValueError, match="status must be one of Normal, Checking"):
        vod.seed(status="Lost")
    with pytest.raises(ValueError, match="exists already"):
        vod.seed(id=vod.seed())
    with pytest.raises(ValueError, match="There is no video nobody"):
        vod.state("nobody")
