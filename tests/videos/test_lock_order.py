"""Lock order: a decision about a video and the end of its delivery do not deadlock."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.outbox import services as outbox
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused, Superseded, handler_for
from shortvideo.outbox.leases import claim
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.settling import finish
from tests.factories import make_video
from tests.outbox.support import LONGEST_WAIT_SECONDS
from tests.support.localvod import wait_until
from tests.support.locks import watching_waiters
from videos.deliveries.takedown import StillThere
from videos.models import CdnTask, Decision, ReviewDecision, Source, Takedown, Video
from videos.services import DecisionInput, prefetch, resend_task, review_video, undo_review

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = Refused("Forbidden", "VOD refused it.")


@pytest.fixture(autouse=True)
def _rows_are_locked() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks the whole database, not a row.")


def decide(video: Video, decision: Decision) -> ReviewDecision:
    return review_video(video, DecisionInput(decision, Source.API, reason="violence"))


def lease(kind: str = "create_audit") -> Delivery:
    [delivery] = claim(kind, limit=1, now=timezone.now())
    return delivery


def refuse(delivery: Delivery) -> None:
    finish(delivery, REFUSED, handler=handler_for("create_audit"))


def run_elsewhere(work: Callable[[], object]) -> None:
    """Run `work` on a connection of its own and wait for it."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(with_own_connection, work).result()


def with_own_connection(work: Callable[[], object]) -> None:
    try:
        work()
    finally:
        connections.close_all()


@contextmanager
def holding(video: Video, *, meanwhile: Callable[[], object]) -> Iterator[None]:
    """Hold the video's row, as every decision does, while `meanwhile` runs in another thread.

    A lock that the with-block waits for fails after five seconds. `meanwhile` ends after the block.
    """
    errors: list[Exception] = []

    def other() -> None:
        try:
            meanwhile()
        except Exception as error:  # noqa: BLE001 - raised in the test's thread
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
        Video.objects.select_for_update().get(pk=video.pk)
        thread.start()
        with watching_waiters() as is_waited_for:
            wait_until(lambda: not thread.is_alive() or is_waited_for())
        yield
    thread.join(LONGEST_WAIT_SECONDS)
    assert not thread.is_alive()
    for error in errors:
        raise error


def test_a_follower_of_a_refused_pass_is_given_up() -> None:
    """A refused pass is taken back: its worker locks the delivery, then waits for the video."""
    video = make_video(censor_status="check")
    decide(video, Decision.NORMAL)
    audit = lease()
    with holding(video, meanwhile=lambda: refuse(audit)):
        purge = outbox.send("read_video", subject=video.vod_id, after=audit)
    purge.refresh_from_db()
    assert purge.state == DeliveryState.GIVEN_UP
    assert purge.error_code == "PredecessorGivenUp"


def test_an_uncommitted_follower_of_a_refused_block_is_given_up() -> None:
    """A refused block is not taken back: its worker does not lock the video."""
    video = make_video()
    decide(video, Decision.BLOCKED)
    audit = lease()
    with holding(video, meanwhile=lambda: refuse(audit)):
        late = outbox.send("read_video", subject=video.vod_id, after=audit)
    late.refresh_from_db()
    assert late.state == DeliveryState.GIVEN_UP


def test_a_decision_and_the_end_of_the_earlier_do_not_deadlock() -> None:
    """Both lock the followers and their takedown."""
    video = make_video()
    decide(video, Decision.BLOCKED)
    audit = lease()
    with holding(video, meanwhile=lambda: refuse(audit)):
        decide(video, Decision.NORMAL)
        decide(video, Decision.BLOCKED)
    standing = Delivery.objects.filter(kind="create_audit").latest("id")
    assert standing.state == DeliveryState.WAITING


