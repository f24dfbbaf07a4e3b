"""Operations on a review that has changed since the operator saw it."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import pytest
from django.db import connections
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.outbox.models import Delivery, DeliveryState
from tests.admin.conftest import Desk, DeskOf, seen_in
from tests.factories import make_operator, make_video
from tests.support.console import Console
from videos.models import (
    CensorStatus,
    Decision,
    MachineReview,
    ReviewDecision,
    ReviewTask,
    Source,
    Takedown,
    Video,
    VideoDeletion,
)
from videos.services import DecisionInput, review_video, undo_review

ASKING = "To confirm"


@pytest.fixture(autouse=True)
def window(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600


def pending(**values: Any) -> Video:
    return make_video(censor_status=CensorStatus.CHECK, **values)


def opened(desk: Desk, video: Video) -> list[str]:
    """Open the page of a video. Returns what it showed, as each of its buttons sends it."""
    url = reverse("admin:videos_video_change", args=[video.pk])
    return seen_in(desk.client.get(url))[:1]


def listed(desk: Desk, name: str = "videos_video_changelist") -> list[str]:
    """Open a list. Returns what it showed, as its form sends it."""
    return seen_in(desk.client.get(reverse(f"admin:{name}")))


def press(desk: Desk, action: str, *rows: Model, **fields: Any) -> Any:
    return desk.choose(action, *rows, confirmed="1", **fields)


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return unescape(response.content.decode())


def block(video: Video, desk: Desk, reason: str = "child abuse") -> ReviewDecision:
    new = DecisionInput(Decision.BLOCKED, Source.ADMIN, operator=desk.operator, reason=reason)
    return review_video(video, new)


def approve(video: Video, desk: Desk) -> ReviewDecision:
    return review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN, operator=desk.operator))


def machine_review(video: Video, suggestion: str, **values: Any) -> None:
    """The machine's verdict about a source, as it is stored; it replaces an earlier one."""
    MachineReview.objects.update_or_create(
        video=video,
        source_version=values.pop("source_version", 1),
        defaults={"suggestion": suggestion, "labels": [], "received_at": timezone.now()} | values,
    )


def test_a_verdict_that_replaces_another_is_asked_about(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), pending()
    machine_review(video, "review")
    ReviewTask.objects.create(video=video, cause="machine_verdict")
    for name in ("videos_video_changelist", "videos_reviewtask_changelist"):
        row = video if "task" not in name else video.review_tasks.get()
        seen = listed(desk, name)
        machine_review(video, "block", labels=[name])
        answer = desk.choose("approve", row, seen=seen)
        assert f"AI review: block ({name})." in text_of(answer)
        assert selected_in(text_of(answer)) == [str(row.pk)]
        machine_review(video, "review")  # between the two pages
        answer = press(desk, "approve", row, seen=seen_in(answer))
        assert "AI review: needs human review." in text_of(answer)
    assert not ReviewDecision.objects.exists()
    assert "1 of 1 approved." in follow(desk, "approve", answer, row)


def selected_in(text: str) -> list[str]:
    """The rows that the form of a page sends unless the operator changes it."""
    inputs = re.findall(r'<input [^>]*name="_selected_action"[^>]*>', text)
    sent = [each for each in inputs if 'type="hidden"' in each or "checked" in each]
    return [each.split('value="')[1].split('"')[0] for each in sent]


def test_an_old_page_does_not_lift_a_colleagues_block(desk_of: DeskOf) -> None:
    one, other, video = desk_of("moderator"), desk_of("moderator"), pending()
    seen = opened(one, video)
    blocked = block(video, other)
    answer = press(one, "approve", video, seen=seen)
    page = text_of(answer)
    when = f"{timezone.localtime(blocked.created_at):%Y-%m-%d %H:%M:%S} +0800"
    assert f"Blocked by {other.operator} (admin) on {when}. Reason: \u2068child abuse\u2069" in page
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL
    assert ReviewDecision.objects.get() == blocked
    assert Takedown.objects.get().state == Takedown.State.UNDER_WAY
    assert blocked.delivery is not None
    assert Delivery.objects.get(pk=blocked.delivery.pk).state == DeliveryState.WAITING
    # The page asks: its form sends the row and what it shows now.
    assert selected_in(page) == [str(video.pk)]
    done = press(one, "approve", video, seen=seen_in(answer), reason="not abuse")
    assert done.status_code == 302
    assert ReviewDecision.objects.order_by("id").last().to_status == CensorStatus.SUCCESS  # type: ignore[union-attr]


