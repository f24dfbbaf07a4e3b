"""An older decision of ours on top in VOD: what stands is sent again, or will be sent anyway."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.cloud import vod_gateway
from shortvideo.outbox import services as outbox
from shortvideo.outbox.handlers import Again, handler_for
from shortvideo.outbox.leases import claim
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.settling import finish
from shortvideo.outbox.worker import send_batch, work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from videos.deliveries.review import _as_audit
from videos.models import Decision, ReviewDecision, Source, Takedown, Video
from videos.services import review_video
from videos.services.undo import undo_review

pytestmark = pytest.mark.django_db(transaction=True)

UNDO_SECONDS = 60
REFUSAL = {"operation": "CreateAudit", "kind": "error", "code": "Forbidden.Nope", "status": 400}


@pytest.fixture(autouse=True)
def _every_standing_block_is_seen_through() -> Iterator[None]:
    """No takedown of a block that stands is given up silently, whatever happened before."""
    yield
    reversed_ones = Takedown.objects.of_block().filter(state=Takedown.State.REVERSED)
    assert not reversed_ones.filter(video__censor_status="fail").exists()


def passed(vod: LocalVod) -> Video:
    """A clip that we have passed; VOD has our pass, and its history shows it on top."""
    media = {"cover": "", "first_frame": "", "source_path": "", "snapshots": [], "files": []}
    vod_id = vod.seed(status="Normal")
    video = make_video(vod_id=vod_id, status="Normal", **media)  # type: ignore[arg-type]  # a mix
    review_video(video, decision=Decision.NORMAL, source=Source.API)
    send_batch("create_audit")
    return video


def block(video: Video, source: Source = Source.API) -> ReviewDecision:
    return review_video(video, decision=Decision.BLOCKED, source=source, reason="violence")


def read(video: Video) -> None:
    """As the callback of our own pass makes us do it."""
    with transaction.atomic():
        outbox.send("read_video", subject=video.vod_id)
    assert send_batch("read_video") == 1


def send_now() -> None:
    """Let the time for undoing, or the wait after a failure, be over."""
    Delivery.objects.open().filter(kind="create_audit").update(due_at=timezone.now())
    send_batch("create_audit")


def waited_for_long() -> None:
    long_ago = timezone.now() - timedelta(hours=3)
    Delivery.objects.filter(kind="create_audit").update(created_at=long_ago)


def blocks_sent(vod: LocalVod) -> int:
    return [status for _, status, _ in vod.audits()].count("Blocked")


def audits() -> list[Delivery]:
    return list(Delivery.objects.filter(kind="create_audit").order_by("id"))


def takedown_of(review: ReviewDecision) -> str:
    work_until_idle(30)
    return Takedown.objects.get(decision=review).state


def test_a_block_that_can_still_be_undone_waits_on_when_the_pass_before_it_comes_back(
    cloud: LocalVod, settings: Settings
) -> None:
    settings.REVIEW_UNDO_SECONDS = UNDO_SECONDS
    video = passed(cloud)
    review = block(video, Source.ADMIN)
    read(video)
    send_batch("create_audit")
    assert blocks_sent(cloud) == 0
    send_now()
    assert takedown_of(review) == Takedown.State.VERIFIED
    assert blocks_sent(cloud) == 1


def test_a_block_can_be_undone_after_the_pass_before_it_has_come_back(
    cloud: LocalVod, settings: Settings
) -> None:
    settings.REVIEW_UNDO_SECONDS = UNDO_SECONDS
    video = passed(cloud)
    review = block(video, Source.ADMIN)
    read(video)
    undo_review(review)
    send_now()
    assert blocks_sent(cloud) == 0
    video.refresh_from_db()
    assert video.censor_status == "success"


def test_a_block_that_waited_for_long_is_sent_once(cloud: LocalVod) -> None:
    video = passed(cloud)
    review = block(video)
    waited_for_long()
    assert takedown_of(review) == Takedown.State.VERIFIED
    assert blocks_sent(cloud) == 1
    assert len(cloud.ledger("GetAuditHistory")) == 1, "and only after a look at the history"


def test_a_block_that_waited_for_long_outlives_a_failed_attempt(cloud: LocalVod) -> None:
    video = passed(cloud)
    review = block(video)
    waited_for_long()
    cloud.faults({"operation": "CreateAudit", "kind": "error"})
    send_batch("create_audit")
    cloud.faults()
    send_now()
    assert takedown_of(review) == Takedown.State.VERIFIED
    assert blocks_sent(cloud) == 1


def test_a_block_that_is_just_being_sent_is_repeated_and_ends_as_it_would_alone(
    cloud: LocalVod,
) -> None:
    """The reading comes in the midst of the call, and the call fails."""
    video = passed(cloud)
    review = block(video)
    [leased] = claim("create_audit", limit=1, now=timezone.now())
    read(video)
    finish(leased, Again("VOD is away."), handler=handler_for("create_audit"))
    own, repeated = audits()[-2:]
    assert (own.pk, own.state) == (review.delivery_id, DeliveryState.WAITING)
    assert repeated.payload == {"decision": review.pk}
    send_now()
    assert takedown_of(review) == Takedown.State.VERIFIED


def test_a_block_that_vod_refused_stays_refused_until_somebody_retries_it(cloud: LocalVod) -> None:
    video = passed(cloud)
    review = block(video)
    cloud.faults(REFUSAL)
    send_batch("create_audit")
    for _ in range(2):
        read(video)
    own = audits()[-1]
    assert (own.pk, own.state) == (review.delivery_id, DeliveryState.GIVEN_UP)
    assert takedown_of(review) == Takedown.State.FAILED
    cloud.faults()
    outbox.retry(own)
    assert takedown_of(review) == Takedown.State.VERIFIED


def test_a_block_that_vod_refused_and_somebody_dismissed_is_not_sent(cloud: LocalVod) -> None:
    video = passed(cloud)
    block(video)
    cloud.faults(REFUSAL)
    send_batch("create_audit")
    outbox.dismiss(audits()[-1])
    cloud.faults()
    read(video)
    assert not Delivery.objects.open().filter(kind="create_audit").exists()


def test_a_pass_that_landed_after_a_block_is_overruled_and_the_clip_is_purged_once_more(
    cloud: LocalVod,
) -> None:
    video = passed(cloud)
    pass_ = video.decisions.get()
    review = block(video)
    send_batch("create_audit")
    verification = Takedown.objects.get(decision=review).verification_id
    vod_gateway().create_audit([_as_audit(pass_)])
    read(video)
    assert Takedown.objects.get(decision=review).verification_id != verification
    assert takedown_of(review) == Takedown.State.VERIFIED
    assert blocks_sent(cloud) == 2


def test_a_clip_that_was_proven_to_be_gone_and_shown_again_is_purged_and_proven_anew(
    cloud: LocalVod,
) -> None:
    video = passed(cloud)
    pass_ = video.decisions.get()
    review = block(video)
    assert takedown_of(review) == Takedown.State.VERIFIED
    proven = Takedown.objects.get(decision=review)
    vod_gateway().create_audit([_as_audit(pass_)])
    read(video)
    shown = Takedown.objects.get(decision=review)
    assert (shown.state, shown.verified_at) == (Takedown.State.UNDER_WAY, None)
    assert shown.verification_id != proven.verification_id
    assert takedown_of(review) == Takedown.State.VERIFIED
    assert Takedown.objects.get(decision=review).verified_at not in (None, proven.verified_at)
    assert blocks_sent(cloud) == 2
