"""A worker is killed or frozen at any point of its work: each delivery has one effect.

The workers are real processes (see `crash`). A frozen worker wakes when another has taken its rows
and made its call.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from django.db import connection

from shortvideo.outbox.handlers import registered_kinds
from shortvideo.outbox.models import Delivery, DeliveryState
from tests.faults.crash import How, Order, Point
from tests.faults.crash_cases import CASES, Case, Decisions, final_audit
from tests.faults.crash_reversals import REVERSALS, ReversedCase
from tests.faults.crashing import Worker, Workshop
from tests.outbox.support import let_leases_end, work_until_done, work_while_due
from tests.support.database_url import database_url
from tests.support.localvod import LocalVod
from tests.videos.support import receive_bodies
from videos import sync
from videos.models import CensorStatus, Decision, Source, Video
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db(transaction=True)

C = TypeVar("C", bound=Case)
_Start = Callable[[Case, Point, How], Worker]


class _MakeCase(Protocol):
    def __call__(self, case_class: type[C]) -> C: ...


@pytest.fixture(scope="module")
def workshop(django_db_setup: None, localvod_server: LocalVod) -> Iterator[Workshop]:
    workshop = Workshop(database_url(), localvod_server.endpoint)
    workshop.expect("ready")
    yield workshop
    workshop.close()


@pytest.fixture
def make_case(cloud: LocalVod) -> Iterator[_MakeCase]:
    """Make a case of the class and write its rows."""
    cases: list[Case] = []

    def make(case_class: type[C]) -> C:
        case = case_class(cloud)
        cases.append(case)
        case.seed()
        return case

    yield make
    for case in cases:
        case.close()


@pytest.fixture
def start_worker(workshop: Workshop, tmp_path: Path) -> Iterator[_Start]:
    workers: list[Worker] = []

    def start(case: Case, point: Point, how: How) -> Worker:
        log = str(tmp_path / "worker.log")
        order = Order(case.kind, case.call, case.operation, point, how, log)
        workers.append(workshop.start(order))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


def _locks_database(point: Point) -> bool:
    """Whether a worker that is frozen there locks out every other writer.

    On SQLite it does before its commit: its transaction lasts until it wakes. On PostgreSQL the
    server ends such a transaction after DATABASE_IDLE_TRANSACTION_TIMEOUT.
    """
    return point == Point.BEFORE_COMMIT and connection.vendor == "sqlite"


def _overtake() -> None:
    """Another worker takes the rows of the frozen one, as if its lease had ended meanwhile."""
    let_leases_end()
    work_while_due()


def _assert_all_done(kind: str) -> None:
    states = Delivery.objects.filter(kind=kind).values_list("state", "error")
    assert set(states) == {(DeliveryState.DONE, "")}


def test_every_kind_has_its_case() -> None:
    assert sorted(case.kind for case in CASES) == list(registered_kinds())


@pytest.mark.parametrize("point", Point)
@pytest.mark.parametrize("case_class", CASES, ids=lambda case: case.kind)
def test_a_worker_that_dies_leaves_one_effect(
    case_class: type[Case], point: Point, make_case: _MakeCase, start_worker: _Start
) -> None:
    case = make_case(case_class)
    start_worker(case, point, How.KILL).is_killed()
    assert (case.calls() > 0) == (point != Point.BEFORE_CALL)
    let_leases_end()
    work_until_done()
    _assert_all_done(case.kind)
    case.check()


@pytest.mark.parametrize("point", Point)
@pytest.mark.parametrize("case_class", CASES, ids=lambda case: case.kind)
def test_a_frozen_worker_that_is_overtaken_leaves_one_effect(
    case_class: type[Case], point: Point, make_case: _MakeCase, start_worker: _Start
) -> None:
    case = make_case(case_class)
    worker = start_worker(case, point, How.FREEZE)
    worker.is_frozen()
    assert (case.calls() > 0) == (point != Point.BEFORE_CALL)
    if not _locks_database(point):
        if point != Point.AFTER_COMMIT:
            case.meanwhile()
        _overtake()
    calls = case.calls()
    worker.wake_up()
    if point == Point.BEFORE_CALL and case.is_late_call_seen:
        assert case.calls() > calls, "its call was made after all"
    if point != Point.AFTER_COMMIT and not _locks_database(point):
        assert "The lease was lost" in worker.log
    work_until_done()
    _assert_all_done(case.kind)
    case.check()


class _Reversal(Decisions):
    """A block whose delivery is under way when an operator passes the clip."""

    def seed(self) -> None:
        self.decide(self.mirrored(censor_status=CensorStatus.CHECK), Decision.BLOCKED)

    def decide(self, video: Video, decision: Decision) -> None:
        review_video(video, DecisionInput(decision, Source.ADMIN, reason=f"{decision}!"))

    def reverse(self) -> None:
        self.decide(self.videos[0], Decision.NORMAL)

    def check(self) -> None:
        [video] = self.fresh()
        assert final_audit(self.vod, video) == "Normal"
        assert (video.censor_status, video.deleted_at) == (CensorStatus.SUCCESS, None)
        decided = video.decisions.order_by("id").values_list("decision", flat=True)
        assert list(decided) == [Decision.BLOCKED, Decision.NORMAL]


@pytest.mark.parametrize("point", Point)
def test_a_worker_that_dies_restores_no_reversed_decision(
    point: Point, make_case: _MakeCase, start_worker: _Start
) -> None:
    case = make_case(_Reversal)
    start_worker(case, point, How.KILL).is_killed()
    case.reverse()
    let_leases_end()
    work_until_done()
    case.check()


@pytest.mark.parametrize("point", Point)
def test_a_worker_that_freezes_restores_no_reversed_decision(
    point: Point, make_case: _MakeCase, start_worker: _Start
) -> None:
    case = make_case(_Reversal)
    worker = start_worker(case, point, How.FREEZE)
    worker.is_frozen()
    if not _locks_database(point):
        case.reverse()
        _overtake()
        assert final_audit(case.vod, case.videos[0]) == "Normal"
    worker.wake_up()
    if _locks_database(point):
        case.reverse()
        work_while_due()
    elif point == Point.BEFORE_CALL:
        assert final_audit(case.vod, case.videos[0]) == "Blocked", (
            "its call landed after the newer call"
        )
    work_until_done()
    case.check()


@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("point", Point)
@pytest.mark.parametrize("case_class", REVERSALS, ids=lambda case: case.__name__)
def test_a_struck_worker_does_nothing_more_for_a_closed_case(
    case_class: type[ReversedCase],
    point: Point,
    how: How,
    make_case: _MakeCase,
    start_worker: _Start,
) -> None:
    case = make_case(case_class)
    worker = start_worker(case, point, how)
    if how == How.KILL:
        worker.is_killed()
        case.is_worker_dead = True
        case.reverse()
        let_leases_end()
    else:
        worker.is_frozen()
        if not _locks_database(point):
            case.reverse()
            _overtake()
        worker.wake_up()
        if _locks_database(point):
            case.reverse()
    work_until_done()
    case.check()


def _receive_event(video: Video) -> None:
    receive_bodies([{"EventType": "CreateAuditComplete", "MediaId": video.vod_id}])


def _sync(video: Video) -> None:
    for _ in sync.walk(sync.resume_or_start(is_full=True)):
        pass


@pytest.mark.parametrize("find_out", [_receive_event, _sync])
def test_a_call_that_lands_after_the_look_back_is_overruled(
    find_out: Callable[[Video], None], make_case: _MakeCase, start_worker: _Start
) -> None:
    case = make_case(_Reversal)
    worker = start_worker(case, Point.BEFORE_CALL, How.FREEZE)
    worker.is_frozen()
    case.reverse()
    work_until_done()
    worker.wake_up()
    [video] = case.videos
    assert final_audit(case.vod, video) == "Blocked"
    find_out(video)
    work_until_done()
    case.check()
