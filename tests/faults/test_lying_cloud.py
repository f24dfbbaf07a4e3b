"""The cloud answers nonsense: the row shows a sentence, nothing else is written, nothing hangs.

Once the answers are right again, the row ends done with one effect.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Model
from django.test import override_settings
from django.utils import timezone

from shortvideo.cloud import CloudUnavailable, retry
from shortvideo.outbox import periodic as outbox_periodic
from shortvideo.outbox.models import Delivery, DeliveryState, PeriodicTask
from shortvideo.outbox.worker import send_batch
from tests.factories import make_operator, make_video
from tests.faults.crash_cases import (
    CASES,
    CLOUD_CALL,
    Case,
    Prefetches,
    Readings,
    Transcodings,
)
from tests.outbox.support import make_due, work_until_done
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
DEADLINE_SECONDS = 0.4  # of a call whose answer drips
DRIP_SECONDS = 100.0  # of an answer that drips: between two bytes 0.1 s, too little for a timeout
DRIP = "a slow drip"
NO_ERROR = "There is none so far."


def _of_objects(contents: tuple[str, ...]) -> dict[str, Rule]:
    """Answers that are objects with these contents, by content."""
    return {content: _says(f'{{"RequestId": "A", {content}}}') for content in contents}


def _says(body: str, **rule: Any) -> Rule:
    return {"kind": "body", "status": 200, "body": body, **rule}


HTML = "<html><body>See http://login.example.com/?token=abc</body></html>"
LIES: dict[str, Rule] = {
    "broken JSON": _says('{"RequestId": "A", "VideoL'),
    "nothing": _says(""),
    "HTML": _says(HTML, content_type="text/html"),
    "HTML of a proxy": _says(HTML, content_type="text/html", status=502),
    "a list": _says("[]"),
    "a text": _says('"RequestId"'),
    "a number": _says("17"),
    "null": _says("null"),
    "an empty object": _says("{}"),
    "an error that travels on 200": _says(
        '{"RequestId": "A", "Code": "InternalError", "Message": "http://x/?Signature=abc"}'
    ),
    DRIP: _says('{"RequestId": "A"}' + " " * 1_000, drip_seconds=DRIP_SECONDS),
    "a flood": _says('{"RequestId": "A"}' + " " * 9 * 1024 * 1024),
}
# By operation: well-formed answers in which a value has the wrong type.
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
# By operation: nonsense answers to the questions that follow those about a video's facts.
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


@pytest.fixture
def case(request: pytest.FixtureRequest, cloud: LocalVod) -> Iterator[Case]:
    case: Case = request.param(cloud)
    case.seed()
    periodic.check_cdn_tasks()
    yield case
    case.close()


def _every(cases: list[type[Case]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, indirect=True, ids=lambda case: case.kind)


def _written() -> dict[str, list[dict[str, Any]]]:
    """All rows of the domain, without their errors."""
    rows = {
        table.__name__: list(table._default_manager.order_by("pk").values()) for table in TABLES
    }
    for table, field in (("CdnTask", "error_message"), ("Takedown", "problem")):
        for row in rows[table]:
            _assert_is_a_sentence(row.pop(field) or NO_ERROR, table)
    return rows


@contextmanager
def _cut_off(lie: str) -> Iterator[None]:
    """Calls in the block end at their deadline, long before a drip does.

    The deadline is short only where the answer drips: a slow machine needs it for other answers.
    """
    started_at = monotonic()
    deadline_seconds = DEADLINE_SECONDS if lie == DRIP else settings.CLOUD_DEADLINE
    with override_settings(CLOUD_DEADLINE=deadline_seconds):
        yield
    assert monotonic() - started_at < DRIP_SECONDS / 2, lie


def _assert_is_a_sentence(text: str, lie: str) -> None:
    """One sentence for people: without addresses, secrets, markup or words of a program."""
    assert re.fullmatch(r"[A-Z][^\n]{10,200}[.]", text), (lie, text)
    for word in ("://", "example.com", ACCESS_KEY_SECRET, "Signature", "<", "{", "Error:", "Trace"):
        assert word not in text, (lie, text)


def _assert_tells_of(lie: str, text: str) -> None:
    """A sentence about the call; for a drip it says that there was no answer in time."""
    _assert_is_a_sentence(text, lie)
    assert lie != DRIP or "there was no answer in time" in text


def _send(kind: str) -> list[Delivery]:
    make_due()
    assert send_batch(kind)
    return list(Delivery.objects.filter(kind=kind).exclude(attempts=0))


def _lie_about(case: Case, lies: dict[str, Rule], operation: str = "") -> None:
    """Send the rows once for each lie: they wait and show a sentence. Nothing else is written."""
    before = _written()
    for name, lie in lies.items():
        case.vod.faults({"operation": operation or case.operation, **lie})
        with _cut_off(name):
            deliveries = _send(case.kind)
        for delivery in deliveries:
            assert (delivery.state, delivery.error_code) == (DeliveryState.WAITING, ""), name
            assert delivery.fault_count == 0, f"{name}: a fault of the cloud counted as ours"
            _assert_tells_of(name, delivery.error)
        assert _written() == before, name
    case.vod.faults()


def _tell_the_truth(case: Case) -> None:
    work_until_done()
    states = Delivery.objects.filter(kind=case.kind).values_list("state", "error")
    assert set(states) == {(DeliveryState.DONE, "")}
    case.check()


@_every(OF_THE_CLOUD)
def test_a_nonsense_answer_is_one_sentence_on_the_row(case: Case) -> None:
    _lie_about(case, LIES)
    _tell_the_truth(case)


@_every([case for case in OF_THE_CLOUD if case.operation in WRONG_TYPES])
def test_an_answer_with_wrong_types_is_one_sentence_on_the_row(case: Case) -> None:
    _lie_about(case, _of_objects(WRONG_TYPES[case.operation]))
    _tell_the_truth(case)


@_every([case for case in OF_THE_CLOUD if not issubclass(case, Readings)])
def test_a_call_with_a_nonsense_answer_has_one_effect(case: Case) -> None:
    case.vod.faults({"operation": case.operation, **LIES["broken JSON"], "is_after": True})
    for delivery in _send(case.kind):
        assert delivery.state == DeliveryState.WAITING
        _assert_is_a_sentence(delivery.error, "broken JSON")
    assert case.vod.ledger(case.operation, accepted=True)
    case.vod.faults()
    _tell_the_truth(case)


@pytest.mark.parametrize("operation", WRONG_DETAILS)
@_every([Readings])
def test_a_nonsense_detail_discards_the_whole_reading(case: Case, operation: str) -> None:
    some = {name: LIES[name] for name in ("broken JSON", "a list", "HTML of a proxy")}
    _lie_about(case, some | _of_objects(WRONG_DETAILS[operation]), operation)
    _tell_the_truth(case)


@pytest.mark.parametrize("status", ["Undo", "Review", "Deleted", "normal"])
def test_an_unknown_decision_of_vod_is_ignored(status: str, cloud: LocalVod) -> None:
    """So is a decision that only our log has."""
    case = Readings(cloud)
    case.seed()
    entry = {"Status": status, "CreationTime": "2026-01-01T00:00:00Z", "Auditor": "Wang"}
    cloud.faults({"operation": "GetAuditHistory", **_of_object({"Histories": [entry]})})
    for delivery in _send(case.kind):
        assert (delivery.state, delivery.error) == (DeliveryState.DONE, "")
    assert not ReviewDecision.objects.exists()


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync retries a call once, at once."""
    monkeypatch.setattr(retry, "PAUSES_SECONDS", (0.0,))