def by_api(video: Video) -> str:
    console = Console(make_operator("moderator"))
    console.post("createAudit", mediaId=video.vod_id, status="Blocked", reason="gore")
    return f"Blocked by {console.operator} (console API) on "


def by_vod(video: Video) -> str:
    new = DecisionInput(Decision.BLOCKED, Source.VOD, auditor="Wang", reason="gore")
    review_video(video, new)
    return "Blocked by \u2068Wang\u2069 (VOD console) on "


def by_machine(video: Video) -> str:
    review_video(video, DecisionInput(Decision.BLOCKED, Source.MACHINE, reason="gore"))
    return "Blocked by AI review on "


def by_upload(video: Video) -> str:
    Video.objects.filter(pk=video.pk).update(source_version=video.source_version + 1)
    return "Another file was uploaded since you saw it. Nobody has decided about this file"


def by_verdict(video: Video) -> str:
    machine_review(video, "block", labels=["porn", "ad"])
    return (
        "Its review has changed since you saw it. Nobody has decided about this file; its status "
        "is: awaiting review. AI review: block (porn, ad)."
    )


def by_recheck(video: Video) -> str:
    ReviewTask.objects.create(video=video, cause="recheck")
    return "its status is: awaiting review. Reason to look: re-check."


def by_vods_status(video: Video) -> str:
    Video.objects.filter(pk=video.pk).update(censor_status=CensorStatus.FAIL)
    return "Nobody has decided about this file; its status is: blocked."


CHANGES = [by_api, by_vod, by_machine, by_upload, by_verdict, by_recheck, by_vods_status]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("action", ["approve", "block", "remove"])
def test_a_change_from_anywhere_is_named_and_nothing_happens(
    desk_of: DeskOf, change: Callable[[Video], str], action: str
) -> None:
    desk, video = desk_of("operator"), pending()
    seen = opened(desk, video)
    sentence = change(video)
    log = ReviewDecision.objects.count()
    page = text_of(press(desk, action, video, seen=seen, reason="spam"))
    assert sentence in page
    assert ASKING in page
    assert ReviewDecision.objects.count() == log
    assert not VideoDeletion.objects.exists()


def test_a_decision_that_was_undone_meanwhile_is_asked_about(desk_of: DeskOf) -> None:
    desk, other, video = desk_of("moderator"), desk_of("moderator"), pending()
    decision = approve(video, other)
    seen = opened(desk, video)
    undo_review(decision, operator=other.operator)
    page = text_of(press(desk, "block", video, seen=seen, reason="spam"))
    assert "Nobody has decided about this file; its status is: awaiting review." in page
    assert 'value="spam"' in page  # what was typed is kept


@pytest.mark.parametrize("seen", [[], ["x"], ["1:"], ["1:0-0-"], ["9" * 30 + ":9-9-fail-0-0"]])
def test_a_row_that_was_on_no_page_is_asked_about(desk_of: DeskOf, seen: list[str]) -> None:
    desk, video = desk_of("moderator"), pending()
    page = text_of(press(desk, "approve", video, seen=seen))
    assert ASKING in page
    assert not ReviewDecision.objects.exists()


def test_the_preview_asks_about_a_row_decided_since_the_list(desk_of: DeskOf) -> None:
    desk, other = desk_of("moderator"), desk_of("moderator")
    changed, same = pending(title="Changed"), pending(title="Same")
    seen = listed(desk)
    block(changed, other)
    answer = desk.choose("approve", changed, same, seen=seen)
    page = text_of(answer)
    assert f"Its review has changed since you saw it. Blocked by {other.operator}" in page
    assert selected_in(page) == [str(same.pk)]  # the other only if it is ticked
    assert "1 of 1 approved." in follow(desk, "approve", answer, same)
    changed.refresh_from_db()
    assert changed.is_blocked
    # Both, with the other ticked on the same page: an approval that lifts a block needs a reason.
    page = text_of(press(desk, "approve", changed, seen=seen_in(answer)))
    assert "This field is required." in page
    assert "1 of 1 approved." in follow(desk, "approve", answer, changed, reason="fine")


