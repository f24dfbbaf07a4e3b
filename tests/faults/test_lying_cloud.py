"""Whatever nonsense the cloud answers: a sentence on the row, nothing half-written, no hang.

And once it tells the truth again, the row ends done with one effect.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.cloud import CloudUnavailable, retry
from shortvideo.outbox import periodic as outbox_periodic
from shortvideo.outbox.models import Delivery, DeliveryState, PeriodicTask
from shortvideo.outbox.worker import send_batch, work_until_idle
from tests.factories import make_operator, make_video
from tests.faults.crash_cases import (
    CASES,
    CLOUD_CALL,
    WORK_SECONDS,
    Case,
    Prefetches,
    Readings,
    Transcodings,
)
from tests.outbox.support import make_due
from tests.support.console import Console
from tests.support.localvod import ACCESS_KEY_SECRET, LocalVod
from videos import periodic, sync
from videos.models import (
    CdnTask,
    MachineReview,
    ReviewDecision,
    ReviewTask,
    SyncRun,
    Takedown,
    TranscodeJob,
    Video,
    VideoDeletion,
    VodEvent,
)

pytestmark = pytest.mark.django_db(transaction=True)

Rule = dict[str, Any]
DEADLINE_SECONDS = 1.0
DRIP_SECONDS = 60.0  # byte by byte, with pauses that no timeout of a packet ends
DRIP = "a slow drip"
NO_ERROR = "There is none so far."


def of_objects(contents: tuple[str, ...]) -> dict[str, Rule]:
    """Answers of the cloud with these contents."""
    return {content: says(f'{{"RequestId": "A", {content}}}') for content in contents}


def says(body: str, **rule: Any) -> Rule:
    return {"kind": "body", "status": 200, "body": body, **rule}


HTML = "<html><body>See http://login.example.com/?token=abc</body></html>"
LIES: dict[str, Rule] = {
    "broken JSON": says('{"RequestId": "A", "VideoL'),
    "nothing": says(""),
    "HTML": says(HTML, content_type="text/html"),
    "HTML of a proxy": says(HTML, content_type="text/html", status=502),
    "a list": says("[]"),
    "a text": says('"RequestId"'),
    "a number": says("17"),
    "null": says("null"),
    "an object of nobody": says("{}"),
    "an error that travels on 200": says(
        '{"RequestId": "A", "Code": "InternalError", "Message": "http://x/?Signature=abc"}'
    ),
    DRIP: says('{"RequestId": "A"}' + " " * 100, drip_seconds=DRIP_SECONDS),
    "a flood": says('{"RequestId": "A"}' + " " * 9 * 1024 * 1024),
}
# By operation: well-formed answers of the cloud in which something is of the wrong type.
WRONG_TYPES: dict[str, tuple[str, ...]] = {
    "GetVideoInfos": (
        '"VideoList": "none"',
        '"VideoList": [17]',
        '"VideoList": null, "NonExistVideoIds": {"a": 1}',
        '"VideoList": [], "NonExistVideoIds": []',
    ),
    "SubmitTranscodeJobs": (
        '"TranscodeTaskId": null',
        '"TranscodeTaskId": ["t"]',
        '"TranscodeTaskId": "t", "TranscodeJobs": {"TranscodeJob": "none"}',
        '"TranscodeTaskId": "t", "TranscodeJobs": {"TranscodeJob": [{"JobId": null}]}',
    ),
    "DeleteVideo": ('"NonExistVideoIds": 17', '"ForbiddenVideoIds": [17]'),
    "PushObjectCache": ('"PushTaskId": null', '"PushTaskId": {"id": 1}', '"PushTaskId": 17'),
    "RefreshObjectCaches": ('"RefreshTaskId": null', '"RefreshTaskId": [17]'),
    "SubmitAIMediaAuditJob": ('"JobId": null', '"JobId": {"id": 1}'),
}
# What is asked beside the facts about a video, and answers that make no sense.
WRONG_DETAILS: dict[str, tuple[str, ...]] = {
    "GetPlayInfo": (
        '"PlayInfoList": "none"',
        '"PlayInfoList": {"PlayInfo": [{"PlayURL": "http://a/b.mp4", "Width": "wide"}]}',
        '"PlayInfoList": {"PlayInfo": [{"PlayURL": {"a": 1}}]}',
    ),
    "GetMezzanineInfo": ('"Mezzanine": [1]', '"Mezzanine": {"Size": "big"}'),
    "GetAuditHistory": (
        '"Histories": {"a": 1}',
        '"Histories": [{"Status": "Blocked", "CreationTime": "soon"}]',
        '"Histories": [{"Status": null, "CreationTime": "2026-01-01T00:00:00Z"}]',
    ),
    "GetMediaAuditResult": (
        '"MediaAuditResult": "none"',
        '"MediaAuditResult": {"Suggestion": "block", "VideoResult": [1]}',
        '"MediaAuditResult": {"Suggestion": ["block"]}',
    ),
}
TABLES: tuple[type[Model], ...] = (
    Video, VideoDeletion, TranscodeJob, CdnTask, ReviewDecision, ReviewTask, VodEvent, Takedown,
    MachineReview,
)  # fmt: skip
OF_THE_CLOUD = [case for case in CASES if case.call == CLOUD_CALL]


@pytest.fixture(autouse=True)
def _short_deadline(settings: Settings) -> None:
    settings.CLOUD_DEADLINE = DEADLINE_SECONDS


@pytest.fixture
def case(request: pytest.FixtureRequest, cloud: LocalVod) -> Iterator[Case]:
    case: Case = request.param(cloud)
    case.seed()
    periodic.check_cdn_tasks()
    yield case
    case.close()


def every(cases: list[type[Case]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, indirect=True, ids=lambda case: case.kind)


def written() -> dict[str, list[dict[str, Any]]]:
    """All rows of the domain, to see whether anything was written beside an error."""
    rows = {
        table.__name__: list(table._default_manager.order_by("pk").values()) for table in TABLES
    }
    for table, field in (("CdnTask", "error_message"), ("Takedown", "problem")):
        for row in rows[table]:
            assert_is_a_sentence(row.pop(field) or NO_ERROR, table)
    return rows


@contextmanager
def cut_off(lie: str) -> Iterator[None]:
    """What is asked inside ends at its deadline, not with a drip: the bound is far from both."""
    started_at = monotonic()
    yield
    assert monotonic() - started_at < DRIP_SECONDS / 2, lie


def assert_is_a_sentence(text: str, lie: str) -> None:
    """One, for people: without addresses, secrets, markup or a program's words."""
    assert re.fullmatch(r"[A-Z][^\n]{10,200}[.]", text), (lie, text)
    for word in ("://", "example.com", ACCESS_KEY_SECRET, "Signature", "<", "{", "Error:", "Trace"):
        assert word not in text, (lie, text)