def _synced() -> SyncRun:
    """Run a full sync. Raises CloudUnavailable if it fails."""
    for _ in sync.walk(sync.resume_or_start(is_full=True)):
        pass
    return SyncRun.objects.latest("id")


SEARCH_LIES = LIES | _of_objects(
    (
        '"Total": null, "MediaList": []',
        '"Total": "many", "MediaList": []',
        '"Total": 1, "MediaList": {"Media": []}',
        '"Total": 1, "MediaList": ["none"]',
        '"Total": 7, "MediaList": []',
    )
)


@pytest.mark.usefixtures("without_pauses")
def test_a_sync_fails_on_nonsense_and_resumes_later(cloud: LocalVod) -> None:
    make_video(vod_id=cloud.seed(title="Known to both"), title="Known to both")
    cloud.seed()
    before = _written()
    for name, lie in SEARCH_LIES.items():
        cloud.faults({"operation": "SearchMedia", **lie})
        with _cut_off(name), pytest.raises(CloudUnavailable):
            _synced()
        run = SyncRun.objects.get()
        assert run.state == SyncRun.State.FAILED
        _assert_tells_of(name, run.error)
        assert _written() == before, name
    cloud.faults()
    run = _synced()
    assert (run, run.state, run.error) == (SyncRun.objects.get(), SyncRun.State.DONE, "")
    assert Video.objects.visible().count() == 2


