"""VOD shows an older decision of ours: the standing decision is sent again, or still waits."""

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
from videos.models import Decision, ReviewDecision, Source, Takedown, Video
from videos.services import DecisionInput, review_video, undo_review
from videos.services.standing import as_audit

pytestmark = pytest.mark.django_db(transaction=True)

UNDO_SECONDS = 60
REFUSAL = {"operation": "CreateAudit", "kind": "error", "code": "Forbidden.Nope", "status": 400}


@pytest.fixture(autouse=True)
def _no_standing_block_loses_its_takedown() -> Iterator[None]:
    """Check after each test that no takedown of a standing block is marked as reversed."""
    yield
    reversed_ones = Takedown.objects.of_block().filter(state=Takedown.State.REVERSED)
    assert not reversed_ones.filter(video__censor_status="fail").exists()


def make_passed_video(vod: LocalVod) -> Video:
    """Make a video with our pass, which is the newest entry of VOD's history."""
    media = {"cover": "", "first_frame": "", "source_path": "", "snapshots": [], "files": []}
    vod_id = vod.seed(status="Normal", files=False)
    video = make_video(vod_id=vod_id, status="Normal", **media)  # type: ignore[arg-type]  # a mix
    review_video(video, DecisionInput(Decision.NORMAL, Source.API))
    send_batch("create_audit")
    return video


def block(video: Video, source: Source = Source.API) -> ReviewDecision:
    return review_video(video, DecisionInput(Decision.BLOCKED, source, reason="violence"))


def read(video: Video) -> None:
    """Read the video, as the callback about our own pass would."""
    with transaction.atomic():
        outbox.send("read_video", subject=video.vod_id)
    assert send_batch("read_video") == 1


def send_now() -> None:
    """Send decisions now, without the time for undoing and the backoff."""
    Delivery.objects.open().filter(kind="create_audit").update(due_at=timezone.now())
    send_batch("create_audit")


def make_three_hours_old() -> None:
    long_ago = timezone.now() - timedelta(hours=3)
    Delivery.objects.filter(kind="create_audit").update(created_at=long_ago)


def blocks_sent(vod: LocalVod) -> int:
    return [status for _, status, _ in vod.audits()].count("Blocked")


def audits() -> list[Delivery]:
    return list(Delivery.objects.filter(kind="create_audit").order_by("id"))


def takedown_of(review: ReviewDecision) -> str:
    work_until_idle(30)
    return Takedown.objects.get(decision=review).state


def test_an_undoable_block_waits_after_our_older_pass_was_read(
    cloud: LocalVod, settings: Settings
) -> None:
    settings.REVIEW_UNDO_SECONDS = UNDO_SECONDS
    video = make_passed_video(cloud)
    review = block(video, Source.ADMIN)
    read(video)
    send_batch("create_audit")
    assert blocks_sent(cloud) == 0
    send_now()
    assert takedown_of(review) == Takedown.State.VERIFIED
    assert blocks_sent(cloud) == 1


def test_a_block_can_be_undone_after_our_older_pass_was_read(
    cloud: LocalVod, settings: Settings
) -> None:
    settings.REVIEW_UNDO_SECONDS = UNDO_SECONDS
    video = make_passed_video(cloud)
    review = block(video, Source.ADMIN)
    read(video)
    undo_review(review)
    send_now()
    assert blocks_sent(cloud) == 0
    video.refresh_from_db()
    assert video.censor_status == "success"


def test_a_block_that_waited_for_hours_is_sent_once(cloud: LocalVod) -> None:
    video = make_passed_video(cloud)
    review = block(video)
    make_three_hours_old()
    assert takedown_of(review) == Takedown.State.VERIFIED
    assert blocks_sent(cloud) == 1
    assert len(cloud.ledger("GetAuditHistory")) == 1, "the history is read before it is sent"


def test_a_block_that_waited_for_hours_survives_a_failed_attempt(cloud: LocalVod) -> None:
    video = make_passed_video(cloud)
    review = block(video)
    make_three_hours_old()
    cloud.faults({"operation": "CreateAudit", "kind": "error"})
    send_batch("create_audit")
    cloud.faults()
    send_now()
    assert takedown_of(review) == Takedown.State.VERIFIED
    assert blocks_sent(cloud) == 1


def test_a_block_in_a_workers_hands_is_sent_once_more(
    cloud: LocalVod,
) -> None:
    """The reading happens during the call, and the call fails."""
    video = make_passed_video(cloud)
    review = block(video)
    [leased] = claim("create_audit", limit=1, now=timezone.now())
    read(video)
    finish(leased, Again("VOD is away."), handler=handler_for("create_audit"))
    own, repeated = audits()[-2:]
    assert (own.pk, own.state) == (review.delivery_id, DeliveryState.WAITING)
    assert repeated.payload == {"decision": review.pk}
    send_now()
    assert takedown_of(review) == Takedown.State.VERIFIED


def test_a_refused_block_stays_refused_until_it_is_retried(cloud: LocalVod) -> None:
    video = make_passed_video(cloud)
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


def test_a_refused_and_dismissed_block_is_not_sent(cloud: LocalVod) -> None:
    video = make_passed_video(cloud)
    block(video)
    cloud.faults(REFUSAL)
    send_batch("create_audit")
    outbox.dismiss(audits()[-1])
    cloud.faults()
    read(video)
    assert not Delivery.objects.open().filter(kind="create_audit").exists()


def test_a_late_pass_is_overruled_and_the_video_purged_again(
    cloud: LocalVod,
) -> None:
    video = make_passed_video(cloud)
    pass_ = video.decisions.get()
    review = block(video)
    send_batch("create_audit")
    verification = Takedown.objects.get(decision=review).verification_id
    vod_gateway().create_audit([as_audit(pass_)])
    read(video)
    assert Takedown.objects.get(decision=review).verification_id != verification
    assert takedown_of(review) == Takedown.State.VERIFIED
    assert blocks_sent(cloud) == 2


def test_a_verified_takedown_is_verified_again_after_a_late_pass(
    cloud: LocalVod,
) -> None:
    video = make_passed_video(cloud)
    pass_ = video.decisions.get()
    review = block(video)
    assert takedown_of(review) == Takedown.State.VERIFIED
    proven = Takedown.objects.get(decision=review)
    vod_gateway().create_audit([as_audit(pass_)])
    read(video)
    shown = Takedown.objects.get(decision=review)
    assert (shown.state, shown.verified_at) == (Takedown.State.UNDER_WAY, None)
    assert shown.verification_id != proven.verification_id
    assert takedown_of(review) == Takedown.State.VERIFIED
    assert Takedown.objects.get(decision=review).verified_at not in (None, proven.verified_at)
    assert blocks_sent(cloud) == 2
