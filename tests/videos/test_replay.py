"""Replays of stored events, by the command or the desk: the end state is the same."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from shortvideo.errors import InvalidState
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import send_batch, work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from tests.videos.support import follow, receive_bodies, state_of
from videos.events.inbox import READ_REQUESTS, replay_event
from videos.models import Video, VodEvent

pytestmark = pytest.mark.django_db
working = pytest.mark.django_db(transaction=True)  # a worker has connections of its own

State = VodEvent.State
FORBIDDEN: dict[str, Any] = {"kind": "error", "code": "Forbidden", "status": 403}


def make_event(number: int = 1, **values: Any) -> VodEvent:
    """Create a stored event."""
    return VodEvent.objects.create(
        **{
            "event_type": "TranscodeComplete",
            "media_id": f"{number:032d}",
            "dedupe_key": f"key-{number}",
            "body": {},
            "state": State.DONE,
            **values,
        }
    )


def waiting() -> set[int]:
    """Return the ids of the events with a waiting delivery."""
    return {delivery.payload["event"] for delivery in Delivery.objects.waiting()}


@working
def test_a_failed_event_is_processed_by_a_replay(eventful: LocalVod) -> None:
    vod_id = eventful.seed(status="Checking", announce=True)
    eventful.faults({"operation": "GetVideoInfos", **FORBIDDEN})
    follow(eventful)
    event = VodEvent.objects.get()
    assert (event.state, event.attention_at is not None) == (State.FAILED, True)
    eventful.faults()
    replay_event(event)
    work_until_idle(20)
    event.refresh_from_db()
    assert (event.state, event.error, event.attention_at) == (State.DONE, "", None)
    assert Video.objects.get().vod_id == vod_id
    assert not Delivery.objects.given_up().exists(), "the failed attempt is closed with it"


@working
def test_replaying_all_events_changes_nothing(eventful: LocalVod) -> None:
    eventful.seed(status="Checking", verdict="review", announce=True)
    follow(eventful)
    follow(eventful)
    before = state_of(Video.objects.get())
    call_command("replay_events", since=timezone.now() - timedelta(hours=1))
    work_until_idle(20)
    assert state_of(Video.objects.get()) == before
    assert not VodEvent.objects.exclude(state=State.DONE).exists()


def test_a_waiting_event_is_not_replayed_twice() -> None:
    event = make_event()
    first, second = replay_event(event), replay_event(event)
    assert first == second
    assert Delivery.objects.count() == 1


@working
def test_a_replay_that_fails_is_shown_again(eventful: LocalVod) -> None:
    event = make_event(state=State.FAILED, attention_at=timezone.now())
    eventful.faults({"operation": "GetVideoInfos", **FORBIDDEN})
    replay_event(event)
    event.refresh_from_db()
    assert (event.state, event.attention_at) == (State.WAITING, None)
    work_until_idle(20)
    event.refresh_from_db()
    assert (event.state, event.attention_at is not None) == (State.FAILED, True)


def test_a_replay_of_an_unknown_type_is_refused() -> None:
    event = make_event(event_type="SomethingNew", state=State.UNKNOWN)
    with pytest.raises(InvalidState, match="type SomethingNew are not processed"):
        replay_event(event)
    event.refresh_from_db()
    assert event.state == State.UNKNOWN


def test_an_event_of_a_newly_known_type_is_processed(monkeypatch: pytest.MonkeyPatch) -> None:
    event = make_event(event_type="SomethingNew", state=State.UNKNOWN)
    monkeypatch.setitem(READ_REQUESTS, "SomethingNew", READ_REQUESTS["VideoAnalysisComplete"])
    replay_event(event)
    assert waiting() == {event.pk}


def test_an_event_about_an_image_is_refused() -> None:
    with pytest.raises(InvalidState, match="not about a video"):
        replay_event(make_event(event_type="DeleteMediaComplete", body={"MediaType": "image"}))


# --- The command


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"failed": True}, {2}),
        ({"type": "SnapshotComplete"}, {3}),
        ({"video": f"{4:032d}"}, {4}),
        ({"since": timezone.now() - timedelta(days=2)}, {1, 2, 3, 4}),
        ({"until": timezone.now() - timedelta(days=2)}, {5}),
        ({"failed": True, "type": "SnapshotComplete"}, set()),
    ],
)
def test_options_narrow_the_choice_together(options: dict[str, Any], expected: set[int]) -> None:
    events = [
        make_event(1),
        make_event(2, state=State.FAILED),
        make_event(3, event_type="SnapshotComplete"),
        make_event(4),
        make_event(5, received_at=timezone.now() - timedelta(days=3)),
    ]
    call_command("replay_events", **options)
    assert waiting() == {events[number - 1].pk for number in expected}


def test_single_events_are_named_by_their_ids(capsys: pytest.CaptureFixture[str]) -> None:
    first, _, third = (make_event(number) for number in range(1, 4))
    call_command("replay_events", f"--id={first.pk}", f"--id={third.pk}")
    assert waiting() == {first.pk, third.pk}
    assert capsys.readouterr().out == "2 events will be processed by the worker, 0 refused.\n"


def test_a_dry_run_counts_and_replays_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    make_event(state=State.FAILED)
    call_command("replay_events", "--failed", "--dry-run")
    assert capsys.readouterr().out == "1 events would be replayed, 0 refused.\n"
    assert not Delivery.objects.exists()


def test_refused_events_are_counted_and_fail_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_event(1)
    make_event(2, event_type="SomethingNew", state=State.UNKNOWN)
    with pytest.raises(CommandError, match="1 refused: Events of type SomethingNew"):
        call_command("replay_events", "--since=2020-01-01")
    assert capsys.readouterr().out == "1 events will be processed by the worker, 1 refused.\n"


def test_without_a_choice_nothing_is_replayed() -> None:
    make_event()
    with pytest.raises(CommandError, match="Choose events by"):
        call_command("replay_events")
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("bad", ["--id=x", "--since=yesterday"])
def test_an_invalid_option_is_named(bad: str) -> None:
    with pytest.raises(CommandError, match=r"'x' is not an event's|'yesterday' is not a date"):
        call_command("replay_events", bad)


# --- Answers that cannot be read


@working
def test_an_event_with_an_unreadable_answer_stays_waiting(eventful: LocalVod) -> None:
    vod_id = eventful.seed()
    body = f'{{"RequestId": "R", "VideoList": [{{"VideoId": "{vod_id}", "Size": "many"}}]}}'
    eventful.faults({"operation": "GetVideoInfos", "kind": "body", "status": 200, "body": body})
    receive_bodies([{"EventType": "TranscodeComplete", "VideoId": vod_id}])
    send_batch("process_event")
    delivery, event = Delivery.objects.get(), VodEvent.objects.get()
    assert (delivery.state, event.state) == (DeliveryState.WAITING, State.WAITING)
    assert delivery.error == "VOD's answer about this video is not understood."
    eventful.faults()
    Delivery.objects.update(due_at=timezone.now())
    work_until_idle(20)
    assert VodEvent.objects.get().state == State.DONE


@working
def test_an_answer_that_stays_unreadable_fails_the_event(eventful: LocalVod, settings: Any) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 1
    vod_id = eventful.seed()
    body = f'{{"RequestId": "R", "VideoList": [{{"VideoId": "{vod_id}", "Size": "many"}}]}}'
    eventful.faults({"operation": "GetVideoInfos", "kind": "body", "status": 200, "body": body})
    receive_bodies([{"EventType": "TranscodeComplete", "VideoId": vod_id}])
    work_until_idle(20)
    event = VodEvent.objects.get()
    assert (event.state, event.attention_at is not None) == (State.FAILED, True)


# --- An unsigned body alone publishes nothing


@working
@pytest.mark.parametrize(
    "claim",
    [
        {"EventType": "CreateAuditComplete", "AuditStatus": "Normal"},
        {"EventType": "AIMediaAuditComplete", "Status": "success", "Data": {"Suggestion": "pass"}},
        {"EventType": "AIVideoCensorComplete", "Status": "success", "Suggestion": "pass"},
        {"EventType": "TranscodeComplete", "Status": "success", "VideoStatus": "Normal"},
        {"EventType": "MediaBaseChangeComplete", "Status": "Normal", "AuditStatus": "Normal"},
        {"EventType": "FileUploadComplete", "Status": "Normal", "AuditStatus": "Normal"},
    ],
)
def test_an_event_with_a_false_claim_publishes_nothing(
    eventful: LocalVod, claim: dict[str, Any]
) -> None:
    vod_id = eventful.seed(status="Checking", verdict="review")
    make_video(vod_id=vod_id, status="Checking", censor_status="check", recommended=True)
    receive_bodies([{**claim, "VideoId": vod_id, "MediaId": vod_id}])
    work_until_idle(20)
    video = Video.objects.get()
    assert (video.status, video.censor_status) == ("Checking", "check")
    assert not Video.objects.passed().exists()
    assert eventful.audits() == []
    assert VodEvent.objects.get().state == State.DONE
