"""The first page, the navigation, and what an empty queue says."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from recommendations import demo
from tests.admin.conftest import Desk, DeskOf
from tests.factories import make_video
from videos.admin import desk as first_page
from videos.models import CensorStatus, ReviewTask
from videos.services import claim

PREPARING = "Preparing 24 demo clips, 7 done."


def make_tasks(count: int) -> None:
    for _ in range(count):
        video = make_video(censor_status=CensorStatus.CHECK)
        ReviewTask.objects.create(video=video, cause="machine_verdict")


def navigation(page: str) -> list[str]:
    """The words of the navigation, without those that are folded."""
    [nav] = re.findall(r'<nav id="sections".*?</nav>', page, re.DOTALL)
    shown = re.sub(r"(<summary.*?</summary>).*?</details>", r"\1</details>", nav, flags=re.DOTALL)
    found = re.findall(r"<(?:a|summary)[^>]*>(.*?)</(?:a|summary)>", shown, re.DOTALL)
    return [" ".join(re.sub("<[^>]*>", "", words).split()) for words in found]


def test_a_moderators_navigation_has_nine_entries(desk_of: DeskOf) -> None:
    make_tasks(2)
    assert navigation(desk_of("moderator").page("index")) == [
        "Review 2",
        "Desk",
        "Review queue",
        "Videos",
        "Uploaders",
        "Recommendations",
        "Takedowns",
        "Reason templates",
        "System",
    ]


@pytest.mark.parametrize("role", ["viewer", "curator", "operator", "administrator"])
def test_the_plumbing_is_folded_for_every_role(desk_of: DeskOf, role: str) -> None:
    page = desk_of(role).page("index")
    words = navigation(page)
    assert words[-1] == "System"
    assert ("Review" in words) == (role in ("operator", "administrator"))
    for name in ("Transcoding jobs", "CDN tasks", "VOD calls", "Endpoints", "Sync runs"):
        assert name not in words
    assert "Transcoding jobs" in page


def test_the_system_is_open_on_its_own_pages(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    fold = re.compile('<details class="section-fold" data-remembers="system"( open)?>')
    assert fold.findall(desk.page("videos_transcodejob_changelist")) == [" open", " open"]
    assert fold.findall(desk.client.get(reverse("review_ips")).content.decode()) == [" open"] * 2
    assert fold.findall(desk.page("videos_video_changelist")) == ["", ""]


def test_the_main_button_leads_to_review_with_the_count(desk_of: DeskOf) -> None:
    make_tasks(3)
    desk = desk_of("moderator")
    page = desk.page("index")
    assert "Start review (3)" in " ".join(page.split())
    assert f'class="button" href="{reverse("review:page")}"' in page
    assert "Start review" not in desk_of("viewer").page("index")


@pytest.mark.parametrize(("counted", "label"), [(3, "2+"), (4, "3"), (5, "3")])
def test_the_count_stops_at_its_limit(
    db: None, monkeypatch: pytest.MonkeyPatch, counted: int, label: str
) -> None:
    make_tasks(3)
    monkeypatch.setattr(claim, "COUNTED", counted)
    monkeypatch.setattr(first_page, "COUNTED", counted)
    assert first_page.waiting_label() == label


def test_a_page_counts_what_waits_once(
    desk_of: DeskOf, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    desk = desk_of("moderator")
    desk.page("videos_takedown_changelist")
    make_tasks(1)
    with django_assert_max_num_queries(7) as found:
        desk.page("videos_takedown_changelist")
    counts = [each for each in found.captured_queries if "LIMIT 10001" in each["sql"]]
    assert len(counts) == 1


def close_guide(desk: Desk) -> Any:
    return desk.client.post(reverse("admin:close_guide"))


def test_the_guide_is_shown_until_its_operator_closes_it(desk_of: DeskOf) -> None:
    mine, other = desk_of("moderator"), desk_of("moderator")
    assert "Your first clips" in mine.page("index")
    assert close_guide(mine).status_code == 302
    assert "Your first clips" not in mine.page("index")
    assert "Your first clips" in other.page("index")


def test_the_guide_is_for_those_who_review(desk_of: DeskOf) -> None:
    assert "Your first clips" not in desk_of("curator").page("index")
    desk = desk_of("moderator")
    assert desk.client.get(reverse("admin:close_guide")).status_code == 405
    desk.client.logout()
    assert "/login/" in close_guide(desk)["Location"]


@pytest.mark.parametrize("name", ["admin:index", "review:page"])
def test_an_empty_page_says_what_the_demo_is_doing(
    desk_of: DeskOf, demo_folder: Path, name: str
) -> None:
    client = desk_of("moderator").client
    page = client.get(reverse(name)).content.decode()
    assert "Preparing" not in page
    assert "python3 run.py demo --clips 12" in page
    demo.report(24, 7)
    assert PREPARING in client.get(reverse(name)).content.decode()


def test_the_review_pages_script_hears_of_the_demo(desk_of: DeskOf, demo_folder: Path) -> None:
    client = desk_of("moderator").client
    sent = {"page": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "limit": 3, "order": "oldest"}
    demo.report(24, 7)
    assert client.post(reverse("review:clips"), sent).json()["preparing"] == PREPARING
    demo.report_end()
    assert client.post(reverse("review:clips"), sent).json()["preparing"] == ""


def test_an_empty_queue_says_what_fills_it(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    page = desk.page("index")
    assert "Clips appear here by themselves" in page
    assert "manage.py sync_videos" in page
    assert "run.py demo" not in page
    assert 'data-live="preparing"' not in page
    make_video()
    assert "manage.py sync_videos" not in desk.page("index")
