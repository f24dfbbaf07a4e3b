"""If VOD refuses one part of a reading, the other parts are still written."""

import pytest

from shortvideo.cloud import vod_gateway
from shortvideo.outbox.handlers import Again, Done
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from videos import sync
from videos.deliveries.reading import deliver_readings
from videos.mirror.asking import ReadRequest
from videos.mirror.fetching import read_later
from videos.models import Decision

pytestmark = pytest.mark.django_db(transaction=True)


def refuse(vod: LocalVod, operation: str, code: str = "Forbidden.Something") -> None:
    vod.faults({"operation": operation, "kind": "error", "code": code, "status": 403})


def test_a_decision_in_vod_arrives_although_a_part_is_refused(
    cloud: LocalVod,
) -> None:
    video = make_video(vod_id=cloud.seed(), files=[])
    cloud.audit_in_console(video.vod_id, "Blocked", "seen")
    refuse(cloud, "GetPlayInfo")
    read_later(video.vod_id)
    work_until_idle(20)
    assert video.decisions.get().decision == Decision.BLOCKED
    delivery = Delivery.objects.filter(kind="read_video").earliest("id")
    assert (delivery.state, delivery.error_code) == (DeliveryState.GIVEN_UP, "Forbidden.Something")


def test_a_refused_part_is_a_problem_of_the_sync(
    cloud: LocalVod,
) -> None:
    vod_id = cloud.seed()
    refuse(cloud, "GetPlayInfo")
    [tally] = sync.sync_ids([vod_id])
    assert (tally.applied.new, len(tally.problems)) == (1, 1)


def test_a_video_that_is_only_played_encrypted_is_no_problem(cloud: LocalVod) -> None:
    refuse(cloud, "GetPlayInfo", "Forbidden.AliyunVoDEncryption")
    [tally] = sync.sync_ids([cloud.seed()])
    assert tally.problems == []


def test_a_video_deleted_in_vod_while_it_is_read_is_no_refusal(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    delivery = Delivery(pk=1, kind="read_video", subject=video.vod_id)

    def delete_then_ask(_: Delivery) -> ReadRequest:
        vod_gateway().delete([video.vod_id])
        return ReadRequest(audits=True)

    outcomes = deliver_readings([delivery], delete_then_ask, removable=lambda _: False)
    assert outcomes == {1: Done()}


def test_throttling_requeues_the_rest_of_the_batch(
    cloud: LocalVod,
) -> None:
    videos = [make_video(vod_id=cloud.seed()) for _ in range(3)]
    batch = [Delivery(pk=n, subject=video.vod_id) for n, video in enumerate(videos)]
    cloud.faults({"operation": "GetAuditHistory", "kind": "error", "code": "Throttling.User",
                  "status": 400, "skip": 1})  # fmt: skip
    outcomes = deliver_readings(
        batch, lambda _: ReadRequest(audits=True), removable=lambda _: False
    )
    assert outcomes[0] == Done()
    again = outcomes[1]
    assert isinstance(again, Again)
    assert again.throttled
    assert outcomes[2] == again
    asked = [entry["video_ids"] for entry in cloud.ledger(operation="GetAuditHistory")]
    assert [videos[2].vod_id] not in asked
