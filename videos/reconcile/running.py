"""Carry out one reconciliation."""

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shortvideo.cloud import CloudRejected
from shortvideo.pacing import batched
from videos.mirror import asking
from videos.models import ReconcileRun
from videos.reconcile import claims
from videos.reconcile.checks import Case, Scope, drifts_of
from videos.reconcile.comparing import Step, compare
from videos.reconcile.drift import Drift, Kind, Report, Resolution
from videos.reconcile.examining import examine, open_deliveries, read_both
from videos.reconcile.healing import heal, remove_missing
from videos.sync.catalogue import CLOCK_SKEW, first_import_start
from videos.sync.walking import Walk

POLL_SECONDS: Final = 0.5
# Without --max-removals a run removes up to 10 videos, or one in a hundred if that is more; none
# if VOD lists no video or lacks more than half.
REMOVALS: Final = 10
REMOVAL_SHARE: Final = 100


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a reconciliation.

    Attributes:
        is_every_detail: compare also what VOD's list does not name: one call for 20 videos.
        is_every_file: compare the files of every playable video, one call each.
        file_share: compare details and files of one in `file_share` videos, others in each run; 0
            is none.
        grace_seconds: how long a difference must last to count: events may be on their way.
        wait_seconds: how long to wait at the end for the deliveries that heal drift.
        max_removals: how many videos that VOD does not have may be removed. None: the larger of 10
            and one in a hundred; none if VOD lists no video or lacks more than half.
    """

    is_every_detail: bool = True
    is_every_file: bool = False
    file_share: int = 0
    grace_seconds: float = 15
    wait_seconds: float = 60
    max_removals: int | None = None


def carry_out(run: ReconcileRun, options: Options) -> Generator[Step]:
    """Carry out a run and save it often; yields a step for each page of VOD's videos.

    Raises CloudError if VOD stays unavailable or refuses: the run has then failed, as it has if
    the generator is closed before its end.
    """
    with claims.carrying_out(run):
        yield from Reconciliation(run, options).steps()


class Reconciliation:
    def __init__(self, run: ReconcileRun, options: Options) -> None:
        self.run = run
        self.options = options
        self.report = Report()
        before = claims.last_done()
        self.file_turns = before.file_turns if before is not None else 0
        self.walk = Walk("CreationTime", run.started_at + CLOCK_SKEW)
        imported_at = first_import_start()
        self.scope = Scope(
            started_at=run.started_at,
            imported_at=imported_at or run.started_at,
            is_first_import=imported_at is None,
            is_every_detail=options.is_every_detail,
            is_every_file=options.is_every_file,
            is_heal=run.is_heal,
            file_share=options.file_share,
            file_turn=self.file_turns,
            open_files=frozenset(before.open_files if before is not None else ()),
        )
        self.open_files = set(self.scope.open_files)
        self.suspects: deque[tuple[float, str]] = deque()  # since (monotonic seconds), vod_id
        self.judged: set[str] = set()  # a video may be a suspect on two pages
        self.missing_there: list[Drift] = []
        self.under_way: list[Drift] = []

    def steps(self) -> Iterator[Step]:
        self.suspect(self.scope.open_files)
        for step in compare(self.walk, self.scope):
            self.run.there_count += step.listed_count
            for _ in range(step.no_id_count):
                self.report.add(Drift(Kind.UNREADABLE, ""))
            self.suspect(each for each in step.suspects if each not in self.scope.open_files)
            self.look_again(are_all=False)
            self.save()
            yield step
        self.look_again(are_all=True)
        self.end_missing_there()
        self.confirm()
        self.run.open_files = sorted(self.open_files)
        self.run.file_turns = self.file_turns + bool(self.options.file_share)
        self.save()

    def suspect(self, vod_ids: Iterable[str]) -> None:
        now = time.monotonic()
        self.suspects.extend((now, vod_id) for vod_id in vod_ids)

    def look_again(self, *, are_all: bool) -> None:
        """Examine suspects whose grace is over in full batches; with `are_all`, wait for all."""
        while self.suspects:
            size = min(asking.BATCH_SIZE, len(self.suspects))
            since, _ = self.suspects[size - 1]
            seconds_left = since + self.options.grace_seconds - time.monotonic()
            if not are_all and (seconds_left > 0 or size < asking.BATCH_SIZE):
                return
            self.pause(seconds_left)
            self.judge([self.suspects.popleft()[1] for _ in range(size)])
            self.save()

    def judge(self, vod_ids: Sequence[str]) -> None:
        """Count the drift of suspects, and heal it if that is requested."""
        unjudged = [each for each in vod_ids if each not in self.judged]
        examined = examine(unjudged, self.scope)
        self.open_files.difference_update(set(unjudged) - examined.undecided)
        self.judged.update(item.case.vod_id for item in examined.found)
        healable = [item for item in examined.found if self.run.is_heal and not item.is_overdue]
        self.count(heal(healable, self.scope))
        reported = [item for item in examined.found if not self.run.is_heal or item.is_overdue]
        self.count(drift for item in reported for drift in item.drifts)

    def count(self, drifts: Iterable[Drift]) -> None:
        """Report drift, except drift that this run may still heal at its end."""
        for drift in drifts:
            if self.run.is_heal and drift.outcome == Resolution.UNDER_WAY:
                self.under_way.append(drift)
            elif self.run.is_heal and drift.kind == Kind.MISSING_THERE:
                self.missing_there.append(drift)
            else:
                self.note(drift)

    def note(self, drift: Drift) -> None:
        """Report a drift, and remember videos whose files still differ for the next run."""
        self.report.add(drift)
        is_about_files = drift.kind == Kind.FILES or (
            drift.kind == Kind.UNREADABLE and drift.vod_id in self.scope.open_files
        )
        if is_about_files and drift.outcome != Resolution.HEALED:
            self.open_files.add(drift.vod_id)

    def end_missing_there(self) -> None:
        """Remove videos that VOD does not have, unless so many are missing that it looks wrong."""
        if problem := self.problem_with_removals():
            for drift in self.missing_there:
                self.note(replace(drift, note=problem))
            return
        for batch in batched(self.missing_there, asking.BATCH_SIZE):
            again = examine([drift.vod_id for drift in batch], self.scope)
            drifts = [drift for item in again.found for drift in item.drifts]
            gone = [drift for drift in drifts if _is_gone(drift)]
            for drift in [*remove_missing(gone), *(each for each in drifts if not _is_gone(each))]:
                self.note(drift)

    def problem_with_removals(self) -> str:
        """Return why no missing video may be removed, as a sentence; "" if all may."""
        count, allowed = len(self.missing_there), self.options.max_removals
        if allowed is not None:
            return f"More than {allowed} are missing in VOD." if count > allowed else ""
        limit = max(REMOVALS, self.run.here_count // REMOVAL_SHARE)
        if not self.run.there_count:
            problem = "VOD lists no video at all"
        elif 2 * count > self.run.here_count:
            problem = "More than half are missing in VOD"
        elif count > limit:
            problem = f"More than {limit} are missing in VOD"
        else:
            return ""
        return f"{problem}: is this the right account? --max-removals={count} removes them."

    def confirm(self) -> None:
        """Wait for the deliveries of this run, then check what they have healed."""
        ends_at = time.monotonic() + self.options.wait_seconds
        waiting = {drift.vod_id for drift in self.under_way}
        while waiting and time.monotonic() < ends_at:
            batches = batched(waiting, asking.BATCH_SIZE)
            waiting = {vod_id for batch in batches for vod_id in open_deliveries(batch)}
            if waiting:
                self.save()
                time.sleep(POLL_SECONDS)
        for batch in batched(self.under_way, asking.BATCH_SIZE):
            for drift in _confirm(batch, waiting, self.scope):
                self.note(drift)

    def pause(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            self.save()
            time.sleep(min(left, 10))

    def save(self) -> None:
        self.run.counts = self.report.counts()
        self.run.examples = self.report.examples_as_json()
        self.run.found_count = self.report.found_count
        self.run.left_count = self.report.left_count
        claims.save(self.run)


def _is_gone(drift: Drift) -> bool:
    """Whether VOD does not have the video, and no delivery is under way."""
    return drift.kind == Kind.MISSING_THERE and drift.outcome == Resolution.LEFT


def _confirm(drifts: Sequence[Drift], waiting: set[str], scope: Scope) -> Iterator[Drift]:
    """Yield drift under way with its outcome, unless its delivery is still waiting."""
    ended_ids = dict.fromkeys(drift.vod_id for drift in drifts if drift.vod_id not in waiting)
    cases = {case.vod_id: case for case in read_both(list(ended_ids))} if ended_ids else {}
    for drift in drifts:
        case = cases.get(drift.vod_id)
        yield drift if case is None else _after_delivery(drift, case, scope)


def _after_delivery(drift: Drift, case: Case, scope: Scope) -> Drift:
    """Return the drift with the outcome of its delivery; a refusal of VOD becomes its note."""
    try:
        is_left = not case.is_readable or bool(drifts_of(case, scope, [drift.kind]))
    except CloudRejected as error:
        return replace(drift, outcome=Resolution.LEFT, note=str(error))
    if is_left:
        return replace(drift, outcome=Resolution.LEFT, note="Delivered again, without effect.")
    return replace(drift, outcome=Resolution.HEALED)
