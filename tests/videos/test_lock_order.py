"""Who decides about a video and who ends one of its deliveries do not wait for each other."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from shortvideo.outbox import services as outbox
from shortvideo.outbox.handlers import Refused, handler_for
from shortvideo.outbox.leases import claim
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.settling import finish
from tests.factories import make_video
from videos.models import Decision, ReviewDecision, Source, Video
from videos.services import review_video

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = Refused("Forbidden", "VOD refused it.")


@pytest.fixture(autouse=True)
def _rows_are_locked() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks the whole database, not a row.")


def decide(video: Video, decision: Decision) -> ReviewDecision:
    return review_video(video, decision=decision, source=Source.API, reason="violence")


def taken() -> Delivery:
    [delivery] = claim("create_audit", limit=1, now=timezone.now())
    return delivery


def refuse(delivery: Delivery) -> None:
    finish(delivery, REFUSED, handler=handler_for("create_audit"))


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