def assert_tells_of(lie: str, text: str) -> None:
    """A sentence about the call itself: that it was broken off, where its answer only dripped."""
    assert_is_a_sentence(text, lie)
    assert lie != DRIP or "there was no answer in time" in text


def send(kind: str) -> list[Delivery]:
    make_due()
    assert send_batch(kind)
    return list(Delivery.objects.filter(kind=kind).exclude(attempts=0))


def lie_about(case: Case, lies: dict[str, Rule], operation: str = "") -> None:
    """Send the rows once for each lie: they wait with a sentence, and nothing else is written."""
    before = written()
    for name, lie in lies.items():
        case.vod.faults({"operation": operation or case.operation, **lie})
        with cut_off(name):
            deliveries = send(case.kind)
        for delivery in deliveries:
            assert (delivery.state, delivery.error_code) == (DeliveryState.WAITING, ""), name
            assert delivery.fault_count == 0, f"{name}: it is the cloud's fault, not ours"
            assert_tells_of(name, delivery.error)
        assert written() == before, name
    case.vod.faults()


def tell_the_truth(case: Case) -> None:
    make_due()
    work_until_idle(WORK_SECONDS)
    states = Delivery.objects.filter(kind=case.kind).values_list("state", "error")
    assert set(states) == {(DeliveryState.DONE, "")}
    case.check()


@every(OF_THE_CLOUD)
def test_an_answer_that_is_none_of_the_clouds_is_one_sentence_on_the_row(case: Case) -> None:
    lie_about(case, LIES)
    tell_the_truth(case)


@every([case for case in OF_THE_CLOUD if case.operation in WRONG_TYPES])
def test_an_answer_with_wrong_types_is_one_sentence_on_the_row(case: Case) -> None:
    lie_about(case, of_objects(WRONG_TYPES[case.operation]))
    tell_the_truth(case)


@every([case for case in OF_THE_CLOUD if not issubclass(case, Readings)])
def test_what_was_done_although_the_answer_was_nonsense_is_done_once(case: Case) -> None:
    case.vod.faults({"operation": case.operation, **LIES["broken JSON"], "is_after": True})
    for delivery in send(case.kind):
        assert delivery.state == DeliveryState.WAITING
        assert_is_a_sentence(delivery.error, "broken JSON")
    assert case.vod.ledger(case.operation, accepted=True)
    case.vod.faults()
    tell_the_truth(case)


@pytest.mark.parametrize("operation", WRONG_DETAILS)
@every([Readings])
def test_a_detail_that_makes_no_sense_keeps_the_whole_reading_away(
    case: Case, operation: str
) -> None:
    some = {name: LIES[name] for name in ("broken JSON", "a list", "HTML of a proxy")}
    lie_about(case, some | of_objects(WRONG_DETAILS[operation]), operation)
    tell_the_truth(case)


