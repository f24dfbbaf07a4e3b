"""What the review page says and asks, so that a slip is noticed."""

import pytest
from django.contrib.auth.models import Group

from tests.admin.conftest import DeskOf
from tests.admin.test_reviewing import Page, make_pending
from tests.factories import make_file, make_operator
from videos.models import CensorStatus, ReasonTemplate


@pytest.fixture
def page(desk_of: DeskOf) -> Page:
    return Page(desk_of("moderator"))


def test_a_clip_without_a_file_is_approved_by_the_second_call(page: Page) -> None:
    video = make_pending(status="UploadFail", files=[], source_path="")
    [clip] = page.fill()
    answer = page.decide(clip, status=409)
    assert answer["problem"] == "changed"
    assert answer["sentence"].endswith("Approve again to confirm.")
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK
    page.decide(answer["clip"], is_confirmed="on")
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.SUCCESS


def test_the_news_have_files_that_came_later(page: Page) -> None:
    video = make_pending(files=[], source_path="")
    [clip] = page.fill()
    assert page.news(clip)["sources"] == clip["sources"] == []
    video.files = [make_file("media.example.com/clip.mp4")]
    video.save()
    [source] = page.news(clip)["sources"]
    assert source["url"].startswith("http://media.example.com/clip.mp4")


def test_a_decision_names_its_clip_and_reason(page: Page) -> None:
    make_pending(title="Sunset")
    make_pending(title="")
    template = ReasonTemplate.objects.create(text="Violence or gore")
    first, second = page.fill()
    blocked = page.decide(first, "Blocked", template=template.pk)
    assert blocked["label"] == "“Sunset” blocked: Violence or gore"
    assert page.decide(second)["label"] == "“Untitled” approved"


def test_only_roles_with_somebody_who_may_review_are_offered(page: Page) -> None:
    make_operator("operator", is_active=False)
    roles = page.client.get("/admin/review/").context["roles"]
    assert list(roles) == [Group.objects.get(name="moderator")]
