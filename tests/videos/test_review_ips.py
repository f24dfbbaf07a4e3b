"""VOD's review security IPs, by command and by page."""

import io
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from shortvideo.cloud import vod_gateway
from shortvideo.outbox.models import Delivery
from tests.factories import make_operator, make_video
from tests.support.localvod import LocalVod
from videos.models import ReviewTask, Video

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("vod_review_ips", *arguments, stdout=output)
    return output.getvalue()


def listed() -> dict[str, tuple[str, ...]]:
    return {group: ips for group, ips in vod_gateway().security_ips().items() if ips}


def test_the_command_adds_lists_and_removes(cloud: LocalVod) -> None:
    assert "plays no pending video" in run("list")
    run("add", "203.0.113.7", "198.51.100.0/24")
    run("add", "--group", "desk", "203.0.113.8")
    assert listed() == {"Default": ("203.0.113.7", "198.51.100.0/24"), "desk": ("203.0.113.8",)}
    assert run("list").splitlines() == [
        "Default\t203.0.113.7",
        "Default\t198.51.100.0/24",
        "desk\t203.0.113.8",
    ]
    run("remove", "203.0.113.7")
    assert listed()["Default"] == ("198.51.100.0/24",)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "server.example.com"], "“server.example.com” is no IP address and no CIDR block"),
        (["add", "203.0.113.7/24"], "the block is 203.0.113.0/24"),
        (["add", "0.0.0.0/0"], "everybody could play pending videos"),
        (["add", "--group", "a b", "203.0.113.7"], "up to 64 letters, digits"),
        (["add", "10.0.0.1"], "has all of these already"),
        (["add", *(f"203.0.113.{each}" for each in range(100))], "at most 100 addresses"),
        (["remove", "203.0.113.7"], "The group “Default” does not have 203.0.113.7."),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_bad_input_gets_a_sentence_and_changes_nothing(
    cloud: LocalVod, arguments: list[str], sentence: str
) -> None:
    run("add", "10.0.0.1")
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    assert sentence in str(refused.value)
    assert listed() == {"Default": ("10.0.0.1",)}


def test_an_eleventh_group_is_refused(cloud: LocalVod) -> None:
    for name in ("Default", *"abcdefghi"):
        vod_gateway().add_security_ips(["10.0.0.1"], group=name)
    with pytest.raises(CommandError, match="VOD has 10 groups"):
        run("add", "--group", "other", "10.0.0.2")


def test_an_outage_is_a_sentence(cloud: LocalVod) -> None:
    cloud.faults({"operation": "ListAuditSecurityIp", "kind": "error", "status": 500})
    with pytest.raises(CommandError, match="VOD"):
        run("list")
    client = Client()
    client.force_login(make_operator("operator"), "accounts.backends.OperatorBackend")
    assert "ListAuditSecurityIp" in client.get(reverse("review_ips")).content.decode()


def test_operators_change_them_on_a_page(cloud: LocalVod) -> None:
    operator, client, url = make_operator("operator"), Client(), reverse("review_ips")
    client.force_login(operator, "accounts.backends.OperatorBackend")
    assert "No address is listed" in client.get(url).content.decode()
    refused = client.post(url, {"address": "here", "group": "Default"})
    assert "“here” is no IP address" in refused.content.decode()
    assert client.post(url, {"address": " 203.0.113.7 ", "group": "desk"}).status_code == 302
    page = client.get(url).content.decode()
    assert f'href="{url}"' in page
    assert "203.0.113.7 added." in page
    assert listed() == {"desk": ("203.0.113.7",)}
    client.post(url, {"address": "203.0.113.7", "group": "desk", "remove": "1"})
    assert listed() == {}
    logged = LogEntry.objects.filter(user=operator).order_by("pk")
    assert ["add review IPs" in entry.change_message for entry in logged] == [True, False]


@pytest.mark.parametrize("role", ["viewer", "moderator", "curator"])
def test_other_roles_do_not_reach_the_page(db: None, role: str) -> None:
    client, url = Client(), reverse("review_ips")
    client.force_login(make_operator(role), "accounts.backends.OperatorBackend")
    assert client.get(url).status_code == client.post(url).status_code == 403
    assert f'href="{url}"' not in client.get(reverse("admin:index")).content.decode()


def signed_at(url: str) -> int:
    """The second in the CDN's signature. A URL is valid for a fixed time after it."""
    return int(url.partition("auth_key=")[2].partition("-")[0])


def test_the_review_page_plays_pending_clips_from_a_review_ip(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Checking")
    video = make_video(
        vod_id=vod_id, status="Checking", censor_status="check", files=[], source_path=""
    )
    ReviewTask.objects.create(video=video, cause="new")
    client, page = Client(), uuid4()
    client.force_login(make_operator("moderator"), "accounts.backends.OperatorBackend")

    def post(name: str, **values: object) -> dict[str, Any]:
        return dict(client.post(reverse(f"review:{name}"), {"page": page, **values}).json())

    [clip] = post("clips", limit=1, order="oldest")["clips"]
    assert "only to review security IPs" in clip["unplayable"]
    refused = post("play", claim=clip["claim"])
    assert refused == {"sources": [], "sentence": clip["unplayable"]}
    run("add", "127.0.0.1")
    Video.objects.update(status="Transcoding")
    refusal = {"kind": "error", "code": "Forbidden.IllegalStatus", "status": 403}
    cloud.faults({"operation": "GetPlayInfo", **refusal})
    assert "not finished transcoding" in post("play", claim=clip["claim"])["sentence"]
    cloud.faults()
    answer = post("play", claim=clip["claim"])
    assert [source["label"] for source in answer["sources"]] == ["476p", "360p"]
    assert all(cloud.get(source["url"]).status_code == 200 for source in answer["sources"])
    vods_own = vod_gateway().play_files(vod_id)[0].url  # valid as long as VOD's URLs usually are
    assert all(signed_at(source["url"]) < signed_at(vods_own) for source in answer["sources"])
    assert Delivery.objects.open().filter(kind="read_video", subject=vod_id).exists()
    cloud.faults({"operation": "GetPlayInfo", "kind": "error", "status": 500})
    assert "VOD" in post("play", claim=clip["claim"])["sentence"]
