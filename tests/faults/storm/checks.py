"""What must be true after a storm; each check names what it found instead."""

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
from tests.support.localvod import LocalVod

HUMAN = ("api", "admin")
LEAST_FAULT_SHARE = 0.2
AUDIT_OF = {"success": "Normal", "fail": "Blocked"}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: of how many things, and every breach of it in words."""

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
    """What was done to the parts, and that there was something to break and to see.

    `counts` are of operations that were answered, and of looks; none may be 0.
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
    if share < LEAST_FAULT_SHARE:
        breaches.append(f"only {share:.0%} of the calls met a fault")
    if not sampler.most_shown:
        breaches.append("nothing was ever published")
    return check("things that a storm is made of", len(counts) + 5, breaches)


def it_settled(seconds: float | None, limit: float) -> Check:
    breaches = [f"something was still open after {limit:g} s"] if seconds is None else []
    return check(f"settled within {limit:g} s after the faults stopped", 1, breaches)


def answered_are_logged(diary: Diary, log: Sequence[Row]) -> Check:
    """Every answered decision is there as it was asked for, once; no other line is.

    A decision that was committed before its answer got lost, and reversed by somebody else before
    it was tried again, was taken twice: then another one stands between the two lines.
    """
    by_comment, by_request = lines_by(log, "comment"), lines_by(log, "request_id")
    breaches = [
        f"{entry.comment} ({entry.decision} {entry.vod_id}) {fault}"
        for entry in diary.entries
        for fault in faults_of(entry, by_comment[entry.comment])
    ]
    known = {entry.comment for entry in diary.entries}
    breaches += [f"nobody asked for line {line['id']}" for line in log
                 if line["comment"] not in known]  # fmt: skip
    breaches += [f"request {name} wrote {len(lines)} lines" for name, lines in by_request.items()
                 if name and len(lines) > 1]  # fmt: skip
    breaches += [f"{line['comment']} stands there twice in a row" for line in repeated(log)]
    return check("answered decisions in the log, each once", len(diary.answered), breaches)


def faults_of(entry: Entry, lines: Sequence[Row]) -> list[str]:
    """What is wrong with the lines of one decision, in words."""
    faults = []
    if entry.was_answered and not lines:
        faults.append("was answered and is not in the log")
    asked = (entry.vod_id, entry.decision, entry.source, entry.operator)
    for line in lines:
        found = tuple(line[name] for name in ("video__vod_id", "decision", "source", "user_name"))
        if found != asked:
            faults.append(f"of {entry.operator} ({entry.source}) stands there as {found}")
    if entry.try_count == 1 and len(lines) > 1:
        faults.append(f"was asked for once and stands there {len(lines)} times")
    if entry.try_count == 1 and entry.was_answered:
        faults += [f"was answered as request {entry.request_id} and stands there as "
                   f"{line['request_id']}" for line in lines
                   if line["request_id"] != entry.request_id]  # fmt: skip
    return faults


def nobody_else_decided(log: Sequence[Row]) -> Check:
    """Neither VOD, where only our own calls came back, nor a machine, nor the system."""
    breaches = [
        f"line {line['id']} ({line['decision']} {line['video__vod_id']}) is of {line['source']}"
        for line in log
        if line["source"] not in HUMAN
    ]
    return check("lines of the log, all of the operators", len(log), breaches)


def the_backend_heard(backend: Backend, log: Sequence[Row]) -> Check:
    """Of every line, and of each video in order; what came again is no news."""
    told = backend.first_arrivals()
    # Changes of the status that nobody decided are told of, too.
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


def lines_by(log: Sequence[Row], name: str) -> dict[str, list[Row]]:
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in log:
        lines[line[name]].append(line)
    return lines


def repeated(log: Sequence[Row]) -> list[Row]:
    of_video = lines_by([line for line in log if line["source"] in HUMAN], "video__vod_id")
    return [
        later
        for lines in of_video.values()
        for earlier, later in pairwise(lines)
        if earlier["comment"] == later["comment"]
    ]


