"""Refusals: their roles, codes and order, for every operation of the table."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import ConsoleToken
from tests.contract.operations import CHANGING_BY_GET, OPERATIONS
from tests.factories import PASSWORD, make_operator, make_recommendation, make_video
from tests.support.console import Console, envelope, url_of
from videos.models import CensorStatus, ReviewDecision, TranscodeJob, Video

pytestmark = pytest.mark.django_db

READS = {"getVideos", "getVideoById", "getRecommendVideos", "getRecommendVideoById"}
MAY: dict[str, set[str]] = {
    "viewer": READS,
    "moderator": READS | {"createAudit"},
    "curator": READS | {"recommendVideo", "deleteRecommendById", "pushObjectCache"},
}
MAY["operator"] = (
    MAY["moderator"] | MAY["curator"] | {"submitTranscode", "submitTabTranscode", "deleteVideoById"}
)
MAY["administrator"] = MAY["operator"]
NEEDS_PERMISSION = [name for name in OPERATIONS if name != "signOut"]
NEEDS_ID = {
    "getVideoById": "videoId",
    "submitTranscode": "mediaId",
    "submitTabTranscode": "mediaId",
    "createAudit": "mediaId",
    "getRecommendVideoById": "videoId",
    "recommendVideo": "videoId",
    "deleteRecommendById": "videoId",
    "deleteVideoById": "videoId",
}


def ask(console: Console, operation: str, **parameters: Any) -> dict[str, Any]:
    send = console.get if OPERATIONS[operation][0] == "GET" else console.post
    return send(operation, **parameters)


@pytest.mark.parametrize("operation", NEEDS_PERMISSION)
@pytest.mark.parametrize("role", [*MAY, ""])
def test_a_role_may_call_its_own_operations_only(role: str, operation: str) -> None:
    answer = ask(Console(make_operator(role)), operation, **OPERATIONS[operation][1]())
    if operation in MAY.get(role, set()):
        assert answer["code"] == "200"
    else:
        assert answer["code"] == "403"
        assert "permission" in answer["message"]


def test_a_missing_permission_is_named() -> None:
    answer = Console(make_operator("viewer")).get("createAudit")
    assert answer["message"] == "You lack the permission videos.review_video."


@pytest.mark.parametrize("operation", NEEDS_PERMISSION)
@pytest.mark.parametrize("token", ["", "unknown", "ключ", "x" * 5_000, "null"])
def test_every_operation_needs_a_known_token(operation: str, token: str) -> None:
    answer = ask(Console(token=token), operation, **OPERATIONS[operation][1]())
    assert answer["code"] == "403"
    assert "log in" in answer["message"]


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"is_staff": False}, {"password": "md5$another$hash"}]
)
def test_a_token_ends_with_its_operators_rights(console: Console, change: Any) -> None:
    assert console.get("getVideos")["code"] == "200"
    assert console.operator is not None
    type(console.operator).objects.filter(pk=console.operator.pk).update(**change)
    assert console.get("getVideos")["code"] == "403"


def test_a_token_that_is_not_used_expires(console: Console, settings: Any) -> None:
    used = ConsoleToken.objects.get().last_used_at
    ConsoleToken.objects.update(last_used_at=used - timedelta(seconds=settings.CONSOLE_TOKEN_TTL))
    assert console.get("getVideos")["code"] == "403"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_wrong_method_is_405_before_any_other_refusal(operation: str, method: str) -> None:
    allowed = {OPERATIONS[operation][0]}
    if operation in CHANGING_BY_GET:
        allowed = {"GET", "POST"}
    if method in allowed:
        return
    response = Console().http.generic(method, url_of(operation))
    assert response.status_code == 405
    assert envelope(response)["code"] == "405"
    assert set(response["Allow"].split(", ")) == allowed


def test_head_is_405(console: Console) -> None:
    assert console.http.head(url_of("getVideos")).status_code == 405


@pytest.mark.parametrize("operation", NEEDS_PERMISSION)
def test_403_comes_before_400(operation: str) -> None:
    bad = {"pageSize": "0"} if operation.endswith("Videos") else {}
    assert ask(Console(), operation, **bad)["code"] == "403"
    assert ask(Console(make_operator("")), operation, **bad)["code"] == "403"


@pytest.mark.parametrize("operation", NEEDS_ID)
def test_a_missing_id_is_named(operation: str, console: Console) -> None:
    answer = ask(console, operation)
    assert answer["code"] == "400"
    assert answer["message"] == f"{NEEDS_ID[operation]} is required."


@pytest.mark.parametrize("operation", [name for name in NEEDS_ID if name != "getVideoById"])
def test_an_unknown_video_is_404(operation: str, console: Console) -> None:
    others = {"status": "Normal", "userId": "somebody"}
    answer = ask(console, operation, **{NEEDS_ID[operation]: "nobody-knows-it"}, **others)
    assert answer["code"] == "404"


@pytest.mark.parametrize("operation", [name for name in NEEDS_ID if name != "deleteVideoById"])
def test_a_deleted_video_is_404(operation: str, console: Console) -> None:
    video = make_video(recommended=True)
    owner = video.uploader
    assert owner is not None
    console.post("deleteVideoById", videoId=video.vod_id, userId=owner.user_id)
    answer = ask(console, operation, **{NEEDS_ID[operation]: video.vod_id}, status="Normal")
    assert answer["code"] == "404"


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        ("createAudit", {"mediaId": "no", "status": "Maybe"}, "status must be one of"),
        ("createAudit", {"mediaId": "no"}, "status is required."),
        ("recommendVideo", {"videoId": "no", "isNarrow": "yes"}, "isNarrow must be true, false"),
        ("recommendVideo", {"videoId": "no", "coverUrl": "ftp://x/y"}, "coverUrl must be"),
        ("deleteVideoById", {"videoId": "no"}, "userId is required."),
    ],
)
def test_400_comes_before_404(
    operation: str, parameters: dict[str, str], message: str, console: Console
) -> None:
    answer = ask(console, operation, **parameters)
    assert answer["code"] == "400"
    assert message in answer["message"]


@pytest.mark.parametrize(
    "path",
    ["/console", "/console/", "/console/vod", "/console/vod/getVideo", "/console/x?y=1"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_an_unknown_console_path_gets_an_envelope(path: str, method: str) -> None:
    response = Console().http.generic(method, path)
    assert response.status_code == 404
    assert envelope(response)["message"] == "There is no such operation."


def test_409_names_the_reason(console: Console) -> None:
    blocked = make_video(censor_status=CensorStatus.FAIL)
    for operation in ("submitTranscode", "submitTabTranscode"):
        answer = console.get(operation, mediaId=blocked.vod_id)
        assert (answer["code"], answer["message"]) == (
            "409",
            "A blocked video cannot be transcoded.",
        )
    answer = console.post("recommendVideo", videoId=blocked.vod_id)
    assert answer["code"] == "409"
    assert "passed review" in answer["message"]


def test_a_second_transcode_of_the_same_kind_is_409(console: Console) -> None:
    video = make_video()
    assert console.get("submitTranscode", mediaId=video.vod_id)["code"] == "200"
    assert console.get("submitTranscode", mediaId=video.vod_id)["code"] == "409"
    assert console.post("submitTabTranscode", mediaId=video.vod_id)["code"] == "200"
    assert TranscodeJob.objects.count() == 2


@pytest.mark.parametrize("operation", ["deleteVideoById", "recommendVideo"])
def test_another_users_id_is_409_and_changes_nothing(operation: str, console: Console) -> None:
    video, other = make_video(), make_video().uploader
    assert other is not None
    for user_id in (other.user_id, "nobody", *([""] if operation == "deleteVideoById" else [])):
        answer = console.post(operation, videoId=video.vod_id, userId=user_id)
        assert (answer["code"], answer["message"]) == ("409", "userId does not own this video.")
    assert Video.objects.visible().filter(pk=video.pk, recommendation=None).exists()


@pytest.mark.parametrize(
    ("code", "appserver"),
    [("400", "500"), ("404", "500"), ("405", "500"), ("409", "500"), ("401", "401")],
)
def test_the_appservers_clients_get_http_200_and_their_codes(
    code: str, appserver: str, console: Console, settings: Any
) -> None:
    blocked = make_video(censor_status=CensorStatus.FAIL)
    requests = {
        "400": ("GET", "getVideoById", {}),
        "404": ("GET", "submitTranscode", {"mediaId": "no"}),
        "405": ("POST", "getVideos", {}),
        "409": ("POST", "recommendVideo", {"videoId": blocked.vod_id}),
        "401": ("POST", "login", {"userName": "nobody", "password": "no"}),
    }
    method, operation, parameters = requests[code]
    sent = console.http.generic
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    arguments: Any = {"QUERY_STRING": f"{query}&consoleToken={console.token}"}
    documented = sent(method, url_of(operation), **arguments)
    assert (str(documented.status_code), envelope(documented)["code"]) == (code, code)
    settings.CONSOLE_API_COMPAT = True
    answer = sent(method, url_of(operation), **arguments)
    assert (answer.status_code, envelope(answer)["code"]) == (200, appserver)
    assert envelope(answer)["message"] == envelope(documented)["message"]


def test_only_an_unknown_token_is_403_for_appserver_clients(settings: Any) -> None:
    settings.CONSOLE_API_COMPAT = True
    assert Console(token="unknown").get("getVideos")["code"] == "403"
    assert Console(make_operator("viewer")).get("createAudit")["code"] == "500"
    answer = Console().http.get("/console/unknown")
    assert (answer.status_code, envelope(answer)["code"]) == (200, "500")


def test_the_appservers_clients_block_without_a_reason(console: Console, settings: Any) -> None:
    settings.CONSOLE_API_COMPAT = True
    video = make_video()
    assert console.post("createAudit", mediaId=video.vod_id, status="Blocked")["code"] == "200"
    assert ReviewDecision.objects.get().reason == settings.CONSOLE_DEFAULT_BLOCK_REASON


def test_a_request_id_is_new_each_time_and_stored_with_changes(console: Console) -> None:
    video = make_video()
    first = console.get("createAudit", mediaId=video.vod_id, status="Normal")
    assert ReviewDecision.objects.get().request_id == first["requestId"]
    assert console.get("getVideos")["requestId"] != first["requestId"]


def test_cookies_and_csrf_tokens_are_ignored(console: Console) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_operator("operator"))
    video = make_recommendation().video
    refused = envelope(strict.post(url_of("deleteRecommendById"), {"videoId": video.vod_id}))
    assert refused["code"] == "403"
    taken = Console(console.operator, http=Client(enforce_csrf_checks=True))
    assert taken.post("deleteRecommendById", videoId=video.vod_id)["code"] == "200"


def test_login_ignores_a_token(console: Console) -> None:
    assert console.operator is not None
    for token in ("null", "unknown"):
        answer = Console(token=token).post(
            "login", userName=console.operator.username, password=PASSWORD
        )
        assert answer["code"] == "200"
