"""Each check of the storm finds its breach: made-up ends of storms, each wrong in one way."""

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.storm import checks, cloud_checks
from tests.faults.storm.checks import Check
from tests.faults.storm.diary import BLOCKED, NORMAL, Diary, Entry
from tests.faults.storm.samplers import Sampler
from tests.faults.storm.scale import SMALL

CLIP = "clip"
Row = dict[str, Any]
ILLEGAL = "Forbidden.IllegalStatus"
REFUSED: Row = {"has_task": False, "error_code": ILLEGAL}
CARELESS = {"callbacks": 100, "dropped": 20, "doubled": 40, "held_back": 40}


def _entry(diary: Diary, operator: str, decision: str, tries: int = 1, answer: str = "R1") -> Entry:
    """A decision that the request `answer` answered; its last try took from 20 to 30."""
    entry = diary.begin(operator, "api", CLIP, decision, f"{operator} 1")
    entry.try_count, entry.tried_at, entry.told_at = tries, 20.0, 30.0
    entry.request_id, entry.answered_at = answer, 1.0
    return entry


def _line(pk: int, entry: Entry, request_id: str = "R1", created_at: float = 10.0) -> Row:
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


def _log(*decisions: str) -> list[Row]:
    """Lines 1, 2, ... with these decisions about the clip."""
    return [_line(pk, _entry(Diary(), "anna", item)) for pk, item in enumerate(decisions, 1)]


def _decided(*lines: tuple[str, str, float]) -> tuple[Diary, list[Row]]:
    """Anna's block was answered by R2 at the second try, Ben's pass by R3.

    The log has `lines`: operator, request, moment.
    """
    diary = Diary()
    entries = {
        "anna": _entry(diary, "anna", BLOCKED, 2, "R2"),
        "ben": _entry(diary, "ben", NORMAL, 1, "R3"),
    }
    return diary, [
        _line(pk, entries[name], request_id, at)
        for pk, (name, request_id, at) in enumerate(lines, 1)
    ]


def _vod(audit_status: str) -> Any:
    return SimpleNamespace(state=lambda _: {"video": {"audit_status": audit_status}})


def _video(censor_status: str = "fail", *, deleted_at: bool = False) -> Row:
    return {"vod_id": CLIP, "censor_status": censor_status, "deleted_at": deleted_at}


def _takedowns(decisions: list[str], states: list[str]) -> tuple[list[Row], list[Row], list[Row]]:
    """A log with these decisions, the video, and the takedown of each line that has a state."""
    facts = {"video__vod_id": CLIP, "cause": "block", "problem": ""}
    check = {"verification__state": "done", "verification__error": ""}
    rows = [
        {**facts, **check, "decision_id": pk, "state": state}
        for pk, state in enumerate(states, 1)
        if state
    ]
    return _log(*decisions), [_video()], rows


def _job(number: int, **facts: object) -> Row:
    ids = {"vod_id": CLIP, "session_id": f"svc-{number}", "request_id": f"T{number}"}
    return {
        **ids, "state": "success", "error_code": "", "has_task": True, "is_deleted": False, **facts,
    }  # fmt: skip


def _transcodes(codes: list[str], **second: object) -> tuple[Any, ...]:
    """VOD accepted the first job once, and answered the second job with these codes."""
    diary = Diary()
    diary.transcode_request_ids = ["T1", "T2"]
    answers = [("svc-1", ""), *(("svc-2", code) for code in codes)]
    calls = [{"parameters": {"SessionId": session}, "code": code} for session, code in answers]
    return calls, diary, _log(BLOCKED), [_job(1), _job(2, **second)]


def _event(number: int) -> Row:
    return {"VideoId": f"{number}", "Urls": [f"http://cdn/{number}"], "Extend": '{"a": 1}'}


def _callbacks(met: dict[str, int], states: str, kept: list[int]) -> cloud_checks.Callbacks:
    """`states` has a letter for each event that was sent: d for delivered."""
    sent = [
        {"body": _event(number), "state": "delivered" if letter == "d" else "dropped"}
        for number, letter in enumerate(states)
    ]
    return cloud_checks.callbacks_of(met, sent, [_event(number) for number in kept])


def _backend(*sequences: int) -> Any:
    """It has received events about line 1 with these sequence numbers."""
    events = [
        {"videoId": CLIP, "sequence": number, "data": {"decisionId": 1}} for number in sequences
    ]
    return SimpleNamespace(first_arrivals=lambda: events, forged_count=0)


def _sampler(*violations: str) -> Sampler:
    sampler = Sampler()
    sampler.violations = list(violations)
    return sampler


