"""What must be true after a storm. Each check names the breaches that it found."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.faults.storm.backend import Backend
from tests.faults.storm.chaos import CRASHED, FROZEN, KILLED
from tests.faults.storm.diary import Diary, Entry
from tests.faults.storm.samplers import Sampler
from tests.faults.storm.scale import Scale

HUMAN = ("api", "admin")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, the number of things that were checked, and each breach in words."""

    promise: str
    count: int
    breaches: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        return not self.breaches


def check(promise: str, count: int, breaches: Iterable[str]) -> Check:
    return Check(promise, count, tuple(breaches))


def the_storm_was_one(
    scale: Scale, done: Counter[str], share: float, counts: Mapping[str, int], sampler: Sampler
) -> Check:
    """The storm did all that its scale asks for, and there was something to break and to see.

    `counts` are the numbers of answered operations and of looks; none may be 0.
    """
    kills = sum(count for name, count in done.items() if name.startswith(KILLED))
    breaches = [f"no {name}" for name, count in counts.items() if not count]
    breaches += [
        f"{found} instead of {wanted} times {name}"
        for name, found, wanted in (
            (KILLED, kills, scale.kills),
            (FROZEN, done[FROZEN], scale.freezes),
            (CRASHED, done[CRASHED], 1),
        )
        if found != wanted
    ]
    if share < scale.least_fault_share:
        breaches.append(f"only {share:.0%} of the calls met a fault")
    if not sampler.most_shown:
        breaches.append("nothing was ever published")
    return check("things that a storm is made of", len(counts) + 5, breaches)


def it_settled(seconds: float | None, limit: float) -> Check:
    breaches = [f"something was still open after {limit:g} s"] if seconds is None else []
    return check(f"settled within {limit:g} s after the faults stopped", 1, breaches)


def all_were_answered(diary: Diary, scale: Scale) -> Check:
    count = len(diary.answered)
    breaches = [] if count == scale.decisions else [f"{count:,} were, of {scale.decisions:,}"]
    return check("decisions answered, all that were to be taken", scale.decisions, breaches)


def answered_are_logged(diary: Diary, log: Sequence[Row]) -> Check:
    """The log has every answered decision once, as it was requested, and no other line.

    A decision is there twice, with a line of another decision in between, if its first answer was
    lost and another operator reversed it before the next try.
    """
    by_comment, by_request = _lines_by(log, "comment"), _lines_by(log, "request_id")
    successors = _successors_of(log)
    breaches = [
        f"{entry.comment} ({entry.decision} {entry.vod_id}) {fault}"
        for entry in diary.entries
        for fault in _faults_of(entry, by_comment[entry.comment], successors)
    ]
    known = {entry.comment for entry in diary.entries}
    breaches += [f"nobody asked for line {line['id']}" for line in log
                 if line["comment"] not in known]  # fmt: skip
    breaches += [f"request {name} wrote {len(lines)} lines" for name, lines in by_request.items()
                 if name and len(lines) > 1]  # fmt: skip
    breaches += [f"{line['comment']} stands there twice in a row" for line in _repeated(log)]
    return check("answered decisions in the log, each once", len(diary.answered), breaches)


def _successors_of(log: Sequence[Row]) -> dict[int, Row]:
    """For each line the next line about the same video, by the id of the first."""
    return {
        earlier["id"]: later
        for lines in _lines_by(log, "video__vod_id").values()
        for earlier, later in pairwise(lines)
    }


