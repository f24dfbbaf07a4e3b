"""Rules about VOD: uploads, its console and its machine review."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from localvod import clock as vod_clock
from shortvideo.cloud import vod_gateway
from tests.faults.machine_base import (
    MOST_CLIPS,
    STEP_SECONDS,
    Machine,
    at_most,
    clips,
    decisions,
    statuses,
)
from tests.faults.machine_model import ConsoleDecision

# A source that a reading finds may count as uploaded up to 30 s later: VOD's clock may be ahead.
CLOCK_SKEW_SECONDS: Final = 31


class VodRules(Machine):
    @rule(status=statuses)
    @precondition(lambda self: len(self.clips) < MOST_CLIPS)
    def an_app_uploads(self, status: str) -> None:
        self.begin()
        self.add_clip(status)

    @rule(index=clips, is_heard=st.booleans())
    @at_most(2)
    def an_app_uploads_again(self, index: int, is_heard: bool) -> None:
        """The event arrives at once, or by another rule, or never."""
        self.begin()
        clip = self.clip(index)
        if clip.is_gone or clip.is_deletion_asked:
            return

        def upload(vod_id: str) -> None:
            size = self.world.upload_again(vod_id)
            clip.uploads.append((size, self.world.clock.now()))

        self.in_vod(clip, upload)
        if is_heard:
            bodies = [event["body"] for event in self.world.vod.events(clip.vod_id)]
            uploads = [body for body in bodies if body["EventType"] == "FileUploadComplete"]
            assert self.world.tell(uploads[-1]) == 200
            self.world.work()

    @rule(index=clips, title=st.sampled_from(["Noodles", "Ferry"]))
    @at_most(2)
    def somebody_renames_in_vod(self, index: int, title: str) -> None:
        self.begin()
        self.in_vod(self.clip(index), lambda vod_id: vod_gateway().update_info(vod_id, title=title))

    @rule(index=clips, decision=decisions, auditor=st.sampled_from(["Li", "Wang"]))
    def somebody_decides_in_vods_console(self, index: int, decision: str, auditor: str) -> None:
        clip = self.clip(index)
        self.begin(CLOCK_SKEW_SECONDS if len(clip.uploads) > 1 else STEP_SECONDS)
        reason = "seen"
        if not self.exists_in_vod(clip):
            return
        self.world.vod.audit_in_console(clip.vod_id, decision, reason, auditor)
        entry = self.world.vod.state(clip.vod_id)["audits"][-1]
        at = vod_clock.parse_time(entry["creation_time"])
        clip.console.append(ConsoleDecision(at, decision, reason, auditor))

    @rule(index=clips, suggestion=st.sampled_from(["pass", "review", "block", "error"]))
    @at_most(4)
    def the_machine_judges(self, index: int, suggestion: str) -> None:
        clip = self.clip(index)
        self.begin(CLOCK_SKEW_SECONDS if len(clip.uploads) > 1 else STEP_SECONDS)

        def judge(vod_id: str) -> None:
            tags = ["snapshots:off", f"verdict:{suggestion}"]
            vod_gateway().update_info(vod_id, tags=tags)
            vod_gateway().submit_machine_review(vod_id)
            self.world.vod.idle()
            clip.verdicts.append((self.world.clock.now(), suggestion))

        self.in_vod(clip, judge)

    @rule(index=clips)
    @precondition(lambda self: len(self.clips) == MOST_CLIPS and not self.is_any_gone)
    def somebody_deletes_in_vod(self, index: int) -> None:
        self.begin()
        clip = self.clip(index)
        self.in_vod(clip, lambda vod_id: vod_gateway().delete([vod_id]))
        clip.is_gone = True

    @property
    def is_any_gone(self) -> bool:
        return any(clip.is_gone for clip in self.clips)