def follow(desk: Desk, action: str, answer: Any, *rows: Model, **fields: Any) -> str:
    """Confirm a page with these rows. Returns the desk's messages."""
    response = press(desk, action, *rows, seen=seen_in(answer), **fields)
    assert response.status_code == 302, response.content.decode()
    return desk.messages(response)


def test_rows_decided_since_the_preview_are_asked_about_alone(desk_of: DeskOf) -> None:
    desk, other = desk_of("moderator"), desk_of("moderator")
    videos = [pending(title=f"Clip {letter}") for letter in "ABC"]
    preview = desk.choose("block", *videos, seen=listed(desk))
    approved = approve(videos[1], other)
    answer = press(desk, "block", *videos, seen=seen_in(preview), reason="spam", comment="ads")
    page = text_of(answer)
    assert "2 of 3 blocked." in page
    assert f"Approved by {other.operator} (admin) on " in page
    assert selected_in(page) == [str(videos[1].pk)]
    assert 'value="spam"' in page
    assert ">\nads</textarea>" in page
    assert list(videos[1].decisions.all()) == [approved]
    assert "1 of 1 blocked." in follow(desk, "block", answer, videos[1], reason="spam")
    assert Video.objects.filter(censor_status=CensorStatus.FAIL).count() == 3


def test_a_task_closed_by_a_colleague_is_named_in_the_queue(desk_of: DeskOf) -> None:
    desk, other, video = desk_of("moderator"), desk_of("moderator"), pending(title="Clip")
    task = ReviewTask.objects.create(video=video, cause="new")
    seen = listed(desk, "videos_reviewtask_changelist")
    assert len(seen) == 1
    block(video, other)
    answer = desk.choose("approve", task, seen=seen)
    assert f"Blocked by {other.operator} (admin) on " in text_of(answer)
    assert "1 of 1 approved." in follow(desk, "approve", answer, task, reason="fine")


def test_two_tasks_of_one_video_are_decided_once(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), pending()
    tasks = [ReviewTask.objects.create(video=video, cause=cause) for cause in ("new", "recheck")]
    seen = listed(desk, "videos_reviewtask_changelist")
    preview = desk.choose("block", *tasks, seen=seen)
    assert "2 of 2 blocked." in follow(desk, "block", preview, *tasks, reason="spam")
    assert ReviewDecision.objects.count() == 1


def test_the_preview_says_what_stands_about_each_row(desk_of: DeskOf) -> None:
    desk, other, video = desk_of("moderator"), desk_of("moderator"), pending()
    block(video, other)
    page = text_of(desk.choose("approve", video))
    assert "Reason: \u2068child abuse\u2069" in page
    assert ASKING not in page


def test_an_equal_decision_of_a_colleague_is_named(desk_of: DeskOf) -> None:
    desk, other, video = desk_of("moderator"), desk_of("moderator"), pending()
    seen = opened(desk, video)
    approve(video, other)
    response = press(desk, "approve", video, seen=seen)
    message = desk.messages(response)
    assert "0 of 1 approved." in message
    assert f"Approved by {other.operator} (admin) on " in message
    assert ReviewDecision.objects.count() == 1


@pytest.mark.parametrize("action", ["approve", "block"])
def test_a_button_pressed_twice_decides_once(desk_of: DeskOf, action: str) -> None:
    desk, video = desk_of("moderator"), pending()
    seen = opened(desk, video)
    for done in (1, 0):
        response = press(desk, action, video, seen=seen, reason="spam")
        assert f"{done} of 1 " in desk.messages(response)
    assert ReviewDecision.objects.count() == 1


def test_a_change_that_is_no_review_is_not_asked_about(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), pending()
    seen = opened(desk, video)
    Video.objects.filter(pk=video.pk).update(title="Other", status="Normal")
    machine_review(video, "block", source_version=2)  # of another upload
    assert "1 of 1 approved." in desk.messages(press(desk, "approve", video, seen=seen))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_confirm_at_once_one_is_asked(desk_of: DeskOf) -> None:
    desks, video = [desk_of("moderator"), desk_of("moderator")], pending()
    pages = [opened(desk, video) for desk in desks]

    def confirm(index: int) -> int:
        try:
            action = ("approve", "block")[index]
            answer = press(desks[index], action, video, seen=pages[index], reason="spam")
            return int(answer.status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirm, range(2))) == [200, 302]
    assert ReviewDecision.objects.count() == 1


