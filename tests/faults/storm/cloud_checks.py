"""What must be true of VOD and the CDN after a storm."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

from tests.faults.storm.checks import HUMAN, Check, Row, check
from tests.faults.storm.diary import BLOCKED, NORMAL, Diary
from tests.faults.storm.scale import CALLBACKS
from tests.support.localvod import LocalVod

AUDIT_OF: Final = {"success": "Normal", "fail": "Blocked"}
SUBMISSION: Final = "submit_transcode"
ILLEGAL, NOT_FOUND, DELETED = "Forbidden.IllegalStatus", "InvalidVideo.NotFound", "VideoDeleted"
MAY_BE_REFUSED: Final = ((SUBMISSION, ILLEGAL), (SUBMISSION, NOT_FOUND))
UNFINISHED: Final = ("under_way", "failed")
DEVIATIONS: Final = 4  # a share may differ by so many standard deviations


def vod_agrees(vod: LocalVod, log: Sequence[Row], videos: Sequence[Row]) -> Check:
    """VOD and the mirror show the operators' last decision."""
    last = _last_decisions(log)
    breaches = []
    present = [row for row in videos if not row["deleted_at"] and row["vod_id"] in last]
    for row in present:
        vod_id = row["vod_id"]
        decided = last[vod_id]["decision"]
        video = vod.state(vod_id)["video"]
        shown = video and video["audit_status"]
        if shown != decided:
            breaches.append(f"{vod_id}: decided {decided}, VOD shows {shown}")
        if AUDIT_OF.get(row["censor_status"]) != decided:
            breaches.append(f"{vod_id}: decided {decided}, here {row['censor_status']}")
    return check(
        "videos of which VOD and the mirror show the last decision", len(present), breaches
    )


def _last_decisions(log: Sequence[Row]) -> dict[str, Row]:
    """The operators' last line about each video."""
    return {line["video__vod_id"]: line for line in log if line["source"] in HUMAN}


def deletions_are_done(
    vod: LocalVod, diary: Diary, videos: Sequence[Row], deletions: Sequence[Row]
) -> Check:
    here = {row["vod_id"] for row in videos if row["deleted_at"]}
    breaches = [f"{vod_id} was answered as deleted, and is here" for vod_id in diary.deleted - here]
    breaches += [f"{vod_id} is still in VOD" for vod_id in here if vod.state(vod_id)["video"]]
    breaches += [f"{row['video__vod_id']}: {row['state']}" for row in deletions
                 if row["state"] != "done"]  # fmt: skip
    return check("deletions, done in VOD", len(here), breaches)


def takedowns_are_verified(
    log: Sequence[Row], videos: Sequence[Row], takedowns: Sequence[Row]
) -> Check:
    """The takedown of each block that stands and of each deletion is verified.

    A pass reverses a block. A later block or a deletion replaces it, unless it is verified already.
    No other takedown is under way or has failed: in the storm the origin withdraws every clip.
    """
    deleted = {row["vod_id"] for row in videos if row["deleted_at"]}
    standing = {
        line["id"]
        for vod_id, line in _last_decisions(log).items()
        if line["decision"] == BLOCKED and vod_id not in deleted
    }
    passed = {line["video__vod_id"]: line["id"] for line in log if line["decision"] == NORMAL}
    of_line = {row["decision_id"]: row for row in takedowns if row["decision_id"] is not None}
    of_deletion = {row["video__vod_id"]: row for row in takedowns if row["cause"] == "deletion"}
    breaches = [f"line {pk} blocks, and its takedown is {_described(of_line.get(pk))}"
                for pk in sorted(standing) if not _is_verified(of_line.get(pk))]  # fmt: skip
    breaches += [f"{vod_id} is deleted, and its takedown is {_described(of_deletion.get(vod_id))}"
                 for vod_id in sorted(deleted)
                 if not _is_verified(of_deletion.get(vod_id))]  # fmt: skip
    breaches += [
        f"line {pk} does not stand, and its takedown is {_described(row)}"
        for pk, row in of_line.items()
        if pk not in standing
        and row["state"] not in ("reversed", "replaced")
        and not (_is_verified(row) and pk > passed.get(row["video__vod_id"], 0))
    ]
    breaches += [f"{row['video__vod_id']}: a takedown is {_described(row)}" for row in takedowns
                 if row["decision_id"] is None and row["state"] in UNFINISHED]  # fmt: skip
    breaches += [] if standing else ["no block stands"]
    promise = "blocks that stand and deletions, whose takedown is verified"
    return check(promise, len(standing) + len(deleted), breaches)


def _is_verified(takedown: Row | None) -> bool:
    return takedown is not None and takedown["state"] == "verified"


def _described(takedown: Row | None) -> str:
    """Its state and the result of its verification, in words."""
    if takedown is None:
        return "missing"
    state, error = takedown["verification__state"], takedown["verification__error"]
    return f"{takedown['state']} ({takedown['problem'] or 'no problem'}; check {state}: {error})"


