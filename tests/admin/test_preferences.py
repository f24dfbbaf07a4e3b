"""What operators choose for themselves: the review page, its keys, language and time zone."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.backends import OperatorBackend
from accounts.models import ConsoleToken
from accounts.tokens import issue_token
from tests.admin.conftest import Desk, DeskOf
from tests.factories import PASSWORD, make_operator, make_recommendation, make_video
from videos.admin.reviewing.keys import COMMANDS, keys_of, show_key
from videos.models import Decision, ReviewPreferences, ReviewTaskQuerySet, Source, SyncRun
from videos.services import DecisionInput, describe_review, review_video

URL = "/admin/preferences/"
LATE = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # the next day in Shanghai, the same in New York


def chosen(**values: Any) -> dict[str, Any]:
    """The form of the page as it is sent, with the defaults and these values."""
    keys = {f"key-{name}": show_key(command.key) for name, command in COMMANDS.items()}
    defaults = {
        "next": URL, "language": "", "time_zone": "", "is_blurred": "unknown",
        "is_grey": "unknown", "is_muted": "on", "speed_percent": "100", "order": "oldest",
        "has_single_keys": "on",
    }  # fmt: skip
    return {**keys, **defaults, **values}


def save(desk: Desk, **values: Any) -> Any:
    response = desk.client.post(URL, chosen(**values))
    assert response.status_code == 302, re.findall("errorlist.*", response.content.decode())
    return response


def review_settings(desk: Desk) -> dict[str, Any]:
    """What the script of the review page reads."""
    page = desk.client.get(reverse("review:page")).content.decode()
    found = re.search(r'<script id="review-settings"[^>]*>(.*?)</script>', page)
    assert found is not None
    return dict(json.loads(found[1]))


def test_the_review_page_reads_the_preferences(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    before = review_settings(desk)
    assert before["keys"] == {name: command.key for name, command in COMMANDS.items()}
    assert (before["isMuted"], before["speed"], before["order"]) == (True, 1, "oldest")
    changed = chosen(speed_percent="150", order="riskiest", **{"key-approve": "J"})
    del changed["is_muted"], changed["has_single_keys"]
    assert desk.client.post(URL, changed).headers["Location"] == URL
    after = review_settings(desk)
    assert (after["isMuted"], after["speed"], after["order"]) == (False, 1.5, "riskiest")
    assert after["hasSingleKeys"] is False
    assert (after["keys"]["approve"], after["keyNames"]["approve"]) == ("j", "J")
    assert after["keys"]["skip"] == "s"


def test_a_form_without_its_fields_is_shown_with_errors(desk_of: DeskOf) -> None:
    answer = desk_of("moderator").client.post(URL, {})
    assert answer.status_code == 200
    assert answer.content.decode().count("Choose a key.") == len(COMMANDS)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("k", "k"),
        (" ", " "),
        ("space", " "),
        ("arrowup", "ArrowUp"),
        ("↑", "ArrowUp"),
        ("字", "字"),
    ],
)
def test_a_key_is_a_character_or_has_a_name(desk_of: DeskOf, typed: str, key: str) -> None:
    desk = desk_of("moderator")
    save(desk, **{"key-approve": typed, "key-pause": "W"})
    assert review_settings(desk)["keys"]["approve"] == key


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Choose a key."),
        ("Shift", "Shift, Ctrl, Alt and Meta do nothing alone."),
        ("AltGraph", "Shift, Ctrl, Alt and Meta do nothing alone."),
        ("5", "1 to 9 block with a reason."),
        ("Enter", "This is not one key."),
        ("ab", "This is not one key."),
        ("\u3164", "This is not one key."),
        ("B", "Two commands have this key."),
    ],
)
def test_a_key_that_cannot_be_is_refused(desk_of: DeskOf, typed: str, sentence: str) -> None:
    desk = desk_of("moderator")
    data = chosen(language="zh-hans", **{"key-approve": "B", "key-block": typed})
    response = desk.client.post(URL, data, headers={"Accept-Language": "en"})
    assert response.status_code == 200
    assert sentence in response.content.decode()
    desk.operator.refresh_from_db()
    assert desk.operator.language == ""
    assert not ReviewPreferences.objects.exists()


def test_two_commands_swap_their_keys_and_get_them_back(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    save(desk, order="riskiest", **{"key-approve": "b", "key-block": "a"})
    assert ReviewPreferences.objects.get().keys == {"approve": "b", "block": "a"}
    desk.client.post(URL, {"reset_keys": "1"})
    assert ReviewPreferences.objects.get().keys == {}
    assert review_settings(desk)["order"] == "riskiest"


def test_a_new_command_does_not_take_an_own_key() -> None:
    keys = keys_of({"approve": "?", "gone command": "a"})
    assert (keys["approve"], keys["help"]) == ("?", "")


@pytest.mark.parametrize("team", [True, False])
@pytest.mark.parametrize(("own", "choice"), [(None, "unknown"), (True, "true"), (False, "false")])
def test_blur_is_as_the_team_or_the_operator_says(
    desk_of: DeskOf, settings: Settings, team: bool, own: bool | None, choice: str
) -> None:
    settings.REVIEW_BLUR = settings.REVIEW_GREYSCALE = team
    desk = desk_of("moderator")
    save(desk, is_blurred=choice, is_grey=choice)
    read = review_settings(desk)
    assert read["isBlurred"] is read["isGrey"] is (team if own is None else own)
    page = desk.client.get(URL).content.decode()
    assert ("As the team: on" in page) is team


def test_speed_and_order_are_remembered(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    page, url = "b7f6a3a0-8f2e-4a55-9d5f-3f6f7f6d2c11", reverse("review:remember")
    desk.client.post(url, {"page": page, "speed_percent": 200})
    desk.client.post(url, {"page": page, "order": "riskiest"})
    assert desk.client.post(url, {"page": page, "speed_percent": 300}).status_code == 400
    read = review_settings(desk)
    assert (read["speed"], read["order"]) == (2, "riskiest")


def test_the_orders_are_those_of_the_queue() -> None:
    assert list(ReviewPreferences.Order) == list(ReviewTaskQuerySet.ORDERS)


def test_who_does_not_review_has_language_and_zone_only(desk_of: DeskOf) -> None:
    desk = desk_of("curator")
    assert "key-approve" not in desk.client.get(URL).content.decode()
    save(desk, time_zone="Europe/Berlin", speed_percent="200", reset_keys="1")
    assert not ReviewPreferences.objects.exists()
    desk.operator.refresh_from_db()
    assert desk.operator.time_zone == "Europe/Berlin"
    assert Client().get(URL).status_code == 302


@pytest.mark.parametrize("values", [{"language": "de"}, {"time_zone": "Mars/Olympus"}])
def test_an_unknown_language_or_zone_is_refused(desk_of: DeskOf, values: dict[str, str]) -> None:
    desk = desk_of("curator")
    assert desk.client.post(URL, chosen(**values)).status_code == 200
    desk.operator.refresh_from_db()
    assert (desk.operator.language, desk.operator.time_zone) == ("", "")


def language_of(client: Client, url: str = "/admin/", **headers: str) -> str:
    response = client.get(url, headers=headers or {"Accept-Language": "en"})
    found = re.search(r'<html lang="([^"]+)"', response.content.decode())
    assert found is not None
    assert response.headers["Content-Language"].lower() == found[1].lower()
    return found[1].lower()


def test_the_desk_speaks_the_operators_language(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    browser = {"Accept-Language": "zh-CN"}
    assert language_of(desk.client) == "en"
    assert language_of(desk.client, **browser) == "zh-hans"
    save(desk, language="en")
    assert language_of(desk.client, **browser) == "en"
    save(desk, language="zh-hans")
    assert language_of(desk.client) == language_of(desk.client, reverse("review:page")) == "zh-hans"
    call = desk.client.post(reverse("review:beat"), {"page": "x"})
    assert call.headers["Content-Language"] == "zh-hans"
    # On another machine: in the login page's language until the login.
    other = Client()
    assert language_of(other, "/admin/login/") == "en"
    other.post("/admin/login/", {"username": desk.operator.username, "password": PASSWORD})
    assert language_of(other) == "zh-hans"
    # The login page of this browser keeps the language.
    desk.client.post("/admin/logout/")
    assert language_of(desk.client, "/admin/login/") == "zh-hans"


def test_the_browser_decides_again(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    save(desk, language="zh-hans")
    save(desk, language="")
    assert language_of(desk.client) == "en"


def test_the_login_page_switches_the_language_without_an_account() -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/admin/login/?next=/admin/inbox/").content.decode()
    assert '<button type="submit" name="language" value="zh-hans"' in page
    token = client.cookies["csrftoken"].value
    data = {"language": "zh-hans", "next": "/admin/login/?next=/admin/inbox/"}
    response = client.post("/admin/language/", {**data, "csrfmiddlewaretoken": token})
    assert response.headers["Location"] == data["next"]
    assert language_of(client, data["next"]) == "zh-hans"
    data["next"] = "https://evil.example/"
    response = client.post("/admin/language/", {**data, "csrfmiddlewaretoken": token})
    assert response.headers["Location"] == "/"


def test_the_api_keeps_its_language_and_its_zone(desk_of: DeskOf) -> None:
    desk = desk_of("moderator", language="zh-hans", time_zone="America/New_York")
    video = make_video(creation_time=LATE)
    new = DecisionInput(Decision.BLOCKED, Source.ADMIN, operator=desk.operator, reason="spam")
    review_video(video, new)
    headers = {
        "Authorization": f"Bearer {issue_token(desk.operator)}",
        "Accept-Language": "zh-hans",
    }
    url = f"/console/vod/getVideoById?videoId={video.vod_id}"
    alone = Client().get(url, headers=headers).json()
    with_session = desk.client.get(url, headers=headers).json()
    assert with_session["data"] == alone["data"]
    assert with_session["data"]["creationTime"].startswith("2026-03-02 07:30:00")
    asked = {"mediaId": video.vod_id, "status": "Normal", "ifCensorStatus": "check", "reason": "r"}
    refused = desk.client.post("/console/vod/createAudit", asked, headers=headers).json()
    assert refused["code"] == "409"
    assert refused["message"].startswith("The video's censorStatus is fail by now. Blocked by ")
    assert " +0800. Reason: \u2068spam\u2069" in refused["message"]


def test_times_at_the_desk_are_the_operators(desk_of: DeskOf) -> None:
    make_video(title="Late", creation_time=LATE)
    shanghai, new_york = desk_of("viewer"), desk_of("viewer", time_zone="America/New_York")
    columns = ("2026-03-02 07:30", "2026-03-01 18:30")
    for desk, column, other in ((shanghai, *columns), (new_york, *columns[::-1])):
        page = desk.page("videos_video_changelist")
        assert column in page
        assert other not in page
    assert "America/New_York (UTC-0" in new_york.page("videos_video_changelist")
    assert "Asia/Shanghai (UTC+08:00)" in shanghai.page("videos_video_changelist")
    assert timezone.get_current_timezone_name() == "Asia/Shanghai"


def test_a_day_of_a_filter_is_the_operators(desk_of: DeskOf) -> None:
    make_video(title="Late", creation_time=LATE)
    day = {"creation_time_from": "2026-03-01", "creation_time_to": "2026-03-01"}
    assert "Late" not in desk_of("viewer").page("videos_video_changelist", **day)
    desk = desk_of("viewer", time_zone="America/New_York")
    assert "Late" in desk.page("videos_video_changelist", **day)


def test_sentences_name_the_offset_of_the_operator(desk_of: DeskOf) -> None:
    video = make_video(censor_status="check")
    desk = desk_of("moderator", time_zone="Asia/Kolkata")
    review = review_video(video, DecisionInput(Decision.BLOCKED, Source.API, reason="spam"))
    page = desk.client.post(
        reverse("admin:videos_video_changelist"),
        {"action": "approve", "_selected_action": [video.pk], "confirmed": "1", "seen": "0-1-x"},
    )
    assert " +0530. Reason: \u2068spam\u2069" in page.content.decode()
    assert " +0800. Reason: \u2068spam\u2069" in describe_review(video, review)


def test_a_typed_moment_is_the_operators(desk_of: DeskOf) -> None:
    item = make_recommendation()
    desk = desk_of("curator", time_zone="America/New_York")
    name = "recommendations_recommendation_change"
    assert desk.page(name, item.pk).count("America/New_York (UTC-") >= 3  # two fields, the header
    desk.edit(item, starts_at_0="2026-07-01", starts_at_1="08:00:00")
    item.refresh_from_db()
    assert item.starts_at == datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_a_zone_that_the_machine_has_forgotten_is_the_servers(desk_of: DeskOf) -> None:
    desk = desk_of("viewer", time_zone="US/Nowhere")
    assert "Asia/Shanghai (UTC+08:00)" in desk.page("index")


def test_names_of_rows_have_the_operators_time(desk_of: DeskOf) -> None:
    run = SyncRun(kind="full", started_at=LATE)
    token = ConsoleToken(operator=make_operator(username="mei"), created_at=LATE)
    assert (str(run)[-16:], str(token)) == ("2026-03-02 07:30", "mei, 2026-03-02 07:30")


def test_a_lost_database_is_said_before_the_page_begins(
    desk_of: DeskOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*args: object) -> None:
        raise OperationalError("server closed the connection")

    desk = desk_of("viewer")
    monkeypatch.setattr(OperatorBackend, "get_user", lost)
    assert desk.status("index") == 503


def test_the_roles_permissions_and_scripts_are_in_chinese(desk_of: DeskOf) -> None:
    desk = desk_of("administrator", language="zh-hans")
    page = desk.page("auth_group_add")
    assert "视频 | 视频 | 可播放待审核和已屏蔽的视频" in page
    assert "账号 | 操作员 | 可添加操作员" in page
    assert "Can " not in "".join(re.findall("<option.*", page))
    script = desk.client.get(reverse("admin:jsi18n")).content.decode()
    assert json.dumps("选择全部%s") in script
    assert "Can add console token" in desk_of("administrator").page("auth_group_add")
