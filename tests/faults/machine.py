"""State machines: any events about a few clips in any order, with the rules checked each step."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from tests.faults.machine_arrivals import ArrivalRules
from tests.faults.machine_base import decisions, reasons, statuses
from tests.faults.machine_checks import check_end, check_step, tell_all
from tests.faults.machine_people import PeopleRules
from tests.faults.machine_trouble import TroubleRules
from tests.faults.machine_vod import VodRules

channels = st.sampled_from(["api", "desk", "vod"])


class ConsoleMachine(VodRules, PeopleRules, ArrivalRules, TroubleRules):
    """Each rule is one event. The subclasses define how a run begins."""

    @invariant()
    def the_rules_hold(self) -> None:
        check_step(self)

    def teardown(self) -> None:
        """At the end of a run both sides agree."""
        if self.clips:
            check_end(self)

    # Helpers of the beginnings.

    def have_clips(self, *statuses: str) -> None:
        """Add clips that both VOD and the mirror have."""
        self.begin()
        for status in statuses:
            self.add_clip(status)
        self.then(self.a_sync_runs, how="full", index=0)

    def then(self, happens: Callable[..., None], **drawn: Any) -> None:
        """Run a rule as a step of its own."""
        happens(**drawn)
        check_step(self)

    def hear_all(self) -> None:
        """All events so far arrive and are processed."""
        self.begin()
        tell_all(self)
        self.world.work_until_idle()
        check_step(self)


class FromTheStart(ConsoleMachine):
    """Two clips without decisions."""

    @initialize(first=statuses, second=statuses, is_known=st.booleans())
    def two_clips(self, first: str, second: str, is_known: bool) -> None:
        self.begin()
        self.add_clip(first)
        self.add_clip(second)
        if is_known:
            self.world.sync("full")


class AfterAnotherUpload(ConsoleMachine):
    """A person decided about a clip, its source was replaced, and the machine judged the new one.

    The decision about the earlier source and its place on the list end; an older reading is
    applied late.
    """

    @initialize(
        decision=decisions,
        reason=reasons,
        channel=channels,
        is_sent=st.booleans(),
        is_heard=st.booleans(),
        suggestion=st.sampled_from(["pass", "block"]),
    )
    def a_decided_clip_is_replaced(
        self,
        *,
        decision: str,
        reason: str,
        channel: str,
        is_sent: bool,
        is_heard: bool,
        suggestion: str,
    ) -> None:
        self.have_clips("Checking", "Normal")
        self.decide(channel, decision, reason)
        if is_sent:
            self.then(self.time_passes, seconds=12)  # REVIEW_UNDO_SECONDS are over
            self.then(self.the_worker_works, rounds=2)
        self.then(self.somebody_recommends_by_the_api, index=0, extras=False)
        self.then(self.a_reading_is_taken, index=0, asked="everything")
        self.then(self.an_app_uploads_again, index=0, is_heard=is_heard)
        self.then(self.a_sync_runs, how="full", index=0)
        self.then(self.a_reading_is_applied, position=0)
        self.then(self.the_machine_judges, index=0, suggestion=suggestion)
        self.hear_all()

    def decide(self, channel: str, decision: str, reason: str) -> None:
        said = {"decision": decision, "reason": reason, "comment": ""}
        if channel == "api":
            self.then(self.somebody_decides_by_the_api, index=0, channel="post", **said)
        elif channel == "desk":
            self.then(self.somebody_decides_on_the_desk, index=0, **said)
        else:
            self.then(
                self.somebody_decides_in_vods_console, index=0, decision=decision, auditor="Li"
            )
            self.then(self.a_sync_runs, how="full", index=0)


class AfterADeletion(ConsoleMachine):
    """A clip was deleted here; a reading from before VOD's deletion is applied late."""

    @initialize(
        channel=st.sampled_from(["post", "desk"]),
        suggestion=st.sampled_from(["pass", "block"]),
        how=st.sampled_from(["full", "single"]),
        is_read_before=st.booleans(),
    )
    def a_deleted_clip_is_read(
        self, channel: str, suggestion: str, how: str, is_read_before: bool
    ) -> None:
        self.have_clips("Checking", "Normal")
        if is_read_before:
            self.change_and_read(suggestion)
            self.then(self.somebody_deletes, index=0, channel=channel)
        else:
            self.then(self.somebody_deletes, index=0, channel=channel)
            self.change_and_read(suggestion)
            self.then(self.a_sync_runs, how=how, index=0)
        self.then(self.a_reading_is_applied, position=0)
        self.hear_all()
        self.then(self.a_sync_runs, how=how, index=0)
        self.then(self.a_reading_is_applied, position=0)

    def change_and_read(self, suggestion: str) -> None:
        """Change the clip in VOD and read it, without applying the reading."""
        self.then(self.somebody_renames_in_vod, index=0, title="Noodles")
        self.then(self.the_machine_judges, index=0, suggestion=suggestion)
        self.then(self.a_reading_is_taken, index=0, asked="everything")