@pytest.mark.usefixtures("without_pauses")
def test_a_nonsense_row_does_not_affect_the_others_of_its_page(cloud: LocalVod) -> None:
    videos = [{"VideoId": name * 32, **RIGHT} for name in "abc"]
    videos[1] |= {"Size": "big"}
    rows = [{"MediaId": video["VideoId"], "Video": video} for video in videos]
    cloud.faults(
        {"operation": "SearchMedia", **_of_object({"Total": 3, "MediaList": rows})},
        {"operation": "GetVideoInfos", **_of_object({"VideoList": videos})},
    )
    run = _synced()
    assert (run.seen_count, run.new_count, run.failed_count) == (3, 2, 1)
    assert set(Video.objects.values_list("vod_id", flat=True)) == {"a" * 32, "c" * 32}


RIGHT = {"Title": "Noodles", "Status": "Normal", "CreationTime": "2026-01-01T00:00:00Z"}


def test_a_nonsense_answer_about_an_unknown_id_is_a_503(cloud: LocalVod) -> None:
    console = Console(make_operator())
    vod_id = cloud.seed()
    another = {"Another video": _of_object({"Video": {"VideoId": "f" * 32, **RIGHT}})}
    for name, lie in (LIES | another).items():
        cloud.faults({"operation": "GetVideoInfo", **lie})
        with _cut_off(name):
            answer = console.get("getVideoById", videoId=vod_id)
        assert (answer["code"], answer["data"]) == ("503", None), name
        _assert_is_a_sentence(answer["message"], name)
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
def test_a_periodic_task_writes_nothing_on_nonsense(case: Case, operation: str, task: str) -> None:
    work_until_done()
    CdnTask.objects.update(state=CdnTask.State.SUBMITTED, progress=0, finished_at=None)
    before = _stable(_written())
    for name, lie in LIES.items():
        case.vod.faults({"operation": operation, **lie})
        with _cut_off(name):
            _run_now(task)
        assert _stable(_written()) == before, name
        error = PeriodicTask.objects.get(name=task).last_error
        _assert_is_a_sentence(error or NO_ERROR, name)
    case.vod.faults()
    case.vod.idle()
    _run_now(task)
    assert PeriodicTask.objects.get(name=task).last_error == ""
    assert not TranscodeJob.objects.running().exists()
    assert not CdnTask.objects.exclude(state=CdnTask.State.SUCCESS).exists()


def _run_now(task: str) -> None:
    outbox_periodic.due_names()
    PeriodicTask.objects.filter(name=task).update(due_at=timezone.now())
    assert outbox_periodic.run(task) == 1


def _stable(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The rows without the moments of the last question."""
    for row in (row for table in rows.values() for row in table):
        for name in ("checked_at", "transcode_asked_at"):
            row.pop(name, None)
    return rows


def _of_object(content: dict[str, Any]) -> Rule:
    return _says(json.dumps({"RequestId": "A", **content}))