def transcodes_are_single(
    submissions: Sequence[Row], diary: Diary, log: Sequence[Row], jobs: Sequence[Row]
) -> Check:
    """VOD accepted each job with a task once, and refused each other job because of its video.

    VOD accepted no other job. `submissions` are the calls that VOD received. Of a deleted video VOD
    may have accepted a job that has no task here: VOD has forgotten both.
    """
    calls: dict[str, list[str]] = defaultdict(list)  # by session: the codes of the answers
    for entry in submissions:
        calls[entry["parameters"].get("SessionId", "")].append(entry["code"])
    blocked = {line["video__vod_id"] for line in log if line["decision"] == BLOCKED}
    breaches = [
        f"{job['session_id']} ({job['state']}, {job['error_code'] or 'no error'}) {fault}"
        for job in jobs
        for fault in _faults_of_job(job, calls[job["session_id"]], blocked)
    ]
    sessions = {name for name, codes in calls.items() if "" in codes}
    names = {job["session_id"] for job in jobs}
    breaches += [f"VOD took {name}, which has no row" for name in sessions - names]
    requests = {job["request_id"] for job in jobs}
    breaches += [
        f"request {name} was answered and left no job"
        for name in set(diary.transcode_request_ids) - requests
    ]
    breaches += [] if sessions else ["VOD took none"]
    return check("transcoding jobs, each submitted once or refused by VOD", len(jobs), breaches)


def _faults_of_job(job: Row, codes: Sequence[str], blocked: set[str]) -> Iterator[str]:
    """The faults of one job, in words. `codes` are those of VOD's answers, "" for accepted."""
    accepted = codes.count("")
    if job["has_task"]:
        if accepted != 1:
            yield f"was accepted {accepted} times"
        return
    if accepted > (1 if job["is_deleted"] else 0):
        yield f"has no task and was accepted {accepted} times"
    code = job["error_code"]
    if code == ILLEGAL and (code not in codes or job["vod_id"] not in blocked):
        yield "was not refused for a block"
    elif code == NOT_FOUND and (code not in codes or not job["is_deleted"]):
        yield "was not refused for a deletion"
    elif code == DELETED and not job["is_deleted"]:
        yield "has not ended with its video"
    elif code not in (ILLEGAL, NOT_FOUND, DELETED):
        yield "has no task"


def nothing_was_lost(given_up: Sequence[Sequence[Any]]) -> Check:
    """Only jobs that VOD refuses, because of a block or deletion, are given up."""
    breaches = [f"{count} {kind}: {code}" for kind, code, count in given_up
                if (kind, code) not in MAY_BE_REFUSED]  # fmt: skip
    count = sum(row[2] for row in given_up)
    return check("deliveries given up, none that carried a promise", count, breaches)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """The storm's callbacks.

    `met` are localvod's counts while its faults were in force. The other fields are of the whole
    run: callbacks answered 200, callbacks stored here, and those that arrived after a later one.
    """

    met: Mapping[str, int]
    delivered_count: int
    kept_count: int
    late_count: int
    lost: tuple[str, ...]
    made_up: tuple[str, ...]

    @property
    def dropped_share(self) -> float:
        return self.met["dropped"] / max(self.met["callbacks"], 1)

    def __str__(self) -> str:
        met = self.met
        return (
            f"{met['callbacks']:,}, of them {met['dropped']:,} dropped ({self.dropped_share:.0%}), "
            f"{met['doubled']:,} sent twice, {met['held_back']:,} held back; "
            f"{self.kept_count:,} kept here, {self.late_count:,} of them after a later one"
        )


def callbacks_of(
    met: Mapping[str, int], sent: Sequence[Row], kept: Sequence[Mapping[str, Any]]
) -> Callbacks:
    """`sent` are localvod's events, oldest first, `kept` the stored bodies as they arrived."""
    places: dict[str, int] = {}
    for place, row in enumerate(sent):
        places.setdefault(_identity(row["body"]), place)
    delivered = [_identity(row["body"]) for row in sent if row["state"] == "delivered"]
    here = [_identity(body) for body in kept]
    arrived = [places[name] for name in here if name in places]
    latest, late_count = -1, 0
    for place in arrived:
        late_count += place < latest
        latest = max(place, latest)
    lost = tuple({*delivered} - {*here})
    made_up = tuple(name for name in here if name not in places)
    return Callbacks(met, len(set(delivered)), len(here), late_count, lost, made_up)


def _identity(body: Mapping[str, Any]) -> str:
    """A key of an event's body. Signatures of URLs are not stored, so they do not count."""
    return json.dumps(_as_kept(body), sort_keys=True)


def _as_kept(value: Any) -> Any:
    """The value with URLs without queries, and with JSON texts parsed."""
    if isinstance(value, Mapping):
        return {name: _as_kept(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_kept(item) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith("{"):
        return _as_kept(json.loads(value))
    return value.partition("?")[0] if value.startswith("http") else value


def callbacks_were_careless(callbacks: Callbacks) -> Check:
    """Callbacks were dropped, doubled and reordered; none that was answered 200 was lost."""
    met, wanted = callbacks.met, CALLBACKS["drop"]
    counts = {
        "no callback was sent": met["callbacks"],
        "none was dropped": met["dropped"],
        "none was sent twice": met["doubled"],
        "none was held back": met["held_back"],
        "none was answered 200": callbacks.delivered_count,
        "none is kept": callbacks.kept_count,
        "none came after a later one": callbacks.late_count,
    }
    breaches = [sentence for sentence, count in counts.items() if not count]
    deviation = sqrt(wanted * (1 - wanted) / max(met["callbacks"], 1))
    if abs(callbacks.dropped_share - wanted) > DEVIATIONS * deviation:
        breaches.append(f"{callbacks.dropped_share:.0%} were dropped instead of {wanted:.0%}")
    breaches += [f"answered 200 and not kept: {name}" for name in callbacks.lost]
    breaches += [f"kept and never sent: {name}" for name in callbacks.made_up]
    return check("callbacks answered 200, all kept", callbacks.delivered_count, breaches)
