"""Each refusal carries a stable word for programs: X-Error-Code."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from shortvideo.console.errors import BadParameter, Refusal
from shortvideo.errors import ErrorCode
from tests.factories import make_operator, make_video
from tests.support.console import ERROR_CODES, Console, envelope, url_of
from videos.models import CensorStatus

pytestmark = pytest.mark.django_db

Ask = Callable[[Console], Any]


def send(method: str, operation: str, **parameters: str) -> Ask:
    def ask(console: Console) -> Any:
        values = console.with_token(dict(parameters))
        return getattr(console.http, method)(url_of(operation), values)

    return ask


def about(operation: str, name: str = "mediaId", method: str = "get", **values: Any) -> Ask:
    """Call the operation about a new video with these values, for a user who owns none."""

    def ask(console: Console) -> Any:
        video = make_video(**values)
        return send(method, operation, **{name: video.vod_id}, userId="nobody")(console)

    return ask


def twice(operation: str) -> Ask:
    def ask(console: Console) -> Any:
        ask_once = send("get", operation, mediaId=make_video().vod_id)
        ask_once(console)
        return ask_once(console)

    return ask


def sign_out_with_anothers_token(console: Console) -> Any:
    other = make_operator(password="another password")
    form = {"userName": other.username, "password": "another password"}
    return send("post", "signOut", **form)(console)


def recommend_waiting(console: Console) -> Any:
    video = make_video(censor_status=CensorStatus.CHECK)
    return send("post", "recommendVideo", videoId=video.vod_id)(console)


def decide_what_was_not_seen(console: Console) -> Any:
    parameters = {"mediaId": make_video().vod_id, "status": "Normal", "ifCensorStatus": "check"}
    return send("get", "createAudit", **parameters)(console)


REFUSALS: dict[str, Ask] = {
    "bad_parameter": send("get", "getVideos", pageSize="0"),
    "wrong_credentials": send("post", "login", userName="nobody", password="no"),
    "not_logged_in": lambda _: Console().http.get(url_of("getVideos")),
    "missing_permission": lambda _: send("get", "createAudit")(Console(make_operator("viewer"))),
    "no_such_video": send("get", "submitTranscode", mediaId="nobody-knows-it"),
    "not_recommended": send("get", "getRecommendVideoById", videoId="nobody-knows-it"),
    "no_such_operation": send("get", "/console/nothing"),
    "wrong_method": send("post", "getVideos"),
    "decision_changed": decide_what_was_not_seen,
    "video_blocked": about("submitTranscode", censor_status=CensorStatus.FAIL),
    "video_not_passed": recommend_waiting,
    "video_not_transcodable": about("submitTranscode", status="Uploading"),
    "job_running": twice("submitTranscode"),
    "not_owner": about("deleteVideoById", "videoId", "post"),
    "other_user": sign_out_with_anothers_token,
    "encoded_body": lambda console: console.http.post(
        url_of("createAudit"), {"a": "b"}, headers={"content-encoding": "gzip"}
    ),
    "unreadable_body": lambda console: console.http.post(
        url_of("createAudit"), "{", content_type="application/json"
    ),
    "unreadable_query": lambda console: console.http.get(
        url_of("getVideos") + "?" + "&".join(f"p{number}=" for number in range(1_001))
    ),
    "body_too_long": lambda console: console.http.post(
        url_of("createAudit"), "a" * 2_000_000, content_type="application/json"
    ),
}


def test_the_page_lists_exactly_the_words_that_there_are() -> None:
    assert set(ErrorCode) == ERROR_CODES


@pytest.mark.parametrize("word", REFUSALS)
@pytest.mark.parametrize("is_compat", [False, True])
def test_a_refusal_carries_its_word(
    is_compat: bool, word: str, console: Console, settings: Any
) -> None:
    settings.CONSOLE_API_COMPAT = is_compat
    response = REFUSALS[word](console)
    assert envelope(response)["result"] == "false"
    assert response["X-Error-Code"] == word


def test_a_blocked_video_is_blocked_for_each_operation(console: Console) -> None:
    blocked = make_video(censor_status=CensorStatus.FAIL)
    response = send("post", "recommendVideo", videoId=blocked.vod_id)(console)
    assert response["X-Error-Code"] == "video_blocked"


def test_a_missing_template_group_has_its_own_word(console: Console, settings: Any) -> None:
    settings.VOD_TRANSCODE_TEMPLATE_GROUP_ID = ""
    response = about("submitTranscode")(console)
    assert response["X-Error-Code"] == "no_template_group"


def test_every_kind_of_refusal_names_its_word() -> None:
    kinds: list[type[Refusal]] = [*Refusal.__subclasses__(), *BadParameter.__subclasses__()]
    for kind in kinds:
        parameters = inspect.signature(kind.__init__).parameters
        names_it = "error_code" in vars(kind) or "error_code" in parameters
        assert names_it, kind


def test_success_carries_no_word(console: Console) -> None:
    assert "X-Error-Code" not in console.http.get(
        url_of("getVideos"), {"consoleToken": console.token}
    )