def test_a_failed_block_is_retried_if_the_later_pass_is_undone(
    settings: Settings,
) -> None:
    """The pass is unsent when the attempt ends, and undone when its worker has the video's lock."""
    settings.REVIEW_UNDO_SECONDS = 60
    video = make_video()
    review = decide(video, Decision.BLOCKED)
    audit = lease()
    undone = review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN))
    away = Again("VOD is away.")
    with holding(video, meanwhile=lambda: finish(audit, away, handler=handler_for("create_audit"))):
        undo_review(undone)
    audit.refresh_from_db()
    assert audit.state == DeliveryState.WAITING
    assert Takedown.objects.get(decision=review).state == Takedown.State.UNDER_WAY
    assert Delivery.objects.waiting().filter(kind="verify_takedown").count() == 1


def test_a_decision_and_a_dismissal_do_not_deadlock() -> None:
    video = make_video()
    review = decide(video, Decision.BLOCKED)
    refuse(lease())
    delivery = Delivery.objects.get(review_decision=review)
    with (
        pytest.raises(outbox.DeliveryStateError, match="dismissed; it is superseded"),
        holding(video, meanwhile=lambda: outbox.dismiss(delivery)),
    ):
        decide(video, Decision.NORMAL)


ENDS = [
    ("archive_evidence", REFUSED),
    ("verify_takedown", REFUSED),
    ("verify_takedown", Superseded("It is over.")),
    ("verify_takedown", StillThere("Served.", 1.0, paths=("media.example.com/1.mp4",))),
]


def lease_alone(kind: str) -> Delivery:
    """End the earlier deliveries and lease the one of this kind."""
    before = Delivery.objects.filter(pk__lt=Delivery.objects.get(kind=kind).pk)
    before.update(state=DeliveryState.DONE, finished_at=timezone.now())
    Delivery.objects.filter(kind=kind).update(is_held=False)
    return lease(kind)


@pytest.mark.parametrize(("kind", "outcome"), ENDS)
def test_a_decision_and_a_takedown_step_do_not_deadlock(kind: str, outcome: Outcome) -> None:
    video = make_video()
    review = decide(video, Decision.BLOCKED)
    step = lease_alone(kind)
    with holding(video, meanwhile=lambda: finish(step, outcome, handler=handler_for(kind))):
        decide(video, Decision.NORMAL)
    step.refresh_from_db()
    assert step.state != DeliveryState.LEASED
    assert Takedown.objects.get(decision=review).is_over


def test_a_follower_of_a_requeued_delivery_is_not_held_forever() -> None:
    """Example: `send` looks for the predecessor among the free deliveries, its worker requeues it,
    `send` looks again; another worker ends it before the follower is committed.
    """
    video = make_video()
    with transaction.atomic():
        first = outbox.send("read_video", subject=video.vod_id)
    handler, leased = handler_for("read_video"), lease("read_video")

    def requeue_after_the_first_look(
        execute: Any, sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        found = execute(sql, params, many, context)
        if "FOR NO KEY UPDATE" in sql:
            run_elsewhere(lambda: finish(leased, Again("Later.", delay_seconds=0), handler=handler))
        return found

    with transaction.atomic():
        with connection.execute_wrapper(requeue_after_the_first_look):
            follower = outbox.send("purge", subject=video.vod_id, after=first)
        run_elsewhere(lambda: finish(lease("read_video"), Done(), handler=handler))
    assert [delivery.pk for delivery in claim("purge", limit=1, now=timezone.now())] == [
        follower.pk
    ]


def test_a_prefetch_and_a_repeated_prefetch_do_not_deadlock() -> None:
    """Both record a prefetch of the same video."""
    video = make_video()
    task = CdnTask.objects.create(
        kind=CdnTask.Kind.PREFETCH,
        urls=["media.example.com/a.mp4"],
        video=video,
        state=CdnTask.State.FAIL,
    )
    with holding(video, meanwhile=lambda: resend_task(task)):
        prefetch(["media.example.com/b.mp4"], video=video)
    assert CdnTask.objects.prefetches().on_their_way().count() == 2
