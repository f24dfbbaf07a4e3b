"""The storm's checks see what they are for: made-up ends of storms, each wrong in one way."""

from typing import Any

import pytest

from tests.faults.storm import checks, cloud_checks
from tests.faults.storm.checks import Check
from tests.faults.storm.diary import BLOCKED, NORMAL, Diary, Entry
from tests.faults.storm.scale import SMALL

CLIP, ANNA, BEN = "clip", "anna", "ben"
Row = dict[str, Any]


def entry_of(diary: Diary, operator: str, decision: str, tries: int, answer: str) -> Entry:
    """A decision that was answered by the request `answer`, whose last try took from 20 to 30."""
    entry = diary.begin(operator, "api", CLIP, decision, f"{operator} 1")
    entry.try_count, entry.tried_at, entry.told_at = tries, 20.0, 30.0
    entry.request_id, entry.answered_at = answer, 1.0
    return entry


def line(pk: int, entry: Entry, request_id: str, created_at: float) -> Row:
    return {
        "id": pk,
        "video__vod_id": entry.vod_id,
        "decision": entry.decision,
        "comment": entry.comment,
        "request_id": request_id,
        "source": entry.source,
        "user_name": entry.operator,
        "created_at": created_at,
    }


def tried_twice() -> tuple[Diary, Entry, Entry]:
    """Anna's block got no answer at first, and "done" from R2; Ben passed once."""
    diary = Diary()
    return diary, entry_of(diary, ANNA, BLOCKED, 2, "R2"), entry_of(diary, BEN, NORMAL, 1, "R3")


def test_a_decision_whose_line_still_stood_may_be_answered_by_a_later_request() -> None:
    diary, block, passing = tried_twice()
    log = [line(1, block, "R1", 10.0), line(2, passing, "R3", 25.0)]
    assert checks.answered_are_logged(diary, log).is_kept


def test_an_answer_of_a_line_that_was_reversed_before_is_a_breach() -> None:
    diary, block, passing = tried_twice()
    log = [line(1, block, "R1", 10.0), line(2, passing, "R3", 15.0)]
    assert breach(checks.answered_are_logged(diary, log)) == (
        "anna 1 (Blocked clip) was answered as request R2 and stands there as R1"
    )


def test_a_decision_that_was_taken_again_after_its_reversal_is_there_twice() -> None:
    diary, block, passing = tried_twice()
    log = [line(1, block, "R1", 10.0), line(2, passing, "R3", 15.0), line(3, block, "R2", 22.0)]
    assert checks.answered_are_logged(diary, log).is_kept


def test_more_lines_than_tries_are_a_breach() -> None:
    diary, block, passing = tried_twice()
    log = [
        line(1, block, "R1", 10.0),
        line(2, passing, "R3", 15.0),
        line(3, block, "R2", 22.0),
        line(4, passing, "R4", 23.0),
        line(5, block, "R5", 24.0),
    ]
    assert checks.answered_are_logged(diary, log).breaches == (
        "anna 1 (Blocked clip) was asked for 2 times and stands there 3 times",
        "ben 1 (Normal clip) was asked for 1 times and stands there 2 times",
    )


def test_a_decision_that_nobody_answered_is_missed() -> None:
    diary, *_ = tried_twice()
    assert breach(checks.all_were_answered(diary, SMALL)) == "2 were, of 60"


def job(number: int, **facts: object) -> Row:
    return {
        "vod_id": CLIP,
        "session_id": f"svc-{number}",
        "state": "success",
        "error_code": "",
        "has_task": True,
        "is_deleted": False,
        "request_id": f"T{number}",
        **facts,
    }


def call(number: int, code: str = "") -> Row:
    return {"parameters": {"SessionId": f"svc-{number}"}, "code": code}


REFUSED = {"state": "refused", "has_task": False, "error_code": "Forbidden.IllegalStatus"}


def transcodes(calls: list[Row], jobs: list[Row], decision: str = BLOCKED) -> Check:
    diary = Diary()
    diary.transcode_request_ids = [row["request_id"] for row in jobs]
    log = [line(1, entry_of(diary, ANNA, decision, 1, "R1"), "R1", 10.0)]
    return cloud_checks.transcodes_are_single(calls, diary, log, jobs)


def test_a_job_is_accepted_once_or_refused_by_vod_for_a_block() -> None:
    calls = [call(1, "InternalError"), call(1), call(2, "Forbidden.IllegalStatus")]
    assert transcodes(calls, [job(1), job(2, **REFUSED)]).is_kept