@pytest.mark.parametrize("status", ["Undo", "Review", "Deleted", "normal"])
def test_a_decision_that_vod_does_not_know_is_none(status: str, cloud: LocalVod) -> None:
    """Nor is one that only our own log knows."""
    case = Readings(cloud)
    case.seed()
    entry = {"Status": status, "CreationTime": "2026-01-01T00:00:00Z", "Auditor": "Wang"}
    cloud.faults({"operation": "GetAuditHistory", **of_object({"Histories": [entry]})})
    for delivery in send(case.kind):
        assert (delivery.state, delivery.error) == (DeliveryState.DONE, "")
    assert not ReviewDecision.objects.exists()


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync that asks again at once, and once only."""
    monkeypatch.setattr(retry, "PAUSES_SECONDS", (0.0,))


def synced() -> SyncRun:
    """A whole sync; a failed one raises CloudUnavailable."""
    for _ in sync.walk(sync.resume_or_start(is_full=True)):
        pass
    return SyncRun.objects.latest("id")


SEARCH_LIES = LIES | of_objects(
    (
        '"Total": null, "MediaList": []',
        '"Total": "many", "MediaList": []',
        '"Total": 1, "MediaList": {"Media": []}',
        '"Total": 1, "MediaList": ["none"]',
        '"Total": 7, "MediaList": []',
    )
)


@pytest.mark.usefixtures("without_pauses")
def test_a_sync_that_hears_nonsense_fails_with_a_sentence_and_goes_on_later(
    cloud: LocalVod,
) -> None:
    make_video(vod_id=cloud.seed(title="Known to both"), title="Known to both")
    cloud.seed()
    before = written()
    for name, lie in SEARCH_LIES.items():
        cloud.faults({"operation": "SearchMedia", **lie})
        with cut_off(name), pytest.raises(CloudUnavailable):
            synced()
        run = SyncRun.objects.get()
        assert run.state == SyncRun.State.FAILED
        assert_tells_of(name, run.error)
        assert written() == before, name
    cloud.faults()
    run = synced()
    assert (run, run.state, run.error) == (SyncRun.objects.get(), SyncRun.State.DONE, "")
    assert Video.objects.visible().count() == 2


@pytest.mark.usefixtures("without_pauses")
def test_one_row_that_makes_no_sense_keeps_no_other_of_its_page_away(cloud: LocalVod) -> None:
    videos = [{"VideoId": name * 32, **RIGHT} for name in "abc"]
    videos[1] |= {"Size": "big"}
    rows = [{"MediaId": video["VideoId"], "Video": video} for video in videos]
    cloud.faults(
        {"operation": "SearchMedia", **of_object({"Total": 3, "MediaList": rows})},
        {"operation": "GetVideoInfos", **of_object({"VideoList": videos})},
    )
    run = synced()
    assert (run.seen_count, run.new_count, run.failed_count) == (3, 2, 1)
    assert set(Video.objects.values_list("vod_id", flat=True)) == {"a" * 32, "c" * 32}


RIGHT = {"Title": "Noodles", "Status": "Normal", "CreationTime": "2026-01-01T00:00:00Z"}


def test_whoever_asks_for_an_unknown_id_is_told_to_come_again(cloud: LocalVod) -> None:
    console = Console(make_operator())
    vod_id = cloud.seed()
    another = {"Another video": of_object({"Video": {"VideoId": "f" * 32, **RIGHT}})}
    for name, lie in (LIES | another).items():
        cloud.faults({"operation": "GetVideoInfo", **lie})
        with cut_off(name):
            answer = console.get("getVideoById", videoId=vod_id)
        assert (answer["code"], answer["data"]) == ("503", None), name
        assert_is_a_sentence(answer["message"], name)
        assert not Video.objects.exists(), name
    cloud.faults()
    assert console.get("getVideoById", videoId=vod_id)["code"] == "200"


@pytest.mark.parametrize(
    ("case", "operation", "task"),
    [
        (Prefetches, "DescribeRefreshTasks", "videos.cdn"),
        (Transcodings, "GetVideoInfos", "videos.transcodes"),
        (Transcodings, "GetTranscodeTask", "videos.transcodes"),
    ],
    indirect=["case"],
    ids=["prefetches", "facts of transcodings", "tasks of transcodings"],
)
def test_what_comes_round_hears_nonsense_and_writes_nothing(
    case: Case, operation: str, task: str
) -> None:
    work_until_idle(WORK_SECONDS)
    CdnTask.objects.update(state=CdnTask.State.SUBMITTED, progress=0, finished_at=None)
    before = stable(written())
    for name, lie in LIES.items():
        case.vod.faults({"operation": operation, **lie})
        with cut_off(name):
            run_now(task)
        assert stable(written()) == before, name
        error = PeriodicTask.objects.get(name=task).last_error
        assert_is_a_sentence(error or NO_ERROR, name)
    case.vod.faults()
    case.vod.idle()
    run_now(task)
    assert PeriodicTask.objects.get(name=task).last_error == ""
    assert not TranscodeJob.objects.running().exists()
    assert not CdnTask.objects.exclude(state=CdnTask.State.SUCCESS).exists()


def run_now(task: str) -> None:
    outbox_periodic.due_names()
    PeriodicTask.objects.filter(name=task).update(due_at=timezone.now())
    assert outbox_periodic.run(task) == 1


def stable(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Without the moments at which something was asked."""
    for row in (row for table in rows.values() for row in table):
        for name in ("checked_at", "transcode_asked_at"):
            row.pop(name, None)
    return rows


def of_object(content: dict[str, Any]) -> Rule:
    return says(json.dumps({"RequestId": "A", **content}))