def overtaken(log: Sequence[Row], entries: Sequence[Entry]) -> int:
    """Decisions with an answer that got lost, taken again after somebody else's."""
    counts = Counter(line["comment"] for line in log)
    return sum(counts[entry.comment] > 1 for entry in entries)


def vod_agrees(vod: LocalVod, log: Sequence[Row], videos: Sequence[Row]) -> Check:
    """VOD shows the operators' last decision, and so does the mirror."""
    last = {line["video__vod_id"]: line["decision"] for line in log if line["source"] in HUMAN}
    breaches = []
    present = [row for row in videos if not row["deleted_at"] and row["vod_id"] in last]
    for row in present:
        vod_id = row["vod_id"]
        video = vod.state(vod_id)["video"]
        shown = video and video["audit_status"]
        if shown != last[vod_id]:
            breaches.append(f"{vod_id}: decided {last[vod_id]}, VOD shows {shown}")
        if AUDIT_OF.get(row["censor_status"]) != last[vod_id]:
            breaches.append(f"{vod_id}: decided {last[vod_id]}, here {row['censor_status']}")
    return check(
        "videos of which VOD and the mirror show the last decision", len(present), breaches
    )


def deletions_are_done(
    vod: LocalVod, diary: Diary, videos: Sequence[Row], deletions: Sequence[Row]
) -> Check:
    here = {row["vod_id"] for row in videos if row["deleted_at"]}
    breaches = [f"{vod_id} was answered as deleted, and is here" for vod_id in diary.deleted - here]
    breaches += [f"{vod_id} is still in VOD" for vod_id in here if vod.state(vod_id)["video"]]
    breaches += [f"{row['video__vod_id']}: {row['state']}" for row in deletions
                 if row["state"] != "done"]  # fmt: skip
    return check("deletions, done in VOD", len(here), breaches)


def transcodes_are_single(vod: LocalVod, diary: Diary, jobs: Sequence[Row]) -> Check:
    """VOD accepted each job that has a task once, and no other; none waits."""
    accepted = Counter(
        entry["parameters"].get("SessionId", "")
        for entry in vod.ledger("SubmitTranscodeJobs", accepted=True)
    )
    names = {job["session_id"] for job in jobs}
    requests = {job["request_id"] for job in jobs}
    breaches = [
        f"{job['session_id']} ({job['state']}) was accepted {accepted[job['session_id']]} times"
        for job in jobs
        if accepted[job["session_id"]] not in accepted_counts(job) or job["state"] == "waiting"
    ]
    breaches += [f"VOD took {name}, which has no row" for name in accepted.keys() - names]
    breaches += [
        f"request {name} was answered and left no job"
        for name in set(diary.transcode_request_ids) - requests
    ]
    return check("transcoding jobs, each submitted once", len(jobs), breaches)


def accepted_counts(job: Row) -> tuple[int, ...]:
    """How often VOD may have accepted a job."""
    if job["has_task"]:
        return (1,)
    return (0, 1) if job["is_deleted"] else (0,)  # a deletion may overtake the answer


def nothing_blocked_was_shown(sampler: Sampler, where: str) -> Check:
    breaches = list(dict.fromkeys(f"{vod_id} was shown" for vod_id in sampler.violations))
    return check(f"looks at {where}: nothing blocked published", sampler.count, breaches)


def nothing_is_left(open_deliveries: Sequence[Sequence[Any]], count: int) -> Check:
    breaches = [f"{number} {kind} {state}" for kind, state, number in open_deliveries]
    return check("deliveries, none leased or waiting", count, breaches)


def nothing_was_lost(given_up: Sequence[Sequence[Any]]) -> Check:
    """VOD may refuse a transcoding of what was blocked or deleted meanwhile; nothing else."""
    lost = [
        row for row in given_up if row[0] not in ("submit_transcode", "purge", "push_object_cache")
    ]
    breaches = [f"{count} {kind}: {code}" for kind, code, count in lost]
    return check(
        "deliveries given up, none that carried a promise",
        sum(row[2] for row in given_up),
        breaches,
    )
