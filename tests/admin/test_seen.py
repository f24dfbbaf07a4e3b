"""Operations on a review that has changed since the operator saw it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.outbox.models import Delivery, DeliveryState
from tests.admin.conftest import DeskOf, seen_in
from tests.admin.seeing import (
    approve,
    block,
    by_api,
    by_machine,
    by_recheck,
    by_upload,
    by_verdict,
    by_vod,
    by_vods_status,
    follow,
    listed,
    machine_review,
    opened,
    pending,
    press,
    selected_in,
    text_of,
)
from videos.models import (
    CensorStatus,
    ReviewDecision,
    ReviewTask,
    Takedown,
    Video,
    VideoDeletion,
)
from videos.services import undo_review

ASKING = "To confirm"


@pytest.fixture(autouse=True)
def window(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600


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
