"""Walks through the lists with `cursor`, as docs/webhooks.md says."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from recommendations.models import Recommendation
from recommendations.services import remove_recommendation
from tests.factories import make_recommendation, make_video
from tests.support.console import Console
from videos.models import Decision, Source, Video
from videos.services import DecisionInput, delete_video, review_video

pytestmark = pytest.mark.django_db
LISTS = ["getVideos", "getRecommendVideos"]


def step(console: Console, operation: str, cursor: str = "", **asked: Any) -> dict[str, Any]:
    answer = console.get(operation, cursor=cursor, **{"pageSize": 3, **asked})
    assert answer["code"] == "200", answer["message"]
    data: dict[str, Any] = answer["data"]
    return data


def ids_of(data: dict[str, Any]) -> list[str]:
    return [video["videoId"] for video in data["videoList"]]


def change_something(chance: random.Random, loyal: set[int]) -> None:
    """Change the lists in one way; the videos in `loyal` stay on them."""
    video = chance.choice([each for each in Video.objects.visible() if each.pk not in loyal])
    item = Recommendation.objects.filter(video=video).first()
    kind = chance.choice(["add", "delete", "block", "take off", "move", "created", "changed"])
    if kind == "add":
        make_video(recommended=True)
    elif kind == "delete":
        delete_video(video)
    elif kind == "block":
        review_video(video, DecisionInput(Decision.BLOCKED, Source.API, reason="violence"))
    elif kind == "take off" and item is not None:
        remove_recommendation(item)
    elif kind == "move":
        moved = chance.choice(sorted(loyal))
        Recommendation.objects.filter(video=moved).update(
            position=chance.randint(1, 9), recommended_at=timezone.now()
        )
    elif kind == "created":
        moment = timezone.now() - timedelta(days=chance.randint(0, 900))
        Video.objects.filter(pk=chance.choice(sorted(loyal))).update(creation_time=moment)
    else:
        Video.objects.filter(pk=chance.choice(sorted(loyal))).update(changed_at=timezone.now())


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("operation", LISTS)
def test_a_walk_sees_each_row_that_stays_once(operation: str, seed: int, console: Console) -> None:
    chance = random.Random(seed)
    videos = [make_video(recommended=True) for _ in range(16)]
    loyal = set(chance.sample([video.pk for video in videos], 8))
    seen: list[str] = []
    data = step(console, operation)
    while True:
        seen += ids_of(data)
        if not data["nextCursor"]:
            break
        for _ in range(2):
            change_something(chance, loyal)
        data = step(console, operation, data["nextCursor"])
    assert len(seen) == len(set(seen))
    assert {video.vod_id for video in videos if video.pk in loyal} <= set(seen)


@pytest.mark.parametrize("operation", LISTS)
def test_as_of_finds_what_changed_during_a_walk(
    operation: str, console: Console, settings: Settings
) -> None:
    settings.TIME_ZONE = "America/New_York"
    make_video(recommended=True, changed_at=timezone.now() - timedelta(seconds=1))
    before = timezone.now()
    first = step(console, operation)
    assert before <= datetime.fromisoformat(first["asOf"]) <= timezone.now()
    changed = make_video(recommended=True)
    assert ids_of(step(console, operation, updatedSince=first["asOf"])) == [changed.vod_id]


@pytest.mark.parametrize("operation", LISTS)
def test_a_walk_needs_no_local_time_in_the_repeated_hour(
    operation: str, console: Console, settings: Settings
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    begin = datetime.fromisoformat("2025-10-26T00:30:00+00:00")  # 2:30, the first one
    videos = [
        make_video(recommended=True, creation_time=begin + timedelta(minutes=5 * number))
        for number in range(20)
    ]
    seen, data = [], step(console, operation)
    while data["nextCursor"]:
        seen += ids_of(data)
        data = step(console, operation, data["nextCursor"])
    assert seen + ids_of(data) == [video.vod_id for video in videos]


@pytest.mark.parametrize("operation", LISTS)
def test_a_walk_keeps_its_filters_and_the_exact_total(operation: str, console: Console) -> None:
    for title in ("sea", "sand", "sea wall", "open sea", "sea air", "sky"):
        make_video(title=title, recommended=True)
    first = step(console, operation, title="sea")
    assert (len(first["videoList"]), first["total"]) == (3, 4)
    last = step(console, operation, first["nextCursor"], title="sea")
    assert (len(last["videoList"]), last["total"], last["nextCursor"]) == (1, 4, "")


@pytest.mark.parametrize("operation", LISTS)
def test_a_full_last_step_has_no_successor(operation: str, console: Console) -> None:
    for _ in range(3):
        make_recommendation()
    assert step(console, operation)["nextCursor"] == ""
    assert step(console, operation, pageIndex=1)["nextCursor"] == ""
    assert step(console, operation, "9" * 18) | {"asOf": ""} == {
        **step(console, operation, title="nothing like it"),
        "asOf": "",
        "total": 3,
        **({"nowTotal": 3} if operation == "getRecommendVideos" else {}),
    }


@pytest.mark.parametrize("operation", LISTS)
def test_without_cursor_nothing_is_added(operation: str, console: Console) -> None:
    data = console.get(operation)["data"]
    assert not {"nextCursor", "asOf"} & set(data)


@pytest.mark.parametrize("cursor", ["abc", "-1", "1.5", " 1", "٣", "9" * 19, "1\x00"])
@pytest.mark.parametrize("operation", LISTS)
def test_a_foreign_cursor_is_refused(operation: str, cursor: str, console: Console) -> None:
    answer = console.get(operation, cursor=cursor)
    assert answer["code"] == "400"
    assert answer["message"].startswith("cursor must ")


@pytest.mark.parametrize("operation", LISTS)
def test_a_walk_has_no_page_numbers(operation: str, console: Console) -> None:
    answer = console.get(operation, cursor="", pageIndex=2)
    assert answer["code"] == "400"
    assert answer["message"] == "pageIndex must be absent or 1 where cursor is sent."