@pytest.mark.parametrize(
    ("calls", "second", "decision", "fault"),
    [
        ([], REFUSED, BLOCKED, "was not refused for a block"),
        ([call(2, "Forbidden.IllegalStatus")], REFUSED, NORMAL, "was not refused for a block"),
        ([call(2), call(2)], {}, BLOCKED, "was accepted 2 times"),
        ([], {}, BLOCKED, "was accepted 0 times"),
        ([], {"has_task": False, "state": "stuck"}, BLOCKED, "has no task"),
        ([call(2)], {"has_task": False, "error_code": "X"}, BLOCKED, "was accepted 1 times"),
    ],
)
def test_a_job_that_is_lost_or_doubled_is_a_breach(
    calls: list[Row], second: Row, decision: str, fault: str
) -> None:
    found = transcodes([call(1), *calls], [job(1), job(2, **second)], decision)
    assert fault in " ".join(found.breaches)


def test_a_storm_without_an_accepted_job_shows_nothing() -> None:
    calls = [call(1, "Forbidden.IllegalStatus")]
    assert breach(transcodes(calls, [job(1, **REFUSED)])) == "VOD took none"


def test_only_submissions_may_be_given_up_and_only_for_what_became_of_their_video() -> None:
    refused = [["submit_transcode", "Forbidden.IllegalStatus", 3]]
    lost = [["purge", "InvalidParameter", 1], ["submit_transcode", "WorkerLost", 1]]
    assert cloud_checks.nothing_was_lost(refused).is_kept
    assert len(cloud_checks.nothing_was_lost(refused + lost).breaches) == 2


def takedown(pk: int, state: str) -> Row:
    return {
        "video__vod_id": CLIP,
        "cause": "block",
        "decision_id": pk,
        "state": state,
        "problem": "",
        "verification__state": "done",
        "verification__error": "",
    }


def takedowns(decisions: list[str], states: list[str]) -> Check:
    """Of lines 1, 2, ... about one video; with each state goes the takedown of a line."""
    log = [
        line(pk, entry_of(Diary(), ANNA, decision, 1, "R"), "R", 10.0)
        for pk, decision in enumerate(decisions, 1)
    ]
    rows = [takedown(pk, state) for pk, state in enumerate(states, 1) if state]
    return cloud_checks.takedowns_are_verified(log, [{"vod_id": CLIP, "deleted_at": False}], rows)


@pytest.mark.parametrize("state", ["under_way", "failed", "reversed"])
def test_a_block_that_stands_has_a_verified_takedown(state: str) -> None:
    assert takedowns([BLOCKED], ["verified"]).is_kept
    wrong = takedowns([BLOCKED], [state])
    assert breach(wrong).startswith(f"line 1 blocks, and its takedown is {state}")


def test_a_block_before_another_stays_verified_and_one_before_a_pass_does_not() -> None:
    assert takedowns([BLOCKED, BLOCKED], ["verified", "verified"]).is_kept
    assert takedowns([BLOCKED, BLOCKED], ["replaced", "verified"]).is_kept
    passed = [BLOCKED, NORMAL, BLOCKED]
    assert takedowns(passed, ["reversed", "", "verified"]).is_kept
    wrong = takedowns(passed, ["verified", "", "verified"])
    assert breach(wrong).startswith("line 1 does not stand, and its takedown is verified")


CARELESS = {"callbacks": 100, "dropped": 20, "doubled": 40, "held_back": 40}


def callbacks(met: dict[str, int], states: str, kept: list[int]) -> Check:
    """`states` has a letter for each event sent: d for delivered."""
    sent = [
        {"body": event(number), "state": "delivered" if letter == "d" else "dropped"}
        for number, letter in enumerate(states)
    ]
    found = cloud_checks.callbacks_of(met, sent, [event(number) for number in kept])
    return cloud_checks.callbacks_were_careless(found)


def event(number: int) -> Row:
    return {"VideoId": f"{number}", "Urls": [f"http://cdn/{number}"], "Extend": '{"a": 1}'}


def test_callbacks_were_dropped_doubled_and_reordered_and_none_that_was_answered_is_lost() -> None:
    assert callbacks(CARELESS, "ddxd", [0, 3, 1]).is_kept


@pytest.mark.parametrize(
    ("met", "states", "kept", "breach"),
    [
        (CARELESS, "xxx", [], "none was answered 200"),
        (CARELESS, "dd", [0, 1], "none came after a later one"),
        (CARELESS, "dddd", [0, 3, 1], "answered 200 and not kept"),
        (CARELESS, "dd", [1, 0, 5], "kept and never sent"),
        (dict.fromkeys(CARELESS, 0), "dd", [1, 0], "no callback was sent"),
        ({**CARELESS, "dropped": 50}, "dd", [1, 0], "50% were dropped instead of 20%"),
    ],
)
def test_callbacks_that_never_came_or_came_without_faults_are_a_breach(
    met: dict[str, int], states: str, kept: list[int], breach: str
) -> None:
    assert breach in " ".join(callbacks(met, states, kept).breaches)


def breach(found: Check) -> str:
    """The only one."""
    [sentence] = found.breaches
    return sentence
