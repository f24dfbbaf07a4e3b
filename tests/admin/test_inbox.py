"""The desk's inbox: failures are counted for roles that can act, retried in bulk or dismissed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from shortvideo.desk.inbox import Inbox
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryState, Lane
from tests.admin.conftest import Desk, DeskOf
from tests.factories import make_operator, make_video
from videos.models import TranscodeJob, TranscodeKind, Video, VodEvent
from videos.services import submit_transcode

pytestmark = pytest.mark.django_db

State = TranscodeJob.State


def given_up_delivery(kind: str = "create_audit", subject: str = "v-1", **values: Any) -> Delivery:
    with transaction.atomic():
        delivery = outbox.send(kind, subject=subject)
    return give_up(delivery, **values)


def give_up(delivery: Delivery, **values: Any) -> Delivery:
    for name, value in {
        "state": DeliveryState.GIVEN_UP,
        "finished_at": timezone.now(),
        "error_code": "Forbidden",
        "error": "VOD refused it.",
        "error_request_id": "REQ-1",
        **values,
    }.items():
        setattr(delivery, name, value)
    delivery.save()
    return delivery


def failed_job(
    state: State = State.FAIL, video: Video | None = None, **values: Any
) -> TranscodeJob:
    return TranscodeJob.objects.create(
        video=video or make_video(),
        **{
            "kind": TranscodeKind.STANDARD,
            "template_group_id": "g",
            "state": state,
            "error_code": "TranscodeFailed",
            "error_message": "The transcoder failed.",
            "attention_at": timezone.now(),
            **values,
        },
    )


def failed_event(number: int = 1, **values: Any) -> VodEvent:
    return VodEvent.objects.create(
        **{
            "event_type": "TranscodeComplete",
            "media_id": f"v-{number}",
            "dedupe_key": f"k-{number}",
            "body": {},
            "state": VodEvent.State.FAILED,
            "error": "VOD refused GetVideoInfos: Forbidden.",
            "attention_at": timezone.now(),
            **values,
        }
    )


def counter(page: str) -> str:
    """Return the number that the navigation shows, or ""."""
    _, found, rest = page.partition('class="section-count"')
    return rest.partition(">")[2].partition("<")[0] if found else ""


# --- The counter


def test_every_page_counts_rows_that_need_attention(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    assert counter(desk.page("index")) == ""
    given_up_delivery()
    failed_job()
    failed_job(State.STUCK)
    failed_event()
    for name in ("index", "videos_video_changelist", "videos_vodevent_changelist"):
        assert counter(desk.page(name)) == "4"


@pytest.mark.parametrize("role", ["viewer", "moderator"])
def test_roles_that_cannot_act_see_no_counter_and_no_inbox(desk_of: DeskOf, role: str) -> None:
    given_up_delivery()
    page = desk_of(role).page("index")
    assert counter(page) == ""
    assert reverse("admin:inbox") not in page


def test_an_anonymous_visitor_sees_no_counter_and_no_inbox(client: Client) -> None:
    given_up_delivery()
    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse("admin:login")).status_code == 200
    assert not any("outbox_delivery" in query["sql"] for query in queries)
    assert client.get(reverse("admin:inbox")).status_code == 302


def test_the_counter_needs_one_query(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    given_up_delivery()
    failed_event()
    desk.page("accounts_uploader_changelist")
    with CaptureQueriesContext(connection) as queries:
        desk.page("accounts_uploader_changelist")
    assert sum("videos_vodevent" in query["sql"] for query in queries) == 1
    assert sum("outbox_delivery" in query["sql"] for query in queries) == 1


def test_a_refused_job_and_its_delivery_count_once(desk_of: DeskOf) -> None:
    job = submit_transcode(make_video(), kind=TranscodeKind.STANDARD)
    assert job.delivery is not None
    give_up(job.delivery)
    TranscodeJob.objects.update(state=State.REFUSED, attention_at=timezone.now())
    assert counter(desk_of("operator").page("index")) == "1"


def test_the_inbox_links_lists_of_the_rows_that_it_counts(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    given_up_delivery(subject="v-refused")
    give_up(given_up_delivery("process_event", "v-of-an-event"))
    failed_job(video=make_video(title="Broken clip"))
    failed_job(video=make_video(title="Seen clip"), attention_at=None)
    failed_event()
    response = desk.client.get(reverse("admin:inbox"))
    lines = {line.concern.name: line for line in response.context["inbox"] if line.count}
    assert {name: line.count for name, line in lines.items()} == {
        "deliveries": 1,
        "jobs": 1,
        "events": 1,
    }
    texts = {
        name: desk.client.get(line.concern.url()).content.decode() for name, line in lines.items()
    }
    assert "v-refused" in texts["deliveries"]
    assert "v-of-an-event" not in texts["deliveries"]
    assert "Broken clip" in texts["jobs"]
    assert "Seen clip" not in texts["jobs"]
    assert "GetVideoInfos" in texts["events"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads small tables whole")
def test_no_line_of_the_inbox_reads_a_whole_table() -> None:
    everything = Inbox(make_operator(is_superuser=True))
    plans = {item.name: item.rows().order_by().explain() for item in everything.concerns}
    assert {"deliveries", "jobs", "events"} <= plans.keys()
    for name, plan in plans.items():
        steps = [step for step in plan.splitlines() if "SCAN U0" not in step]  # the latest row
        assert all("SCAN" not in step or "USING INDEX" in step for step in steps), (name, plan)


def test_an_empty_inbox_says_so(desk_of: DeskOf) -> None:
    assert "The inbox is empty" in desk_of("operator").page("inbox")


# --- Deliveries


def test_a_refusal_shows_its_code_message_and_request_id(desk_of: DeskOf) -> None:
    given_up_delivery(error_code="InvalidVideo.NotFound")
    page = desk_of("operator").page("outbox_delivery_changelist")
    for text in ("InvalidVideo.NotFound", "VOD refused it.", "REQ-1"):
        assert text in page


def test_deliveries_are_filtered_by_their_error(desk_of: DeskOf) -> None:
    given_up_delivery(subject="v-1", error_code="Forbidden")
    given_up_delivery(subject="v-2", error_code="WorkerLost")
    desk = desk_of("operator")
    page = desk.page("outbox_delivery_changelist", error_code="WorkerLost")
    assert "v-2" in page
    assert "q=v-1" not in page
    assert "error_code=Forbidden" in page, "offered by the filter"


def test_dismissed_deliveries_leave_the_inbox_but_keep_errors(desk_of: DeskOf) -> None:
    first, second = given_up_delivery(subject="v-1"), given_up_delivery(subject="v-2")
    desk = desk_of("operator")
    assert "2 of 2 dismissed" in desk.do("dismiss", first, second)
    assert counter(desk.page("index")) == ""
    first.refresh_from_db()
    assert (first.state, first.error_code) == (DeliveryState.SUPERSEDED, "Forbidden")


@pytest.mark.parametrize("action", ["retry", "dismiss"])
def test_the_history_names_who_retried_or_dismissed(desk_of: DeskOf, action: str) -> None:
    delivery, desk = given_up_delivery(), desk_of("operator")
    desk.do(action, delivery)
    [entry] = LogEntry.objects.filter(object_id=str(delivery.pk))
    written = json.loads(entry.change_message)
    assert entry.user.username.startswith("operator")
    assert written["action"] == action
    assert written["requestId"]


def test_resuming_a_lane_makes_its_throttled_deliveries_due(desk_of: DeskOf) -> None:
    until = timezone.now() + timedelta(hours=1)
    lane = Lane.objects.create(kind="create_audit", paused_until=until, throttled_count=3)
    with transaction.atomic():
        throttled = outbox.send("create_audit", subject="v-1")
        undoable = outbox.send("create_audit", subject="v-2", delay_seconds=5)
    Delivery.objects.filter(pk=throttled.pk).update(due_at=until, claim_count=1)
    desk = desk_of("operator")
    assert "1 of 1 resumed" in desk.do("resume", lane)
    lane.refresh_from_db()
    assert (lane.paused_until, lane.throttled_count) == (None, 0)
    due = Delivery.objects.due(timezone.now())
    assert [delivery.pk for delivery in due] == [throttled.pk]
    undoable.refresh_from_db()
    assert undoable.due_at > timezone.now(), "a decision that can be undone keeps its delay"
    [entry] = LogEntry.objects.filter(object_id=str(lane.pk))
    assert json.loads(entry.change_message)["action"] == "resume"
    assert "0 of 1" in desk.do("resume", lane), "it is no longer paused"


def test_a_refusal_and_its_followers_count_once(desk_of: DeskOf) -> None:
    with transaction.atomic():
        first = outbox.send("create_audit", subject="v-1")
        give_up(first)
        outbox.send("read_video", subject="v-1", after=first)
    desk = desk_of("operator")
    assert Delivery.objects.given_up().count() == 2
    assert counter(desk.page("index")) == "1"
    assert "1 VOD call" in desk.page("outbox_delivery_changelist", state="attention")


def test_a_submission_without_a_recorded_job_is_counted(desk_of: DeskOf) -> None:
    given_up_delivery("submit_transcode", "v-lost", error_code="NotRecorded")
    desk = desk_of("operator")
    assert counter(desk.page("index")) == "1"
    assert "v-lost" in desk.page("outbox_delivery_changelist", state="attention")


def test_a_waiting_delivery_cannot_be_dismissed(desk_of: DeskOf) -> None:
    with transaction.atomic():
        waiting = outbox.send("create_audit", subject="v-1")
    assert "0 of 1" in desk_of("operator").do("dismiss", waiting)
    with pytest.raises(outbox.DeliveryStateError, match="it is waiting"):
        outbox.dismiss(waiting)


def test_followers_of_a_dismissed_delivery_are_closed_too() -> None:
    with transaction.atomic():
        first = outbox.send("create_audit", subject="v-1")
        give_up(first)
        follower = outbox.send("read_video", subject="v-1", after=first)
    assert follower.state == DeliveryState.GIVEN_UP
    outbox.dismiss(first)
    follower.refresh_from_db()
    assert follower.state == DeliveryState.SUPERSEDED


# --- Jobs


def test_retrying_jobs_in_bulk_names_each_refusal(desk_of: DeskOf) -> None:
    fine, blocked = failed_job(), failed_job(video=make_video(title="Bad", censor_status="fail"))
    stuck = failed_job(State.STUCK, task_id="t-9")
    desk = desk_of("operator")
    report = desk.do("retry", fine, blocked, stuck)
    assert "2 of 3 submitted again" in report
    assert "A blocked video cannot be transcoded." in report
    assert set(TranscodeJob.objects.exclude(retry_of=None).values_list("retry_of", flat=True)) == {
        fine.pk,
        stuck.pk,
    }
    assert counter(desk.page("index")) == "1", "the blocked video's job still needs attention"


def test_a_moderator_may_not_retry_jobs(desk_of: DeskOf) -> None:
    desk_of("moderator").choose("retry", failed_job(), confirmed="1")
    assert TranscodeJob.objects.count() == 1


def test_a_dismissed_job_leaves_the_inbox(desk_of: DeskOf) -> None:
    job = failed_job()
    desk = desk_of("operator")
    assert "1 of 1 dismissed" in desk.do("dismiss", job)
    assert counter(desk.page("index")) == ""
    assert "0 of 1" in desk.do("dismiss", job)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"state": "stuck"}, {"stuck"}),
        ({"state__exact": "fail"}, {"failed"}),
        ({"kind__exact": "narrowband"}, {"refused"}),
        ({"error_code": "NoNews"}, {"stuck"}),
        ({"created_at_to": "2026-01-31"}, {"failed"}),
        ({"q": "NoNews"}, {"stuck"}),
        ({"attention": "yes"}, {"stuck", "refused"}),
    ],
)
def test_jobs_are_found_by_state_kind_error_and_day(
    desk_of: DeskOf, query: dict[str, str], expected: set[str]
) -> None:
    january = datetime(2026, 1, 10, tzinfo=UTC)
    failed_job(video=make_video(title="failed"), created_at=january, attention_at=None)
    failed_job(State.STUCK, make_video(title="stuck"), error_code="NoNews")
    failed_job(State.REFUSED, make_video(title="refused"), kind=TranscodeKind.NARROWBAND)
    page = desk_of("operator").page("videos_transcodejob_changelist", **query)
    titles = {title for title in ("failed", "stuck", "refused") if f'"><bdi>{title}</bdi>' in page}
    assert titles == expected


def test_a_failed_job_is_retried_from_the_page_of_its_video(desk_of: DeskOf) -> None:
    job = failed_job()
    desk = desk_of("operator")
    assert has_retry_button(desk, job)
    desk.do("retry", job, next=reverse("admin:videos_video_change", args=[job.video.pk]))
    assert not has_retry_button(desk, job)
    assert TranscodeJob.objects.get(retry_of=job).requested_by == desk.operator


def test_a_moderator_sees_no_retry_button(desk_of: DeskOf) -> None:
    assert not has_retry_button(desk_of("moderator"), failed_job())


def has_retry_button(desk: Desk, job: TranscodeJob) -> bool:
    """Whether the video's page has a form that retries the job."""
    page = desk.page("videos_video_change", job.video.pk)
    return f'action="{reverse("admin:videos_transcodejob_changelist")}"' in page