def _faults_of(entry: Entry, lines: Sequence[Row], successors: Mapping[int, Row]) -> list[str]:
    """The faults of the lines of one decision, in words."""
    faults = []
    if entry.was_answered and not lines:
        faults.append("was answered and is not in the log")
    asked = (entry.vod_id, entry.decision, entry.source, entry.operator)
    for line in lines:
        found = tuple(line[name] for name in ("video__vod_id", "decision", "source", "user_name"))
        if found != asked:
            faults.append(f"of {entry.operator} ({entry.source}) stands there as {found}")
    if len(lines) > entry.try_count:
        faults.append(f"was asked for {entry.try_count} times and stands there {len(lines)} times")
    if entry.was_answered and lines and not _is_answer_true(entry, lines, successors):
        names = ", ".join(line["request_id"] for line in lines)
        faults.append(f"was answered as request {entry.request_id} and stands there as {names}")
    return faults


def _is_answer_true(entry: Entry, lines: Sequence[Row], successors: Mapping[int, Row]) -> bool:
    """Whether the answered request wrote a line, or an earlier try wrote one that stood then.

    A repeated decision adds no line. The line of an earlier try stood during the last try if no
    line about the same video followed it before that try began.
    """
    if any(line["request_id"] == entry.request_id for line in lines):
        return True
    last, successor = lines[-1], successors.get(lines[-1]["id"])
    stood_then = successor is None or successor["created_at"] >= entry.tried_at
    return entry.try_count > 1 and last["created_at"] <= entry.told_at and stood_then


def nobody_else_decided(log: Sequence[Row]) -> Check:
    """No line is of VOD, of a machine or of the system."""
    breaches = [
        f"line {line['id']} ({line['decision']} {line['video__vod_id']}) is of {line['source']}"
        for line in log
        if line["source"] not in HUMAN
    ]
    return check("lines of the log, all of the operators", len(log), breaches)


def the_backend_heard(backend: Backend, log: Sequence[Row]) -> Check:
    """The backend received each line, and those of a video in order. Repeats do not count."""
    told = backend.first_arrivals()
    # Events about changes of the status without a decision have no decision id.
    ids = [pk for event in told if (pk := event["data"]["decisionId"]) is not None]
    decided = {line["id"] for line in log}
    breaches = [f"the backend was not told of line {pk}" for pk in sorted(decided - set(ids))]
    breaches += [f"the backend was told of {pk}, which is no line" for pk in set(ids) - decided]
    breaches += [f"line {pk} was told as {n} events" for pk, n in Counter(ids).items() if n > 1]
    latest: dict[str, int] = {}
    for event in told:
        vod_id, sequence = event["videoId"], event["sequence"]
        if sequence < latest.get(vod_id, 0):
            breaches.append(f"{vod_id}: {sequence} came after {latest[vod_id]}")
        latest[vod_id] = max(sequence, latest.get(vod_id, 0))
    breaches += [f"{number} calls were not signed as documented"
                 for number in [backend.forged_count] if number]  # fmt: skip
    return check("lines that the backend heard of, in order for each video", len(log), breaches)


def _lines_by(log: Sequence[Row], name: str) -> dict[str, list[Row]]:
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in log:
        lines[line[name]].append(line)
    return lines


def _repeated(log: Sequence[Row]) -> list[Row]:
    of_video = _lines_by([line for line in log if line["source"] in HUMAN], "video__vod_id")
    return [
        later
        for lines in of_video.values()
        for earlier, later in pairwise(lines)
        if earlier["comment"] == later["comment"]
    ]


def overtaken(log: Sequence[Row], entries: Sequence[Entry]) -> int:
    """The number of decisions that are in the log twice, because an answer was lost."""
    counts = Counter(line["comment"] for line in log)
    return sum(counts[entry.comment] > 1 for entry in entries)


def nothing_blocked_was_shown(sampler: Sampler, where: str) -> Check:
    breaches = list(dict.fromkeys(f"{vod_id} was shown" for vod_id in sampler.violations))
    return check(f"looks at {where}: nothing blocked published", sampler.count, breaches)


def nothing_is_left(open_deliveries: Sequence[Sequence[Any]], count: int) -> Check:
    breaches = [f"{number} {kind} {state}" for kind, state, number in open_deliveries]
    return check("deliveries, none leased or waiting", count, breaches)
