"""One storm, from the first decision to the last check."""

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from tests.faults.storm import checks, cloud_checks
from tests.faults.storm.backend import Backend
from tests.faults.storm.chaos import Chaos
from tests.faults.storm.checks import Check
from tests.faults.storm.circumstances import Load, commit
from tests.faults.storm.clients import AdminClient, ApiClient
from tests.faults.storm.cloud_checks import Callbacks
from tests.faults.storm.diary import Diary
from tests.faults.storm.observer import Observer, ObserverError
from tests.faults.storm.operators import Operator
from tests.faults.storm.samplers import ApiSampler, DatabaseSampler
from tests.faults.storm.scale import CALLBACKS, Scale, rules
from tests.faults.storm.tasks import wait_for_all
from tests.faults.storm.world import World, world
from tests.support.localvod import ROOT

PASSWORD = "correct horse battery staple"
GRACE_SECONDS = 900.0  # beyond the storm's own time, for operators who must try again


@dataclass
class Report:
    """What happened, and whether the promises were kept."""

    seed: int
    circumstances: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        return all(check.is_kept for check in self.checks)

    @property
    def breaches(self) -> list[str]:
        return [f"{item.promise}: {text}" for item in self.checks for text in item.breaches]

    def table(self) -> str:
        """Markdown: the circumstances, the facts, then the promises."""
        lines = [self.circumstances, "", "| what happened | |", "| --- | --- |"]
        lines += [f"| {name} | {value} |" for name, value in self.facts.items()]
        lines += ["", "| promise | checked | broken |", "| --- | ---: | ---: |"]
        lines += [f"| {c.promise} | {c.count:,} | {len(c.breaches)} |" for c in self.checks]
        return "\n".join(lines)


def run_storm(scale: Scale, seed: int) -> Report:
    """Raises LookupError without PostgreSQL, and any error of the storm's threads."""
    report = Report(seed)
    settings = {
        "OUTBOX_LEASE_SECONDS": str(scale.lease_seconds),
        "REVIEW_LOOK_BACK_SECONDS": str(scale.look_back_seconds),
    }
    with world(videos=scale.videos, settings=settings) as place:
        storm = _Storm(place, scale, seed, report)
        try:
            storm.run()
        finally:
            report.logs = {name: program.log for name, program in place.supervisor.programs.items()}
    return report