# --- Events


def test_failed_events_are_replayed_in_bulk(desk_of: DeskOf) -> None:
    events = [failed_event(number) for number in range(3)]
    unknown = failed_event(9, event_type="SomethingNew", state=VodEvent.State.UNKNOWN,
                           attention_at=None)  # fmt: skip
    desk = desk_of("operator")
    report = desk.do("replay", *events, unknown)
    assert "3 of 4 will be processed again" in report
    assert "Events of type SomethingNew are not processed" in report
    assert Delivery.objects.filter(kind="process_event").count() == 3
    assert counter(desk.page("index")) == ""


def test_a_dismissed_event_leaves_the_inbox_and_stays_failed(desk_of: DeskOf) -> None:
    event = failed_event()
    delivery = given_up_delivery("process_event", event.media_id, payload={"event": event.pk})
    desk = desk_of("operator")
    assert "1 of 1 dismissed" in desk.do("dismiss", event)
    event.refresh_from_db()
    delivery.refresh_from_db()
    assert (event.state, delivery.state) == (VodEvent.State.FAILED, DeliveryState.SUPERSEDED)
    assert counter(desk.page("index")) == ""


def test_a_moderator_may_neither_see_nor_replay_events(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    assert desk.status("videos_vodevent_changelist") == 403
    assert desk.choose("replay", failed_event(), confirmed="1").status_code == 403
    assert not Delivery.objects.exists()
