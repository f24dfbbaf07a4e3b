"""Who decides about a video and who ends one of its deliveries do not wait for each other."""

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
from videos.deliveries.takedown import StillThere
from videos.models import CdnTask, Decision, ReviewDecision, Source, Takedown, Video
from videos.services import prefetch, resend_task, review_video
from videos.services.undo import undo_review

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = Refused("Forbidden", "VOD refused it.")


@pytest.fixture(autouse=True)
def _rows_are_locked() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks the whole database, not a row.")


def decide(video: Video, decision: Decision) -> ReviewDecision:
    return review_video(video, decision=decision, source=Source.API, reason="violence")


def taken(kind: str = "create_audit") -> Delivery:
    [delivery] = claim(kind, limit=1, now=timezone.now())
    return delivery


def refuse(delivery: Delivery) -> None:
    finish(delivery, REFUSED, handler=handler_for("create_audit"))


def elsewhere(work: Callable[[], object]) -> None:
    """Let another connection do this, to its end."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(with_own_connection, work).result()


def with_own_connection(work: Callable[[], object]) -> None:
    try:
        work()
    finally:
        connections.close_all()


@contextmanager
def holding(video: Video, *, meanwhile: Callable[[], object]) -> Iterator[None]:
    """The block holds the video's row, as every decision does; the other runs into it.

    What the block has to wait for makes it fail after five seconds. The other one ends after it.
    """
    errors: list[Exception] = []

    def other() -> None:
        try:
            meanwhile()
        except Exception as error:  # noqa: BLE001 - the test's thread raises it
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
        Video.objects.select_for_update().get(pk=video.pk)
        thread.start()
        thread.join(1)
        yield
    thread.join(30)
    assert not thread.is_alive()
    for error in errors:
        raise error


def test_what_is_put_after_a_delivery_that_is_just_refused_waits_for_nobody() -> None:
    """A refused pass is taken back: its worker holds the delivery and waits for the video."""
    video = make_video(censor_status="check")
    decide(video, Decision.NORMAL)
    audit = taken()
    with holding(video, meanwhile=lambda: refuse(audit)):
        purge = outbox.send("read_video", subject=video.vod_id, after=audit)
    purge.refresh_from_db()
    assert purge.state == DeliveryState.GIVEN_UP
    assert purge.error_code == "PredecessorGivenUp"


def test_a_follower_that_is_not_committed_yet_shares_the_end_of_a_refused_block() -> None:
    """Nothing of a refused block is taken back: its worker has no need of the video itself."""
    video = make_video()
    decide(video, Decision.BLOCKED)
    audit = taken()
    with holding(video, meanwhile=lambda: refuse(audit)):
        late = outbox.send("read_video", subject=video.vod_id, after=audit)
    late.refresh_from_db()
    assert late.state == DeliveryState.GIVEN_UP


def test_a_decision_and_the_end_of_the_one_before_it_do_not_block_each_other() -> None:
    """Both reach for the steps that follow, and for their takedown."""
    video = make_video()
    decide(video, Decision.BLOCKED)
    audit = taken()
    with holding(video, meanwhile=lambda: refuse(audit)):
        decide(video, Decision.NORMAL)
        decide(video, Decision.BLOCKED)
    standing = Delivery.objects.filter(kind="create_audit").latest("id")
    assert standing.state == DeliveryState.WAITING


def test_a_block_whose_attempt_fails_while_the_pass_after_it_is_undone_is_tried_again(
    settings: Settings,
) -> None:
    """The pass is still on its way when the worker ends, and is gone once it has the video."""
    settings.REVIEW_UNDO_SECONDS = 60
    video = make_video()
    review = decide(video, Decision.BLOCKED)
    audit = taken()
    undone = review_video(video, decision=Decision.NORMAL, source=Source.ADMIN)
    away = Again("VOD is away.")
    with holding(video, meanwhile=lambda: finish(audit, away, handler=handler_for("create_audit"))):
        undo_review(undone)
    audit.refresh_from_db()
    assert audit.state == DeliveryState.WAITING
    assert Takedown.objects.get(decision=review).state == Takedown.State.UNDER_WAY
    assert Delivery.objects.waiting().filter(kind="verify_takedown").count() == 1


def test_a_decision_and_a_dismissal_of_the_one_before_it_do_not_block_each_other() -> None:
    video = make_video()
    review = decide(video, Decision.BLOCKED)
    refuse(taken())
    delivery = Delivery.objects.get(review_decision=review)
    with (
        pytest.raises(outbox.DeliveryStateError, match="dismissed; this one is superseded"),
        holding(video, meanwhile=lambda: outbox.dismiss(delivery)),
    ):
        decide(video, Decision.NORMAL)


ENDS = [
    ("archive_evidence", REFUSED),
    ("verify_takedown", REFUSED),
    ("verify_takedown", Superseded("It is over.")),
    ("verify_takedown", StillThere("Served.", 1.0, paths=("media.example.com/1.mp4",))),
]


def taken_alone(kind: str) -> Delivery:
    """The delivery of this kind, in a worker's hands; what comes before it is done."""
    before = Delivery.objects.filter(pk__lt=Delivery.objects.get(kind=kind).pk)
    before.update(state=DeliveryState.DONE, finished_at=timezone.now())
    Delivery.objects.filter(kind=kind).update(is_held=False)
    return taken(kind)


@pytest.mark.parametrize(("kind", "outcome"), ENDS)
def test_a_decision_and_the_end_of_a_step_of_a_takedown_do_not_block_each_other(
    kind: str, outcome: Outcome
) -> None:
    video = make_video()
    review = decide(video, Decision.BLOCKED)
    step = taken_alone(kind)
    with holding(video, meanwhile=lambda: finish(step, outcome, handler=handler_for(kind))):
        decide(video, Decision.NORMAL)
    step.refresh_from_db()
    assert step.state != DeliveryState.LEASED
    assert Takedown.objects.get(decision=review).is_over


def test_what_is_put_after_a_delivery_that_is_just_put_back_is_not_held_for_ever() -> None:
    """Its worker lets go of it after it was looked for among the free ones, and before the next
    look; another worker has done it before what comes after it is committed.
    """
    video = make_video()
    with transaction.atomic():
        first = outbox.send("read_video", subject=video.vod_id)
    handler, leased = handler_for("read_video"), taken("read_video")

    def put_back_once_looked_for(
        execute: Any, sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        found = execute(sql, params, many, context)
        if "FOR NO KEY UPDATE" in sql:
            elsewhere(lambda: finish(leased, Again("Later.", delay_seconds=0), handler=handler))
        return found

    with transaction.atomic():
        with connection.execute_wrapper(put_back_once_looked_for):
            follower = outbox.send("purge", subject=video.vod_id, after=first)
        elsewhere(lambda: finish(taken("read_video"), Done(), handler=handler))
    assert [delivery.pk for delivery in claim("purge", limit=1, now=timezone.now())] == [
        follower.pk
    ]


def test_a_recommendation_and_a_prefetch_sent_again_do_not_block_each_other() -> None:
    """Both record a prefetch of the video, one after another."""
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