def test_an_undo_names_the_decision_that_came_after(desk_of: DeskOf) -> None:
    desk, other, video = desk_of("moderator"), desk_of("moderator"), pending()
    first = approve(video, desk)
    block(video, other)
    response = desk.client.post(reverse("admin:videos_video_undo"), {"decisions": first.pk})
    message = desk.messages(response)
    assert "0 of 1 decisions undone." in message
    assert f"Blocked by {other.operator} (admin) on " in message
    video.refresh_from_db()
    assert video.is_blocked


# --- The reason of a block ----------------------------------------------------------------------


def test_the_reason_of_a_block_is_corrected(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), pending()
    first = block(video, desk, "spma")
    preview = desk.choose("block", video, seen=opened(desk, video))
    page = text_of(preview)
    assert f"Change the reason? Blocked by {desk.operator} (admin) on " in page
    assert "Reason: \u2068spma\u2069" in page
    assert selected_in(page) == [str(video.pk)]
    assert "1 of 1 blocked." in follow(desk, "block", preview, video, reason="spam")
    lines = list(video.decisions.order_by("id"))
    assert [line.reason for line in lines] == ["spma", "spam"]
    states = [line.delivery.state for line in lines if line.delivery]
    assert states == [DeliveryState.SUPERSEDED, DeliveryState.WAITING]
    assert first == lines[0]


def test_undoing_a_correction_restores_the_first_reason(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), pending()
    first = block(video, desk, "spam")
    desk.do("block", video, reason="spma")
    undo_review(video.decisions.get(reason="spma"), operator=desk.operator)
    video.refresh_from_db()
    assert video.is_blocked
    assert Delivery.objects.waiting().get(kind="create_audit").payload == {"decision": first.pk}


def test_a_bulk_block_leaves_blocks_and_their_reasons(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    blocked, video = pending(title="Bad"), pending()
    block(blocked, desk)
    preview = desk.choose("block", blocked, video)
    assert selected_in(text_of(preview)) == [str(video.pk)]


def test_blocking_again_with_the_same_texts_adds_nothing(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), pending()
    block(video, desk, "spam")
    assert "<strong>" in (message := desk.do("block", video, reason="spam"))
    assert "0 of 1 blocked." in message
    assert "Already blocked." in message
    assert ReviewDecision.objects.count() == 1


@pytest.mark.parametrize("way", [by_api, by_vod, by_machine, by_vods_status])
def test_lifting_a_block_needs_a_reason(desk_of: DeskOf, way: Callable[[Video], str]) -> None:
    desk, video = desk_of("moderator"), pending()
    way(video)
    answer = press(desk, "approve", video, seen=opened(desk, video))
    assert "This field is required." in text_of(answer)
    assert "1 of 1 approved." in follow(desk, "approve", answer, video, reason="a mistake")
    assert video.decisions.order_by("id").last().reason == "a mistake"  # type: ignore[union-attr]


def test_the_page_of_a_blocked_video_asks_for_the_reason_first(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    confirmed = '<input type="hidden" name="confirmed" value="1">'
    url = "videos_video_change"
    assert confirmed in desk.page(url, pending().pk)
    assert confirmed not in desk.page(url, make_video(censor_status=CensorStatus.FAIL).pk)


def test_500_rows_fit_one_confirmation(desk_of: DeskOf) -> None:
    """Most are deleted since the preview: to approve each takes time and tells no more."""
    desk = desk_of("moderator")
    Video.objects.bulk_create(
        Video(vod_id=f"v{number}", creation_time=timezone.now(), censor_status=CensorStatus.CHECK)
        for number in range(500)
    )
    videos = list(Video.objects.order_by("pk"))
    preview = desk.choose("approve", *videos)
    Video.objects.filter(pk__gt=videos[9].pk).update(deleted_at=timezone.now())
    report = follow(desk, "approve", preview, *videos)
    assert "10 of 10 approved." in report
    assert "490 rows are no longer in this list" in report
