"""Anything that can happen to a few clips, in any order, with the rules checked after each step."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import wraps
from typing import Any, ClassVar, Final, TypeVar, cast

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from localvod import clock as vod_clock
from recommendations.models import Recommendation
from shortvideo.cloud import CloudError, vod_gateway
from shortvideo.cloud.types import Audit
from shortvideo.outbox import services as outbox
from shortvideo.outbox.handlers import Done, handler_for
from shortvideo.outbox.models import Delivery
from shortvideo.outbox.settling import finish
from tests.faults.machine_checks import check_end, check_step, dump, lines_in
from tests.faults.machine_model import Clip, ConsoleDecision, Place, Wanted
from tests.faults.machine_world import World
from videos import mirror, reader
from videos.deliveries.audit import as_audit, still_stands
from videos.mirror.facts import COPIED
from videos.models import ReviewDecision, Video
from videos.reader import EVERYTHING, Questions
from videos.services.undo import undo_review, undoable

MOST_CLIPS: Final = 3
STEP_SECONDS: Final = 2  # VOD's moments are whole seconds: so no two steps share one
# A source that a reading told of counts as uploaded up to 30 s later: VOD's clock may be ahead.
CLOCK_SKEW_SECONDS: Final = 31

FAULTS: Final = (
    {"kind": "error"},
    {"kind": "error", "rate": 0.4},
    {"kind": "lost", "is_after": True, "times": 2},
    {"kind": "error", "code": "Throttling.User", "status": 400, "times": 4},
    {"operation": "CreateAudit", "kind": "error"},
    {"operation": "CreateAudit", "kind": "lost"},
    {"operation": "CreateAudit", "kind": "lost", "is_after": True, "times": 1},
    {"operation": "CreateAudit", "kind": "error", "code": "Forbidden", "status": 403, "times": 1},
    {"operation": "DeleteVideo", "kind": "lost", "is_after": True, "times": 1},
    {"operation": "DeleteVideo", "kind": "error", "code": "Forbidden", "status": 403, "times": 1},
    {"operation": "SubmitTranscodeJobs", "kind": "lost", "is_after": True, "times": 1},
    {"operation": "SubmitTranscodeJobs", "kind": "error", "code": "Forbidden", "status": 403,
     "times": 1},
    {"operation": "GetVideoInfos", "kind": "error", "times": 3},
    {"operation": "GetAuditHistory", "kind": "error", "times": 4},
    {"operation": "GetAuditHistory", "kind": "error", "code": "Forbidden", "status": 403,
     "times": 1},
    {"operation": "SearchMedia", "kind": "error", "times": 3},
    {"operation": "GetMediaAuditResult", "kind": "lost", "times": 3},
)  # fmt: skip
QUESTIONS: Final = {
    "facts": Questions(),
    "everything": EVERYTHING,
    "audits": Questions(audits=True, source=True),
}

Rule = TypeVar("Rule", bound=Callable[..., None])


def at_most(times: int) -> Callable[[Rule], Rule]:
    """Let a rule happen so often in one run, so that there is room for the others."""

    def limited(happens: Rule) -> Rule:
        name = happens.__name__

        @wraps(happens)
        def counted(machine: "ConsoleMachine", **drawn: Any) -> None:
            machine.counts[name] += 1
            happens(machine, **drawn)

        still_allowed = precondition(lambda machine: machine.counts[name] < times)
        return cast("Rule", still_allowed(counted))

    return limited


clips = st.integers(0, MOST_CLIPS - 1)
statuses = st.sampled_from(["Checking", "Normal", "Transcoding"])
decisions = st.sampled_from(["Normal", "Blocked"])
reasons = st.sampled_from(["violence", "spam"])
calls = st.sampled_from(["get", "post"])
texts = st.sampled_from(["", "looks fine"])


class ConsoleMachine(RuleBasedStateMachine):
    """Each rule is one thing that happens; `world` is set by the test that runs the machine."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.world.reset()
        self.clips: list[Clip] = []
        self.step = 0
        self.wanted: dict[str, list[Wanted]] = {}
        self.readings: list[mirror.Reading] = []
        self.frozen: list[tuple[list[Delivery], list[Audit]]] = []
        self.told_count = 0
        self.counts: Counter[str] = Counter()
        self.log = lines_in()
        self.shown: dict[str, str] = {}
        self.faulty_until = 0

    # Helpers of the rules.

    def begin(self, seconds: float = STEP_SECONDS) -> None:
        self.step += 1
        self.wanted = {}
        self.world.clock.go_on(seconds)
        if self.step == self.faulty_until:
            self.world.vod.faults()

    def clip(self, index: int) -> Clip:
        return self.clips[index % len(self.clips)]

    @property
    def operator(self) -> str:
        return self.world.desk.operator.username

    def call(self, channel: str, operation: str, **parameters: Any) -> str:
        """The code of a console operation."""
        send = self.world.console.get if channel == "get" else self.world.console.post
        code: str = send(operation, **parameters)["code"]
        return code

    def do(self, action: str, vod_id: str, **fields: Any) -> bool:
        """Whether an action of the desk was done."""
        return self.world.act(action, Video.objects.get(vod_id=vod_id), **fields)

    # What happens in VOD.

    @initialize(first=statuses, second=statuses, is_known=st.booleans())
    def two_clips(self, first: str, second: str, is_known: bool) -> None:
        self.begin()
        self.add_clip(first)
        self.add_clip(second)
        if is_known:
            self.world.sync("full")

    def add_clip(self, status: str) -> None:
        vod_id = self.world.upload(status=status)
        size = self.world.vod.state(vod_id)["video"]["size"]
        now = self.world.clock.now()
        self.clips.append(Clip(vod_id, [(size, now)], may_play=status == "Normal"))

    @rule(status=statuses)
    @precondition(lambda self: len(self.clips) < MOST_CLIPS)
    def an_app_uploads(self, status: str) -> None:
        self.begin()
        self.add_clip(status)

    @rule(index=clips, is_heard=st.booleans())
    @at_most(2)
    def an_app_uploads_again(self, index: int, is_heard: bool) -> None:
        """The event may arrive at once, in the usual way, or get lost."""
        self.begin()
        clip = self.clip(index)
        if clip.is_gone or clip.is_deletion_asked:
            return
        size = self.world.upload_again(clip.vod_id)
        clip.uploads.append((size, self.world.clock.now()))
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
        at = vod_clock.parse(entry["creation_time"])
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

    def exists_in_vod(self, clip: Clip) -> bool:
        return self.world.vod.state(clip.vod_id)["video"] is not None

    def in_vod(self, clip: Clip, change: Callable[[str], object]) -> None:
        """Change something in VOD as its own console does: faults are for our calls."""
        if not self.exists_in_vod(clip):
            return
        faults = self.world.vod.control("GET", "faults")
        self.world.vod.faults()
        change(clip.vod_id)
        self.world.vod.control("POST", "faults", faults)

    # What people do here.

    @rule(index=clips, decision=decisions, reason=reasons, comment=texts, channel=calls)
    def somebody_decides_by_the_api(
        self, index: int, decision: str, reason: str, comment: str, channel: str
    ) -> None:
        self.begin()
        clip = self.clip(index)
        reason = reason if decision == "Blocked" else ""
        if clip.is_visible and not clip.is_repeated(decision, reason, comment, by_desk=False):
            self.want(clip, "api", decision, reason, comment)
        given = {"status": decision, "reason": reason, "comment": comment}
        code = self.call(channel, "createAudit", mediaId=clip.vod_id, **given)
        assert code == ("200" if clip.is_visible else "404")

    @rule(index=clips, decision=decisions, reason=reasons, comment=texts)
    def somebody_decides_on_the_desk(
        self, index: int, decision: str, reason: str, comment: str
    ) -> None:
        self.begin()
        clip = self.clip(index)
        if not clip.is_visible:
            return
        reason = reason if decision == "Blocked" else ""
        is_repeated = clip.is_repeated(decision, reason, comment, by_desk=True)
        if not is_repeated:
            self.want(clip, "admin", decision, reason, comment)
        action, asked = ("block", {"reason": reason}) if reason else ("approve", {})
        assert self.do(action, clip.vod_id, comment=comment, **asked) is not is_repeated

    def want(self, clip: Clip, source: str, decision: str, reason: str, comment: str) -> None:
        """This step must add this line to the log, once."""
        wanted = Wanted(source, decision, clip.status, reason, comment, self.operator)
        self.wanted[clip.vod_id] = [wanted]

    @rule(index=clips)
    @precondition(lambda self: any(clip.lines for clip in self.clips))
    def somebody_undoes(self, index: int) -> None:
        """What was decided last at the desk, as long as VOD has not been told of it."""
        self.begin()
        clip = self.clip(index)
        video = Video.objects.visible().filter(vod_id=clip.vod_id).first()
        decision = undoable(video) if video is not None else None
        if decision is None:
            return
        assert clip.standing is not None
        assert clip.standing.pk == decision.pk, "only a person's last word can be undone"
        self.want(clip, "admin", "Undo", "", "")
        undo_review(decision, operator=self.world.desk.operator)

    @rule(index=clips, extras=st.booleans())
    def somebody_recommends_by_the_api(self, index: int, extras: bool) -> None:
        self.begin()
        clip = self.clip(index)
        flags = {"isNarrow": "true", "isCache": "true"} if extras else {}
        code = self.call("post", "recommendVideo", videoId=clip.vod_id, **flags)
        assert clip.is_visible or code == "404"
        self.check_recommended(clip, is_done=code == "200", extras=extras)

    @rule(index=clips, extras=st.booleans())
    def somebody_recommends_on_the_desk(self, index: int, extras: bool) -> None:
        self.begin()
        clip = self.clip(index)
        if clip.is_visible:
            fields = {"narrowband": "on", "prefetch": "on"} if extras else {}
            is_done = self.do("recommend", clip.vod_id, **fields)
            self.check_recommended(clip, is_done=is_done, extras=extras)

    def check_recommended(self, clip: Clip, *, is_done: bool, extras: bool) -> None:
        if clip.is_visible and clip.status == "success":
            assert is_done or extras  # VOD's status may forbid the job that comes with it
        else:
            assert not is_done
        if is_done:
            self.note_place(clip)

    def note_place(self, clip: Clip) -> None:
        """Where a recommendation puts a clip: on the list now, at the place it has if any."""
        place, now = clip.place, self.world.clock.now()
        if place is None or not clip.has_standing_place:
            clip.place = Place(self.step)
            return
        starts_at = place.starts_at if place.starts_at and place.starts_at <= now else None
        ends_at = place.ends_at if place.ends_at and place.ends_at > now else None
        clip.place = Place(place.step, starts_at, ends_at)

    @rule(index=clips, channel=st.sampled_from(["post", "desk"]))
    @precondition(lambda self: self.has_places)
    @at_most(2)
    def somebody_takes_off_the_list(self, index: int, channel: str) -> None:
        self.begin()
        clip = self.clip(index)
        if channel == "desk":
            item = Recommendation.objects.filter(video__vod_id=clip.vod_id).first()
            assert (item is not None) == (clip.place is not None)
            if item is None:
                return
            assert self.world.act("remove", item)
        else:
            code = self.call(channel, "deleteRecommendById", videoId=clip.vod_id)
            assert code == ("200" if clip.has_standing_place else "404")
            if code != "200":
                return
        clip.place = None

    @property
    def has_places(self) -> bool:
        return any(clip.place for clip in self.clips)

    @rule(
        index=clips,
        start=st.sampled_from([None, -100, 40]),
        length=st.sampled_from([None, 60]),
    )
    @precondition(lambda self: self.has_places)
    @at_most(3)
    def somebody_schedules(self, index: int, start: int | None, length: int | None) -> None:
        self.begin()
        clip = self.clip(index)
        if clip.place is None:
            return
        now = self.world.clock.now().replace(microsecond=0)
        starts_at = None if start is None else now + timedelta(seconds=start)
        ends_at = None if length is None else (starts_at or now) + timedelta(seconds=length)
        item = Recommendation.objects.get(video__vod_id=clip.vod_id)
        self.world.schedule(item, starts_at=starts_at, ends_at=ends_at)
        clip.place = Place(clip.place.step, starts_at, ends_at)

    @rule(index=clips, channel=st.sampled_from(["post", "desk"]))
    @at_most(1)
    def somebody_deletes(self, index: int, channel: str) -> None:
        self.begin()
        clip = self.clip(index)
        if channel == "desk":
            if not clip.is_visible:
                return
            assert self.do("remove", clip.vod_id)
        else:
            code = self.call(channel, "deleteVideoById", videoId=clip.vod_id, userId="")
            assert code == ("200" if clip.is_known else "404")
            if code != "200":
                return
        if not clip.is_deleted:
            clip.is_deleted = clip.is_deletion_asked = True

    @rule(
        index=clips,
        kind=st.sampled_from(["submitTranscode", "submitTabTranscode"]),
        channel=st.sampled_from(["get", "post", "desk"]),
    )
    @at_most(3)
    def somebody_transcodes(self, index: int, kind: str, channel: str) -> None:
        self.begin()
        clip = self.clip(index)
        if channel == "desk":
            if clip.is_visible:
                action = "transcode" if kind == "submitTranscode" else "transcode_narrowband"
                done = self.do(action, clip.vod_id)
                assert not (done and clip.status == "fail")
            return
        code = self.call(channel, kind, mediaId=clip.vod_id)
        if not clip.is_visible:
            assert code == "404"
        elif clip.status == "fail":
            assert code == "409"
        else:
            assert code in {"200", "409"}

    @rule(position=st.integers(0, 3))
    @precondition(lambda _: Delivery.objects.given_up().exists())
    @at_most(2)
    def somebody_retries_what_was_given_up(self, position: int) -> None:
        self.begin()
        given_up = Delivery.objects.given_up().order_by("id")[position : position + 1]
        for delivery in given_up:
            try:
                outbox.retry(delivery)
            except outbox.DeliveryStateError:
                assert delivery.after_id is not None

    @rule(statement=st.sampled_from(["update", "delete", "truncate"]))
    @at_most(2)
    def somebody_tampers_with_the_log(self, statement: str) -> None:
        self.begin()
        table = ReviewDecision._meta.db_table
        attempts = {
            "update": f"UPDATE {table} SET reason = 'another'",
            "delete": f"DELETE FROM {table}",
            "truncate": f"TRUNCATE {table} CASCADE",
        }
        if not self.log and connection.vendor == "sqlite":
            return  # its triggers are for each row
        if statement == "truncate" and connection.vendor == "sqlite":
            return  # which has no such statement
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(attempts[statement])

    # What reaches this server, and what it does by itself.

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
        """Replayed by VOD, or by somebody else."""
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

    @rule(kind=st.sampled_from(["create_audit", "delete_video", "submit_transcode",
                                "process_event"]), has_called=st.booleans())  # fmt: skip
    @precondition(lambda _: Delivery.objects.open().exists())
    @at_most(3)
    def a_worker_dies(self, kind: str, has_called: bool) -> None:
        """Before its call, or after it and before it could write what came of it."""
        self.begin()
        batch = self.world.claim(kind)
        if batch and has_called:
            with suppress(CloudError):  # the call failed, and then the worker died
                handler_for(kind).deliver(batch)

    @rule()
    @precondition(lambda _: Delivery.objects.open().filter(kind="create_audit").exists())
    def a_worker_freezes_before_its_call(self) -> None:
        self.begin()
        batch = self.world.claim("create_audit")
        decisions = ReviewDecision.objects.filter(delivery__in=batch).select_related("video")
        audits = [as_audit(decision) for decision in decisions if still_stands(decision)]
        if audits:
            self.frozen.append((batch, audits))

    @rule()
    @precondition(lambda self: self.frozen)
    def a_frozen_worker_comes_back(self) -> None:
        """Its call lands late; it cannot finish what others have taken over."""
        self.begin()
        self.world.pass_leases()
        self.land_late_call()

    def land_late_call(self) -> None:
        batch, audits = self.frozen.pop(0)
        self.world.work()
        try:
            vod_gateway().create_audit(audits)
        except CloudError:
            return
        for delivery in batch:
            finish(delivery, Done(), handler=handler_for(delivery.kind))

    @rule(how=st.sampled_from(["full", "changes", "single"]), index=clips)
    def a_sync_runs(self, how: str, index: int) -> None:
        self.begin()
        self.world.sync(how, [self.clip(index).vod_id])

    @rule(index=clips, asked=st.sampled_from(sorted(QUESTIONS)))
    def a_reading_is_taken(self, index: int, asked: str) -> None:
        """And is applied some time later, or never."""
        self.begin()
        clip = self.clip(index)
        try:
            found, _ = reader.read_facts([clip.vod_id])
            for facts in found.values():
                row = self.world.row(clip.vod_id)
                self.readings.append(reader.read(facts, row, QUESTIONS[asked]))
        except CloudError:
            return

    @rule(position=st.integers(0, 5))
    @precondition(lambda self: self.readings)
    def a_reading_is_applied(self, position: int) -> None:
        """An older one than the row's leaves the facts alone; the same again writes nothing."""
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

    @rule(fault=st.sampled_from(FAULTS), steps=st.integers(1, 6))
    @at_most(4)
    def a_fault_begins(self, fault: dict[str, Any], steps: int) -> None:
        self.begin()
        self.faulty_until = self.step + steps
        self.world.vod.faults(fault, seed=self.step)

    @rule(seconds=st.sampled_from([12, 65]))
    @at_most(4)
    def time_passes(self, seconds: int) -> None:
        self.begin(seconds)

    # What must hold, always.

    @invariant()
    def the_rules_hold(self) -> None:
        check_step(self)

    def teardown(self) -> None:
        """In the end everything has come to rest, and both sides say the same."""
        if self.clips:
            check_end(self)