class _Storm:
    """The steps, in order."""

    def __init__(self, place: World, scale: Scale, seed: int, report: Report) -> None:
        self.place, self.scale, self.seed, self.report = place, scale, seed, report
        self.diary = Diary()

    def run(self) -> None:
        with ExitStack() as stack:
            operators, api = self._hire(stack)
            backend = stack.enter_context(Backend(f"{self.seed} backend"))
            backend.secret = self.place.observer.ask("make_endpoint", backend.url)
            looking = stack.enter_context(Observer(ROOT, self.place.environment))
            database, outside = DatabaseSampler(looking), ApiSampler(api, self.diary)
            chaos = Chaos(
                self.place.supervisor,
                self.place.cluster,
                self.scale,
                f"{self.seed} chaos",
                progress=lambda: len(self.diary.answered) / self.scale.decisions,
                leases=lambda: looking.ask("leases"),
            )
            people_and_chaos, samplers = [*operators, chaos], [database, outside]
            for task in (*samplers, *people_and_chaos):
                stack.callback(task.stop)
            self.place.vod.faults(*rules(), callbacks=CALLBACKS, seed=self.seed)
            load = Load()
            began_at = time.monotonic()
            for task in (*people_and_chaos, *samplers):
                task.start()
            wait_for_all(people_and_chaos, self.scale.seconds + GRACE_SECONDS)
            lasted = time.monotonic() - began_at
            share = self._fault_share()
            met = self.place.vod.control("GET", "faults")["met"]
            self.place.vod.faults()
            backend.be_kind()
            settled = self._settle()
            for sampler in samplers:
                sampler.stop()
            wait_for_all(samplers, 60)
        callbacks = self._callbacks(met)
        self._describe(chaos.counts, lasted, share, settled, database.missed + outside.missed)
        self.report.facts["callbacks in the storm"] = str(callbacks)
        self.report.circumstances = f"Commit {commit()}; load of the machine: {load}."
        self.report.facts["most videos on the recommended list"] = str(outside.most_shown)
        self.report.facts["webhooks refused"] = f"{backend.refused_count:,}"
        counts = self._counts() | {"looks at rows": database.count, "looks outside": outside.count}
        self._check(database, outside, backend)
        self.report.checks += [
            cloud_checks.callbacks_were_careless(callbacks),
            checks.all_were_answered(self.diary, self.scale),
            checks.the_storm_was_one(self.scale, chaos.counts, share, counts, outside),
            checks.it_settled(settled, self.scale.settle_seconds),
        ]

    def _counts(self) -> dict[str, int]:
        """How many other operations of the operators were answered."""
        return {
            "recommendations": self.diary.recommended_count,
            "transcodes": len(self.diary.transcode_request_ids),
        }

    def _hire(self, stack: ExitStack) -> tuple[list[Operator], ApiClient]:
        """Logged in operators, of whom every second one decides in the admin, and a reader."""
        scale, place = self.scale, self.place
        keys = place.observer.ask("primary_keys")
        names = place.observer.ask("make_operators", scale.operators, PASSWORD)
        operators: list[Operator] = []
        for number, name in enumerate(names):
            api = stack.enter_context(ApiClient(place.url))
            api.login(name, PASSWORD)
            decider: ApiClient | AdminClient = api
            if number % 2:
                decider = stack.enter_context(AdminClient(place.url, keys))
                decider.login(name, PASSWORD)
            operators.append(
                Operator(
                    name,
                    decider,
                    api,
                    self.diary,
                    place.videos,
                    quota=_share_of(scale.decisions, scale.operators, number),
                    seconds=scale.seconds,
                    deletions=1,
                    seed=f"{self.seed} operator {number}",
                )
            )
        reader = stack.enter_context(ApiClient(place.url))
        reader.login(names[0], PASSWORD)
        return operators, reader

    def _fault_share(self) -> float:
        """The share of the calls since the sync that met a fault."""
        entries = self.place.vod.ledger()
        return sum(bool(entry["fault"]) for entry in entries) / max(len(entries), 1)

    def _callbacks(self, met: dict[str, int]) -> Callbacks:
        place = self.place
        return cloud_checks.callbacks_of(met, place.vod.events(), place.observer.ask("events"))

    def _settle(self) -> float | None:
        """Seconds until no delivery is open. None when that takes too long.

        An event that localvod holds back opens a delivery later: once localvod is idle, there must
        be none still.
        """
        began_at = time.monotonic()
        while (seconds := time.monotonic() - began_at) < self.scale.settle_seconds:
            if not self._is_open():
                self.place.vod.idle()
                if not self._is_open():
                    return seconds
            time.sleep(0.2)
        return None

    def _is_open(self) -> bool:
        try:
            return bool(self.place.observer.ask("open_deliveries"))
        except ObserverError:
            return True

    def _describe(
        self,
        done: Counter[str],
        lasted: float,
        share: float,
        settled: float | None,
        missed: int,
    ) -> None:
        ask, diary = self.place.observer.ask, self.diary
        counts = ask("counts")
        limit = f"not within {self.scale.settle_seconds:g} s"
        programs, calls = self.place.supervisor.programs, len(self.place.vod.ledger())
        self.report.facts = {
            "seed": str(self.seed),
            "decisions answered / begun": f"{len(diary.answered):,} / {len(diary.entries):,}",
            "operators (API and admin by turns), videos": (
                f"{self.scale.operators}, {self.scale.videos}"
            ),
            "other things answered": (
                f"{diary.recommended_count} recommendations, "
                f"{len(diary.transcode_request_ids)} transcodes, {len(diary.deleted)} deletions"
            ),
            "requests tried again": f"{diary.retry_count:,}",
            "calls of VOD and CDN that met a fault": f"{share:.0%} of {calls:,}",
            "done to processes": ", ".join(f"{name}: {n}" for name, n in sorted(done.items())),
            "starts": ", ".join(f"{name} {programs[name].start_count}" for name in programs),
            "leases broken": f"{counts['broken_leases']}",
            "deliveries done / superseded": f"{counts['done']:,} / {counts['superseded']:,}",
            "the storm lasted": f"{lasted:.0f} s",
            "settled after the faults stopped": limit if settled is None else f"{settled:.1f} s",
            "looks without an answer": f"{missed}",
        }

    def _check(self, database: DatabaseSampler, outside: ApiSampler, backend: Backend) -> None:
        ask, vod, diary = self.place.observer.ask, self.place.vod, self.diary
        log, videos, given_up = ask("log"), ask("videos"), ask("given_up")
        self.report.facts["decisions taken again after somebody else's"] = str(
            checks.overtaken(log, diary.entries)
        )
        self.report.facts["given up"] = _described(given_up)
        self.report.checks = [
            checks.answered_are_logged(diary, log),
            checks.nobody_else_decided(log),
            cloud_checks.vod_agrees(vod, log, videos),
            cloud_checks.deletions_are_done(vod, diary, videos, ask("deletions")),
            cloud_checks.takedowns_are_verified(log, videos, ask("takedowns")),
            cloud_checks.transcodes_are_single(
                vod.ledger("SubmitTranscodeJobs"), diary, log, ask("jobs")
            ),
            checks.nothing_blocked_was_shown(database, "the published rows"),
            checks.nothing_blocked_was_shown(outside, "getRecommendVideos"),
            checks.nothing_is_left(ask("open_deliveries"), ask("counts")["deliveries"]),
            cloud_checks.nothing_was_lost(given_up),
            checks.the_backend_heard(backend, log),
        ]


def _share_of(total: int, people: int, number: int) -> int:
    """The share of one of several people in a total that may not divide evenly."""
    return total // people + (number < total % people)


def _described(given_up: list[list[Any]]) -> str:
    return ", ".join(f"{count} {kind} ({code})" for kind, code, count in given_up) or "nothing"