DELETION = {"video__vod_id": CLIP, "state": "done"}
TRANSCODES, CALLBACKS = cloud_checks.transcodes_are_single, cloud_checks.callbacks_were_careless
KEPT: list[tuple[Callable[..., Check], tuple[Any, ...]]] = [
    (checks.answered_are_logged, _decided(("anna", "R1", 10), ("ben", "R3", 25))),
    (
        checks.answered_are_logged,
        _decided(("anna", "R1", 10), ("ben", "R3", 15), ("anna", "R2", 22)),
    ),
    (TRANSCODES, _transcodes([ILLEGAL], **REFUSED)),
    (cloud_checks.nothing_was_lost, ([["submit_transcode", ILLEGAL, 3]],)),
    (cloud_checks.takedowns_are_verified, _takedowns([BLOCKED] * 2, ["replaced", "verified"])),
    (
        cloud_checks.takedowns_are_verified,
        _takedowns([BLOCKED, NORMAL, BLOCKED], ["reversed", "", "verified"]),
    ),
    (CALLBACKS, (_callbacks(CARELESS, "ddxd", [0, 3, 1]),)),
]
BROKEN: list[tuple[Callable[..., Check], tuple[Any, ...], str]] = [
    (checks.answered_are_logged, _decided(), "anna 1 (Blocked clip) was answered and is not in"),
    (
        checks.answered_are_logged,
        _decided(("anna", "R1", 10), ("ben", "R3", 15)),
        "was answered as request R2 and stands there as R1",
    ),
    (
        checks.answered_are_logged,
        _decided(("ben", "R3", 15), ("anna", "R2", 22), ("ben", "R4", 23)),
        "ben 1 (Normal clip) was asked for 1 times and stands there 2 times",
    ),
    (checks.all_were_answered, (_decided()[0], SMALL), "2 were, of 60"),
    (checks.nobody_else_decided, ([{**_log(BLOCKED)[0], "source": "vod"}],), "is of vod"),
    (checks.the_backend_heard, (_backend(), _log(BLOCKED)), "was not told of line 1"),
    (checks.the_backend_heard, (_backend(2, 1), _log(BLOCKED)), "1 came after 2"),
    (checks.nothing_blocked_was_shown, (_sampler(CLIP), "the list"), "clip was shown"),
    (checks.nothing_is_left, ([["purge", "waiting", 2]], 9), "2 purge waiting"),
    (checks.it_settled, (None, 5.0), "still open after 5 s"),
    (checks.the_storm_was_one, (SMALL, Counter(), 0.3, {}, _sampler()), "0 instead of 3 times"),
    (cloud_checks.vod_agrees, (_vod(NORMAL), _log(BLOCKED), [_video()]), "VOD shows Normal"),
    (
        cloud_checks.vod_agrees,
        (_vod(BLOCKED), _log(BLOCKED), [_video("success")]),
        "decided Blocked, here success",
    ),
    (
        cloud_checks.deletions_are_done,
        (_vod(BLOCKED), Diary(), [_video(deleted_at=True)], [DELETION]),
        "clip is still in VOD",
    ),
    (cloud_checks.takedowns_are_verified, _takedowns([BLOCKED], ["failed"]), "is failed"),
    (
        cloud_checks.takedowns_are_verified,
        _takedowns([BLOCKED, NORMAL, BLOCKED], ["verified", "", "verified"]),
        "line 1 does not stand, and its takedown is verified",
    ),
    (TRANSCODES, _transcodes([], **REFUSED), "was not refused for a block"),
    (TRANSCODES, _transcodes(["", ""]), "was accepted 2 times"),
    (TRANSCODES, ([], Diary(), [], []), "VOD took none"),
    (cloud_checks.nothing_was_lost, ([["submit_transcode", "WorkerLost", 1]],), "WorkerLost"),
    (CALLBACKS, (_callbacks(CARELESS, "dd", [0, 1]),), "none came after a later one"),
    (CALLBACKS, (_callbacks(CARELESS, "dddd", [0, 3, 1]),), "answered 200 and not kept"),
    (CALLBACKS, (_callbacks(CARELESS, "dd", [1, 0, 5]),), "kept and never sent"),
    (CALLBACKS, (_callbacks({**CARELESS, "dropped": 50}, "dd", [1, 0]),), "50% were dropped"),
]


@pytest.mark.parametrize(("check", "arguments"), KEPT)
def test_a_promise_that_is_kept_passes(
    check: Callable[..., Check], arguments: tuple[Any, ...]
) -> None:
    assert check(*arguments).breaches == ()


@pytest.mark.parametrize(("check", "arguments", "breach"), BROKEN)
def test_a_promise_that_is_broken_is_named(
    check: Callable[..., Check], arguments: tuple[Any, ...], breach: str
) -> None:
    assert breach in " ".join(check(*arguments).breaches)


def test_every_check_can_find_a_breach() -> None:
    found = {
        value
        for module in (checks, cloud_checks)
        for name, value in vars(module).items()
        if getattr(value, "__annotations__", {}).get("return") is Check and name != "check"
    }
    assert found == {check for check, _, _ in BROKEN}
