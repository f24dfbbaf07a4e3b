"""A batch of decisions is sent with as many queries as one decision."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shortvideo.outbox.handlers import Done, handler_for
from shortvideo.outbox.leases import claim
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.settling import finish
from tests.factories import make_video
from tests.support.localvod import LocalVod
from videos.deliveries.review import DELETED, NO_LONGER_STANDS, RETRIED_IN_VAIN
from videos.models import Decision, Source, Video, VideoDeletion
from videos.services import DecisionInput, delete_video, review_video

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "create_audit"
WHOLE_BATCH = 100


def make_videos(vod: LocalVod, count: int) -> list[Video]:
    ids = vod.seed_many([{"status": "Checking"}] * count)
    return [make_video(vod_id=vod_id, status="Checking") for vod_id in ids]


def claim_all() -> list[Delivery]:
    return claim(KIND, limit=WHOLE_BATCH, now=timezone.now())


def passed(videos: Iterable[Video]) -> list[Delivery]:
    """Pass each video and lease the deliveries."""
    for video in videos:
        review_video(video, DecisionInput(Decision.NORMAL, Source.API))
    return claim_all()


def statements(queries: CaptureQueriesContext) -> list[str]:
    """Return the statements on rows. BEGIN and COMMIT differ between the databases."""
    verbs = ("SELECT", "INSERT", "UPDATE", "DELETE")
    return [query["sql"] for query in queries if query["sql"].startswith(verbs)]


@pytest.mark.parametrize("count", [1, WHOLE_BATCH])
def test_a_batch_of_any_length_is_sent_with_two_queries(cloud: LocalVod, count: int) -> None:
    batch = passed(make_videos(cloud, count))
    with CaptureQueriesContext(connection) as queries:
        outcomes = handler_for(KIND).deliver(batch)
    assert len(batch) == len(cloud.audits()) == count
    assert [outcomes[delivery.pk] for delivery in batch] == [Done()] * count
    assert len(statements(queries)) == 2


@pytest.mark.parametrize("count", [1, 30])
def test_a_stale_decision_costs_no_query_of_its_own(cloud: LocalVod, count: int) -> None:
    batch = passed(make_videos(cloud, count))
    for delivery in batch:
        delivery.created_at -= timedelta(hours=1)
    with CaptureQueriesContext(connection) as queries:
        handler_for(KIND).deliver(batch)
    assert len(cloud.audits()) == count
    assert len(statements(queries)) == 3


@pytest.mark.parametrize("each", [1, 10])
def test_an_omitted_decision_costs_no_query_of_its_own(cloud: LocalVod, each: int) -> None:
    deleted, doomed, replaced, retried, sent = (make_videos(cloud, each) for _ in range(5))
    batch = passed([*deleted, *doomed, *replaced, *retried, *sent])
    for video in [*deleted, *doomed]:
        delete_video(video)
    VideoDeletion.objects.filter(video__in=deleted).update(state=VideoDeletion.State.DONE)
    Video.objects.filter(pk__in=[video.pk for video in [*replaced, *retried]]).update(
        source_version=2
    )
    subjects = {video.vod_id for video in retried}
    for delivery in batch:
        delivery.retry_count = int(delivery.subject in subjects)
    with CaptureQueriesContext(connection) as queries:
        outcomes = handler_for(KIND).deliver(batch)
    assert len(statements(queries)) == 3
    by_subject = {delivery.subject: outcomes[delivery.pk] for delivery in batch}
    for outcome, videos in (
        (DELETED, deleted),
        (Done(), [*doomed, *sent]),
        (NO_LONGER_STANDS, replaced),
        (RETRIED_IN_VAIN, retried),
    ):
        assert [by_subject[video.vod_id] for video in videos] == [outcome] * len(videos)


def test_a_delivery_sends_the_decision_named_in_its_payload(cloud: LocalVod) -> None:
    """In a batch with another video's own decision: each video gets its own."""
    [again, own] = make_videos(cloud, 2)
    [first] = passed([again])
    finish(first, Done(), handler=handler_for(KIND))
    standing = again.decisions.get()
    Delivery.objects.create(
        kind=KIND,
        subject=again.vod_id,
        payload={"decision": standing.pk},
        due_at=timezone.now(),
    )
    batch = passed([own])
    assert len(batch) == 2
    handler_for(KIND).deliver(batch)
    assert cloud.state(again.vod_id)["audits"][-1]["comment"] == standing.mark
    assert cloud.state(own.vod_id)["audits"][-1]["comment"] == own.decisions.get().mark


def test_each_delivery_is_settled_alone_with_three_statements(
    cloud: LocalVod,
) -> None:
    batch = passed(make_videos(cloud, 5))
    handler = handler_for(KIND)
    outcomes = handler.deliver(batch)
    for settled, delivery in enumerate(batch, 1):
        with CaptureQueriesContext(connection) as queries:
            finish(delivery, outcomes[delivery.pk], handler=handler)
        assert len(statements(queries)) == 3  # lock under the lease, write, release followers
        assert [query["sql"] for query in queries].count("COMMIT") == 1
        assert Delivery.objects.filter(kind=KIND, state=DeliveryState.DONE).count() == settled
