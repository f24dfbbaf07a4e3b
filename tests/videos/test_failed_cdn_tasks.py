"""A failed CDN task waits for an operator, who sends it again or dismisses it."""

from collections.abc import Callable

import pytest

from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from tests.factories import make_operator, make_video
from tests.support.localvod import LocalVod
from tests.videos.cdn_tasks import State, failed, make_purge, refused
from videos.models import CdnTask, CensorStatus, Takedown, Video
from videos.services import (
    dismiss,
    resend_task,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_failed_prefetch_is_sent_again_by_an_operator(cloud: LocalVod) -> None:
    task, operator = failed(cloud), make_operator()
    assert task.state == State.FAIL
    assert task.error_message.startswith("1 of 1 URLs failed")
    assert list(CdnTask.objects.needing_attention()) == [task]
    again = resend_task(task, operator=operator, request_id="r-2")
    assert (again.urls, again.operator, again.request_id) == (task.urls, operator, "r-2")
    assert not CdnTask.objects.needing_attention().exists()


def test_a_refused_prefetch_waits_for_an_operator(cloud: LocalVod) -> None:
    task = refused()
    assert (task.state, task.attention_at is not None) == (State.REFUSED, True)


@pytest.mark.parametrize("close", [resend_task, dismiss])
def test_a_repeated_or_dismissed_prefetch_cannot_be_retried(
    cloud: LocalVod, close: Callable[[CdnTask], object]
) -> None:
    task = refused(video=make_video())
    why = task.error_message
    close(task)
    task.refresh_from_db()
    assert (task.state, task.error_message, task.attention_at) == (State.REFUSED, why, None)
    assert task.delivery is not None
    with pytest.raises(outbox.DeliveryStateError):
        outbox.retry(task.delivery)


def test_a_prefetch_being_retried_cannot_be_sent_again(cloud: LocalVod) -> None:
    task = refused()
    assert task.delivery is not None
    outbox.retry(task.delivery)
    with pytest.raises(InvalidState, match="on their way already"):
        resend_task(task)


def test_dismissing_a_refused_delivery_closes_its_prefetch(
    cloud: LocalVod,
) -> None:
    task = refused()
    assert task.delivery is not None
    outbox.dismiss(task.delivery)
    task.refresh_from_db()
    assert (task.state, task.attention_at) == (State.REFUSED, None)


def test_a_failed_purge_outside_a_takedown_is_sent_again_once() -> None:
    takedown = Takedown.objects.create(video=make_video(), cause=Takedown.Cause.VOD)
    values = {"urls": ["media.example.com/a.mp4"], "video": takedown.video}
    task = CdnTask.objects.create(kind="purge", state=State.SUBMITTED, **values)
    with pytest.raises(InvalidState, match="Only a task that failed"):
        resend_task(task)
    CdnTask.objects.update(state=State.FAIL)
    assert resend_task(task).urls == task.urls
    with pytest.raises(InvalidState, match="on their way already"):
        resend_task(task)
    CdnTask.objects.update(takedown=takedown, state=State.FAIL)
    with pytest.raises(InvalidState, match="step of a takedown"):
        resend_task(task)


@pytest.mark.parametrize("is_of_takedown", [True, False])
def test_a_failed_purge_without_a_takedown_needs_attention(
    is_of_takedown: bool,
) -> None:
    takedown = Takedown.objects.create(video=make_video(), cause=Takedown.Cause.VOD)
    task = make_purge("v1", ["media.example.com/a.mp4"])
    task.takedown = takedown if is_of_takedown else None
    task.finish(State.FAIL, "1 of 1 URLs failed.")
    task.save()
    assert list(CdnTask.objects.needing_attention()) == ([] if is_of_takedown else [task])


def test_only_a_failed_prefetch_of_a_visible_video_is_sent_again(cloud: LocalVod) -> None:
    video = make_video()
    task = failed(cloud, video=video)
    again = resend_task(task)
    with pytest.raises(InvalidState, match="Only a task that failed"):
        resend_task(again)
    with pytest.raises(InvalidState, match="on their way already"):
        resend_task(task)
    Video.objects.update(censor_status=CensorStatus.FAIL)
    task.refresh_from_db()
    with pytest.raises(InvalidState, match="blocked or deleted"):
        resend_task(CdnTask.objects.get(pk=task.pk))
