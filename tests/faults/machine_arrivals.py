"""Rules about this server: events arrive, the worker works, syncs run, time passes."""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from shortvideo.cloud import CloudError
from tests.faults.machine_base import Machine, at_most, clips
from tests.faults.machine_checks import dump
from videos import mirror
from videos.mirror import asking
from videos.mirror.asking import EVERYTHING, ReadRequest
from videos.mirror.facts import COPIED

QUESTIONS: Final = {
    "facts": ReadRequest(),
    "everything": EVERYTHING,
    "audits": ReadRequest(audits=True, source=True),
}


class ArrivalRules(Machine):
    @rule(
        order=st.permutations(range(6)),
        count=st.integers(1, 6),
        lost=st.integers(0, 2),
        twice=st.booleans(),
        works=st.booleans(),
    )
    def events_arrive(
        self, order: list[int], count: int, lost: int, twice: bool, works: bool
    ) -> None:
        """The next events, in any order, some of them twice and some never."""
        self.begin()
        bodies = [event["body"] for event in self.world.vod.events()]
        fresh = bodies[self.told_count : self.told_count + count]
        self.told_count += len(fresh)
        for index in order[lost:]:
            if index < len(fresh):
                assert self.world.tell(fresh[index]) == 200
                assert not twice or self.world.tell(fresh[index]) == 200
        if works:
            self.world.work()

    @rule(position=st.integers(0, 10), how=st.sampled_from(["again", "forged", "stale"]))
    @at_most(3)
    def an_old_event_arrives(self, position: int, how: str) -> None:
        """VOD repeats an event, or a stranger replays or forges one."""
        self.begin()
        bodies = [event["body"] for event in self.world.vod.events()]
        body = bodies[position % len(bodies)]
        if how == "again":
            assert self.world.tell(body) == 200
            return
        before = dump()
        forgery: dict[str, Any] = (
            {"key": "AnotherKey1"} if how == "forged" else {"age_seconds": 400}
        )
        assert self.world.tell(body, **forgery) == 403
        assert dump() == before

    @rule(rounds=st.integers(1, 3))
    def the_worker_works(self, rounds: int) -> None:
        self.begin()
        for _ in range(rounds):
            self.world.work()

    @rule(how=st.sampled_from(["full", "changes", "single"]), index=clips)
    def a_sync_runs(self, how: str, index: int) -> None:
        self.begin()
        self.world.sync(how, [self.clip(index).vod_id])

    @rule(index=clips, asked=st.sampled_from(sorted(QUESTIONS)))
    def a_reading_is_taken(self, index: int, asked: str) -> None:
        """It is applied by another rule later, or never."""
        self.begin()
        clip = self.clip(index)
        try:
            found, _ = asking.fetch_facts([clip.vod_id])
            for facts in found.values():
                row = self.world.row(clip.vod_id)
                self.readings.append(asking.fetch_reading(facts, row, QUESTIONS[asked]))
        except CloudError:
            return

    @rule(position=st.integers(0, 5))
    @precondition(lambda self: self.readings)
    def a_reading_is_applied(self, position: int) -> None:
        """A reading older than the row's leaves the facts; a repeated one writes nothing."""
        self.begin()
        reading = self.readings[position % len(self.readings)]
        before = self.world.row(reading.facts.vod_id)
        mirror.apply(reading)
        after = self.world.row(reading.facts.vod_id)
        if before is not None and after is not None and before.read_at is not None:
            is_older = reading.facts.read_at < before.read_at
            for name in COPIED if is_older else ():
                assert getattr(after, name) == getattr(before, name), f"{name} went back in time"
        written = dump()
        assert mirror.apply(reading) == mirror.Applied(unchanged=1)
        assert dump() == written

    @rule(seconds=st.sampled_from([12, 65]))
    @at_most(4)
    def time_passes(self, seconds: int) -> None:
        self.begin(seconds)
