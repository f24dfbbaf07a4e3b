"""Lists of videos: both paths and both databases answer what a loop in Python answers."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Uploader
from shortvideo.text import folded
from tests.factories import make_uploader
from videos.catalogue import (
    ListQuery,
    Page,
    filter_videos,
    measuring,
    page_ids,
    page_of,
    plain,
    seek,
)
from videos.models import CensorStatus, Video

pytestmark = pytest.mark.django_db
DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = 400
WORDS = [
    "Café",
    "ＦＵＬＬ",
    "Straße",
    "Ωδείο",
    "ΣΊΣΥΦΟΣ",
    "Привет",
    "İstanbul",
    "IŞIK",
    "海边的日落",
    "日",
]
WORDS += [
    "noodle foodles",
    "面条",
    "100%",
    "e_c",
    "back\\slash",
    "it's",
    "a",
    "noodles",
    "ab",
    "Noodle Soup",
    "  ",
    "",
]
ASKED = [*WORDS, "cafe\u0301", "full", "STRASSE", "ωδείο", "σίσυφος", "ривЕ", "istanbul", "ışık"]
ASKED += ["日落", "边", "0%", "_", "\\", "'", "oo", "OODL", "b c", "zzz", "ood", "的", "c n", "ß"]


def make_catalogue(chance: random.Random) -> None:
    """Videos of few days: some of the same moment, some of midnight, some deleted."""
    uploaders: list[Uploader | None] = [
        make_uploader(user_id=f"user{number}", user_name=" ".join(chance.sample(WORDS, 2)))
        for number in range(8)
    ]
    videos = []
    for number in range(SIZE):
        title = " ".join(chance.choices(WORDS, k=chance.randint(1, 3)))
        uploader = chance.choice([None, *uploaders, uploaders[0], uploaders[0]])
        videos.append(
            Video(
                vod_id=f"vod{number:05}",
                title=title,
                title_search=folded(title),
                uploader=uploader,
                creation_time=random_moment(chance),
                changed_at=random_moment(chance),
                censor_status=chance.choice([*CensorStatus.values, CensorStatus.SUCCESS]),
                deleted_at=FIRST if chance.random() < 0.1 else None,
            )
        )
    Video.objects.bulk_create(videos)


def random_moment(chance: random.Random) -> datetime:
    """A midnight, a moment beside it, or any moment."""
    beside = chance.choice([0 * DAY, MICROSECOND, -MICROSECOND, DAY * chance.random()])
    return FIRST + DAY * chance.randint(0, 20) + beside


def random_query(chance: random.Random, last_id: int) -> ListQuery:
    filters: dict[str, tuple[float, Any]] = {
        "vod_id": (0.03, f"vod{chance.randrange(SIZE):05}"),
        "user_id": (0.2, f"user{chance.choice([0, 0, 0, 1, 2, 9])}"),
        "title": (0.3, chance.choice(ASKED)),
        "user_name": (0.2, chance.choice(ASKED)),
        "start_at": (0.3, random_moment(chance)),
        "end_before": (0.3, random_moment(chance)),
        "censor_status": (0.3, chance.choice(CensorStatus.values)),
        "updated_since": (0.1, random_moment(chance)),
    }
    chosen = {name: value for name, (rate, value) in filters.items() if chance.random() < rate}
    if chance.random() < 0.1:
        chosen["cursor"] = chance.choice([0, chance.randint(last_id - SIZE, last_id + 1)])
    else:
        chosen["page_index"] = chance.choice([1, 2, 3, chance.randint(1, 60), 10**6, 10**40])
    return ListQuery(**chosen, page_size=chance.choice([1, 2, 7, 10, 100]))


def expected(query: ListQuery, videos: list[Video]) -> tuple[list[int], int, int | None]:
    def matches(video: Video) -> bool:
        user, name = (
            (video.uploader.user_id, video.uploader.user_name) if video.uploader else ("", "")
        )
        return (
            video.deleted_at is None
            and query.vod_id in ("", video.vod_id)
            and query.user_id in ("", user)
            and folded(query.title) in folded(video.title)
            and (not query.user_name or folded(query.user_name) in folded(name))
            and (query.start_at is None or query.start_at <= video.creation_time)
            and (query.end_before is None or video.creation_time < query.end_before)
            and query.censor_status in ("", video.censor_status)
            and (query.updated_since is None or query.updated_since <= video.changed_at)
        )

    found = [video for video in videos if matches(video)]
    if query.cursor is None:
        found.sort(key=lambda video: (video.creation_time, video.pk), reverse=True)
        page = found[query.offset : query.offset + query.page_size]
        return [video.pk for video in page], len(found), None
    after = sorted(video.pk for video in found if video.pk > query.cursor)
    step = after[: query.page_size]
    return step, len(found), step[-1] if len(after) > len(step) else None


def answer(page: Page[Video]) -> tuple[list[int], int, int | None]:
    return [video.pk for video in page.rows], page.total, page.next_cursor


@pytest.mark.parametrize("seed", range(5))
def test_500_lists_are_what_a_loop_in_python_finds(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    make_catalogue(chance)
    videos = list(Video.objects.select_related("uploader").order_by("pk"))
    for _ in range(100):
        query = random_query(chance, videos[-1].pk)
        for module, name, few in (
            (plain, "_DEEP", 3),
            (seek, "DEEP", 3),
            (seek, "FAR", 3),
            (measuring, "_FILTERED", 5),
            (measuring, "_GATHERED", 5),
            (measuring, "_GATHERED_BY_ID", 5),
            (measuring, "_WALKED", chance.choice([5, 100])),
            (measuring, "_MERGED", 1),
        ):  # a few rows are many now, for about half of the queries
            monkeypatch.setattr(module, name, few if chance.random() < 0.5 else 10**6)
        wanted = expected(query, videos)
        page = page_ids(query)
        assert (page.rows, page.total, page.next_cursor) == wanted, query
        assert answer(page_of(filter_videos(query), query)) == wanted, query
        if connection.vendor == "postgresql":
            assert answer(plain.page_of(filter_videos(query), query)) == wanted, query
