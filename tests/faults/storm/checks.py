"""What must be true after a storm; each check names what it found instead."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.faults.storm.diary import Diary, Entry
from tests.faults.storm.samplers import Sampler
from tests.support.localvod import LocalVod

HUMAN = ("api", "admin")
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


def answered_are_logged(diary: Diary, log: Sequence[Row]) -> Check:
    """Every answered decision is there once; none that was tried stands there twice in a row.

    A decision that was committed before its answer got lost, and reversed by somebody else before
    it was tried again, was taken twice: then another one stands between the two lines.
    """
    by_comment, by_request = lines_by(log, "comment"), lines_by(log, "request_id")
    breaches = [
        f"{entry.comment} ({entry.decision} {entry.vod_id}) was answered and is not in the log"
        for entry in diary.answered
        if not by_comment[entry.comment]
    ]
    breaches += [f"request {name} wrote {len(lines)} lines" for name, lines in by_request.items()
                 if name and len(lines) > 1]  # fmt: skip
    breaches += [f"{line['comment']} stands there twice in a row" for line in repeated(log)]
    return check("answered decisions in the log, each once", len(diary.answered), breaches)


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
    """VOD shows the last decision, and so does the mirror."""
    last = {line["video__vod_id"]: line["decision"] for line in log}
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
