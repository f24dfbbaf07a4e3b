"""The calls of the review page."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from tests.admin.conftest import Desk, DeskOf, seen_in
from tests.factories import make_operator, make_uploader, make_video
from videos.models import (
    CensorStatus,
    Decision,
    ReasonTemplate,
    ReviewClaim,
    ReviewTask,
    Source,
    Video,
)
from videos.services import DecisionInput, review_video

Answer = dict[str, Any]


@pytest.fixture(autouse=True)
def window(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 60


def make_pending(**values: Any) -> Video:
    video = make_video(censor_status=CensorStatus.CHECK, **values)
    ReviewTask.objects.create(video=video, cause="new")
    return video


class Page:
    """The review page as its script uses the server."""

    def __init__(self, desk: Desk, page: UUID | None = None) -> None:
        self.client, self.operator, self.page = desk.client, desk.operator, page or uuid4()

    def post(self, name: str, status: int = 200, **values: Any) -> Answer:
        data = {"page": self.page, **values}
        return self.read(self.client.post(reverse(f"review:{name}"), data), status)

    def news(self, clip: Answer) -> Answer:
        query = {"page": self.page, "claims": clip["claim"]}
        answer = self.read(self.client.get(reverse("review:news"), query), 200)
        [news] = answer["claims"]
        return dict(news)

    def read(self, response: Any, status: int) -> Answer:
        assert response.status_code == status, response.content.decode()
        return dict(response.json())

    def fill(self, limit: int = 3, **values: Any) -> list[Answer]:
        return list(self.post("clips", limit=limit, **{"order": "oldest", **values})["clips"])

    def decide(
        self, clip: Answer, decision: str = "Normal", status: int = 200, **values: Any
    ) -> Answer:
        sent = {"claim": clip["claim"], "seen": clip["seen"], "decision": decision, **values}
        return self.post("decide", status, **sent)


@pytest.fixture
def page(desk_of: DeskOf) -> Page:
    return Page(desk_of("moderator"))


@pytest.mark.parametrize("junk", ["9" * 19, "9" * 5_000, "²", "-1", "1e3", ""])
def test_the_news_of_a_claim_that_cannot_be_are_none(page: Page, junk: str) -> None:
    query = {"page": str(page.page), "claims": junk}
    answer = page.client.get(reverse("review:news"), query)
    assert page.read(answer, 200) == {"claims": []}


def test_a_page_gets_its_clips_and_their_facts(page: Page) -> None:
    uploader = make_uploader()
    make_pending(title="Sunset", tags="sea,sun", description="At the pier.", uploader=uploader)
    blocked = make_video(uploader=uploader)
    review_video(blocked, DecisionInput(Decision.BLOCKED, Source.API, reason="spam"))
    [clip] = page.fill()
    assert clip["title"] == "Sunset"
    assert clip["tags"] == ["sea", "sun"]
    assert clip["causes"] == ["new clip"]
    assert clip["waiting"] == "waiting 0\xa0minutes"
    assert clip["uploader"] | {"url": ""} == {
        "name": uploader.label,
        "userId": uploader.user_id,
        "url": "",
        "clips": 2,
        "approved": 0,
        "blocked": 1,
    }
    assert clip["sources"][0]["url"].startswith("http://media.example.com/")
    assert len(clip["snapshots"]) == 3
    assert page.fill() == [clip]


def test_the_queries_do_not_grow_with_the_clips(
    page: Page, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_pending()
    page.fill(limit=1)
    with django_assert_max_num_queries(29):
        assert len(page.fill(limit=5)) == 5


def test_a_decision_is_made_once_however_often_it_is_sent(page: Page) -> None:
    video = make_pending()
    [clip] = page.fill()
    first = page.decide(clip)
    again = page.decide(clip)
    assert first["decision"] == again["decision"] == video.decisions.get().pk
    assert 0 < again["undoMilliseconds"] <= first["undoMilliseconds"] <= 60_000
    assert page.fill() == []


def test_a_changed_decision_after_a_lost_answer_asks(page: Page) -> None:
    make_pending()
    [clip] = page.fill()
    page.decide(clip)
    answer = page.decide(clip, "Blocked", 409, reason="spam")
    assert answer["problem"] == "changed"
    assert "Approved by" in answer["sentence"]
    assert answer["clip"]["status"] == "success"
    page.decide(answer["clip"], "Blocked", reason="spam")


def test_a_block_keeps_template_policy_and_text(page: Page, settings: Settings) -> None:
    settings.VOD_REASON_LANGUAGE = "zh-hans"
    template = ReasonTemplate.objects.create(
        text="Weapons", text_zh_hans="武器", policy="violence", severity=4
    )
    video = make_pending()
    [clip] = page.fill()
    page.decide(clip, "Blocked", template=template.pk, comment="At 0:03")
    review = video.decisions.get()
    assert (review.reason, review.template, review.policy) == ("武器", template, "violence")
    assert review.comment == "At 0:03"


def test_an_urgent_block_is_sent_at_once(page: Page) -> None:
    template = ReasonTemplate.objects.create(text="Terror", is_urgent=True)
    make_pending()
    [clip] = page.fill()
    assert page.decide(clip, "Blocked", template=template.pk)["undoMilliseconds"] == 0


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "A reason is required to block."),
        ({"reason": "\u200b"}, "A reason is required to block."),
        ({"reason": "字" * 43}, "This is 129 bytes of UTF-8"),
        ({"template": 99}, "valid choice"),
    ],
)
def test_a_block_needs_a_reason_that_fits(page: Page, values: Answer, sentence: str) -> None:
    video = make_pending()
    [clip] = page.fill()
    answer = page.decide(clip, "Blocked", 400, **values)
    assert answer["problem"] == "input"
    assert sentence in answer["sentence"]
    assert not video.decisions.exists()


def test_the_api_decides_whoever_holds_the_clip(page: Page) -> None:
    video = make_pending()
    [clip] = page.fill()
    assert page.news(clip)["isOpen"] is True
    backend = make_operator(username="backend")
    review_video(
        video, DecisionInput(Decision.BLOCKED, Source.API, reason="spam", operator=backend)
    )
    news = page.news(clip)
    assert news["isOpen"] is False
    assert "Blocked by backend (console API)" in news["sentence"]
    answer = page.decide(clip, "Normal", 409)
    assert answer["problem"] == "changed"
    assert answer["clip"]["isBlocked"] is True


def test_a_lost_claim_is_not_decided_over_its_new_holder(page: Page, desk_of: DeskOf) -> None:
    make_pending()
    [clip] = page.fill()
    ReviewClaim.objects.update(lease_until="2026-01-01T00:00Z")
    colleague = Page(desk_of("moderator", username="Mei"))
    assert len(colleague.fill()) == 1
    assert "Mei is reviewing it" in page.decide(clip, "Normal", 409)["sentence"]


def test_the_desk_names_who_holds_a_clip_and_asks(page: Page, desk_of: DeskOf) -> None:
    video = make_pending()
    colleague = desk_of("moderator")
    before = seen_in(colleague.client.get(reverse("admin:videos_video_changelist")))
    page.fill()
    sentence = f"{page.operator} is reviewing it since"
    assert sentence in colleague.page("videos_video_change", video.pk)
    assert str(page.operator) in colleague.page("videos_reviewtask_changelist")
    asked = colleague.choose("approve", video, confirmed="1", seen=before)
    assert sentence in asked.content.decode()
    assert not video.decisions.exists()
    assert "1 of 1 approved." in colleague.do("approve", video)


def test_two_tabs_of_one_operator_hold_different_clips(page: Page, desk_of: DeskOf) -> None:
    make_pending()
    make_pending()
    [first] = page.fill(limit=1)
    other = Page(Desk(page.client, page.operator))
    [second] = other.fill(limit=1)
    assert first["video"] != second["video"]
    page.post("leave")
    assert [clip["video"] for clip in other.fill(limit=2)] == [second["video"], first["video"]]


def test_undo_brings_the_clip_back(page: Page) -> None:
    video = make_pending()
    [clip] = page.fill()
    decided = page.decide(clip)
    back = page.post("undo", decision=decided["decision"])["clip"]
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK
    assert (back["video"], back["seen"]) == (video.pk, clip["seen"])
    assert page.fill()[0]["claim"] == back["claim"]
    assert page.post("undo", 409, decision=decided["decision"])["problem"] == "refused"


def test_no_operator_undoes_the_decision_of_another(page: Page, desk_of: DeskOf) -> None:
    make_pending()
    [clip] = page.fill()
    decided = page.decide(clip)
    answer = Page(desk_of("moderator")).post("undo", 409, decision=decided["decision"])
    assert answer["sentence"] == "You have made no such decision."


def test_sending_back_hides_the_clip_and_keeps_vod(page: Page) -> None:
    video = make_pending()
    [clip] = page.fill()
    page.decide(clip, "Review", comment="Ask the lead")
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK
    assert video.decisions.get().delivery is None
    assert ReviewTask.objects.open().filter(video=video).exists()


def test_skip_note_and_escalate(page: Page) -> None:
    videos = [make_pending() for _ in range(3)]
    role = make_operator("operator").groups.get()
    clips = page.fill()
    page.post("skip", claim=clips[0]["claim"])
    noted = page.post("note", claim=clips[1]["claim"], text="Second look")["clip"]
    assert noted["notes"][0]["text"] == "Second look"
    page.post("escalate", claim=clips[2]["claim"], role=role.pk, text="Is this allowed?")
    assert [clip["video"] for clip in page.fill()] == [videos[1].pk]
    assert videos[2].notes.get().text == "Is this allowed?"


def test_an_escalation_names_one_addressee(page: Page) -> None:
    make_pending()
    [clip] = page.fill()
    answer = page.post("escalate", 400, claim=clip["claim"], text="?")
    assert answer["sentence"] == "Choose a colleague or a role."


def test_a_deleted_clip_is_gone(page: Page) -> None:
    video = make_pending()
    [clip] = page.fill()
    Video.objects.filter(pk=video.pk).update(deleted_at="2026-01-01T00:00Z")
    assert page.decide(clip, "Normal", 409)["problem"] == "gone"


@pytest.mark.parametrize("name", ["clips", "beat", "decide", "skip", "undo", "note", "escalate"])
def test_who_may_not_review_gets_nothing(desk_of: DeskOf, name: str) -> None:
    assert Page(desk_of("viewer")).post(name, 403)["problem"] == "permission"
    anonymous = Page(Desk(Client(), make_operator()))
    assert anonymous.post(name, 401)["problem"] == "login"


def test_the_page_is_for_reviewers(desk_of: DeskOf) -> None:
    url = reverse("review:page")
    assert desk_of("viewer").client.get(url).status_code == 403
    assert desk_of("moderator").client.get(url).status_code == 200
    assert Client().get(url).status_code == 302


def test_a_wrong_page_name_is_refused(page: Page) -> None:
    response = page.client.post(reverse("review:beat"), {"page": "x", "idle_seconds": 1})
    assert response.status_code == 400
    assert page.client.get(reverse("review:news")).status_code == 400
