"""A decision that waited for hours does not overrule a later decision made in VOD."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import send_batch, work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from videos.models import CdnTask, Decision, ReviewDecision, Source, Video, append_only
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db(transaction=True)

LONG = timedelta(hours=3)


def mirrored(vod: LocalVod, status: str = "Normal") -> Video:
    media = {"cover": "", "first_frame": "", "source_path": "", "snapshots": [], "files": []}
    return make_video(vod_id=vod.seed(status=status), status=status, **media)  # type: ignore[arg-type]  # a mix


def decide(video: Video, decision: Decision, source: Source = Source.API) -> ReviewDecision:
    return review_video(video, DecisionInput(decision, source, reason="violence"))


def make_three_hours_old() -> None:
    """Make all decisions and their deliveries three hours old."""
    before = timezone.now() - LONG
    with append_only.suspended():
        ReviewDecision.objects.update(created_at=before)
    Delivery.objects.update(created_at=before)


def shown(vod: LocalVod, video: Video) -> str:
    status: str = vod.state(video.vod_id)["video"]["status"]
    return status


def log_of(video: Video) -> list[tuple[str, str]]:
    return list(video.decisions.order_by("id").values_list("source", "decision"))


def state_of(review: ReviewDecision) -> str:
    return Delivery.objects.get(review_decision=review).state


def work() -> None:
    work_until_idle(30)


@pytest.mark.parametrize("before", ["Normal", "Blocked"])
def test_a_stale_pass_does_not_overrule_a_later_block_in_vod(cloud: LocalVod, before: str) -> None:
    video = mirrored(cloud, before)
    review = decide(video, Decision.NORMAL)
    make_three_hours_old()
    cloud.audit_in_console(video.vod_id, "Blocked", "cruelty", "Wang")
    work()
    assert shown(cloud, video) == "Blocked"
    assert cloud.audits() == []
    assert log_of(video) == [(Source.API, Decision.NORMAL), (Source.VOD, Decision.BLOCKED)]
    assert state_of(review) == DeliveryState.SUPERSEDED, "VOD refused nothing"


def test_a_decision_missing_in_a_restored_log_is_imported(
    cloud: LocalVod,
) -> None:
    """Our pass was sent, then our block; the restored backup is older than both calls."""
    video = mirrored(cloud, "Blocked")
    sent = decide(video, Decision.NORMAL)
    assert sent.delivery is not None
    work()
    later = decide(video, Decision.BLOCKED)
    work()
    Video.objects.filter(pk=video.pk).update(status="Blocked", censor_status="success")
    lose(later)
    Delivery.objects.filter(pk=sent.delivery.pk).update(
        state=DeliveryState.WAITING, finished_at=None, claim_count=0, attempts=0
    )
    make_three_hours_old()
    work()
    assert shown(cloud, video) == "Blocked"
    assert log_of(video)[-1] == (Source.VOD, Decision.BLOCKED)


def lose(decision: ReviewDecision) -> None:
    """Delete the decision and its takedown, as a restore does."""
    CdnTask.objects.filter(takedown__decision=decision).update(takedown=None)
    decision.takedown.delete()
    with append_only.suspended():
        ReviewDecision.objects.filter(pk=decision.pk).delete()


def test_a_stale_block_overrules_an_earlier_decision_in_vod(
    cloud: LocalVod,
) -> None:
    video = mirrored(cloud)
    cloud.audit_in_console(video.vod_id, "Normal", "", "Wang")
    decide(video, Decision.BLOCKED)
    later = timezone.now() - timedelta(minutes=11)
    Delivery.objects.update(created_at=later)
    work()
    assert shown(cloud, video) == "Blocked"
    assert log_of(video) == [(Source.API, Decision.BLOCKED)]


def test_a_fresh_or_agreeing_decision_is_sent_without_a_reading(cloud: LocalVod) -> None:
    waited, fresh = mirrored(cloud, "Blocked"), mirrored(cloud)
    decide(waited, Decision.BLOCKED)
    Delivery.objects.update(created_at=timezone.now() - LONG)
    decide(fresh, Decision.BLOCKED)
    send_batch("create_audit")
    assert {vod_id for vod_id, _, _ in cloud.audits()} == {waited.vod_id, fresh.vod_id}
    assert cloud.ledger("GetAuditHistory") == []


@pytest.mark.parametrize("question", ["GetAuditHistory", "GetVideoInfos"])
def test_a_stale_decision_waits_while_vod_cannot_be_read(cloud: LocalVod, question: str) -> None:
    stale, fresh = mirrored(cloud), mirrored(cloud)
    held = decide(stale, Decision.BLOCKED)
    Delivery.objects.update(created_at=timezone.now() - LONG)
    sent = decide(fresh, Decision.BLOCKED)
    cloud.faults({"operation": question, "kind": "error"})
    send_batch("create_audit")
    assert (state_of(held), state_of(sent)) == (DeliveryState.WAITING, DeliveryState.DONE)
    cloud.faults()
    work()
    assert state_of(held) == DeliveryState.DONE
    assert shown(cloud, stale) == "Blocked"


@pytest.mark.parametrize("question", ["GetAuditHistory", "GetVideoInfos"])
def test_a_refused_reading_does_not_take_a_decision_back(cloud: LocalVod, question: str) -> None:
    stale, fresh = mirrored(cloud, "Blocked"), mirrored(cloud)
    held = decide(stale, Decision.NORMAL)
    Delivery.objects.update(created_at=timezone.now() - LONG)
    sent = decide(fresh, Decision.BLOCKED)
    refusal = {"operation": question, "kind": "error", "code": "InvalidParameter", "status": 400}
    cloud.faults(refusal)
    send_batch("create_audit")
    assert (state_of(held), state_of(sent)) == (DeliveryState.WAITING, DeliveryState.DONE)
    assert log_of(stale) == [(Source.API, Decision.NORMAL)]
    cloud.faults()
    work()
    assert shown(cloud, stale) == "Normal"
