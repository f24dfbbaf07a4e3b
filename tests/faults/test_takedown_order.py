"""No order of events leaves a served file of a closed clip whose takedown is verified."""

import os
from typing import Any, ClassVar, Final

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shortvideo.cloud import CloudError, media_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.outbox import services as outbox
from tests.faults.machine_fixtures import silent_vod, world
from tests.faults.machine_world import World
from tests.videos.support import receive_bodies
from tests.videos.takedowns import approve, block, published
from tests.videos.vod_snapshots import Snapshots, take_snapshots
from tests.videos.vod_tasks import NARROWBAND, STANDARD, Task, begin_task
from videos import mirror
from videos.mirror import asking
from videos.mirror.asking import EVERYTHING
from videos.models import Takedown, Video
from videos.services import delete_video

__all__ = ["silent_vod", "world"]

IS_LONG: Final = os.environ.get("PROPERTIES") == "long"
MOST_TASKS: Final = 3


class TakedownMachine(RuleBasedStateMachine):
    """One clip that is blocked or deleted while VOD transcodes it. Each rule is one event."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.world.reset()
        self.video = published(self.world.vod)
        self.tasks: list[Task] = []
        self.running: list[Task] = []
        self.streams: list[MediaPath] = []
        self.snapshots: list[Snapshots] = []
        self.told: list[MediaPath] = []  # pictures whose event arrived
        self.readings: list[mirror.Reading] = []
        self.untold: list[dict[str, Any]] = []

    @property
    def row(self) -> Video:
        return Video.objects.get(pk=self.video.pk)

    @property
    def is_in_vod(self) -> bool:
        return self.world.vod.state(self.video.vod_id)["video"] is not None

    @rule(group=st.sampled_from([STANDARD, NARROWBAND]))
    @precondition(lambda self: len(self.tasks) < MOST_TASKS and self.is_in_vod)
    def a_task_begins(self, group: str) -> None:
        """VOD transcodes no clip that it blocked already."""
        if self.world.vod.state(self.video.vod_id)["video"]["status"] != "Blocked":
            self.running.append(begin_task(self.world.vod, self.video.vod_id, group=group))
            self.tasks.append(self.running[-1])

    @rule(which=st.integers(0, 1), stream=st.integers(0, 1))
    @precondition(lambda self: self.running)
    def a_stream_is_ready(self, which: int, stream: int) -> None:
        task = self.running[which % len(self.running)]
        if path := task.end_job(task.job_ids[stream]):
            self.streams.append(path)
            self.untold.append({**task.event, "EventType": "StreamTranscodeComplete"})

    @rule(which=st.integers(0, 1))
    @precondition(lambda self: self.running)
    def a_task_ends(self, which: int) -> None:
        task = self.running.pop(which % len(self.running))
        self.streams += task.end()
        self.untold.append(task.event)

    @rule()
    @precondition(lambda self: len(self.snapshots) < MOST_TASKS and self.is_in_vod)
    def a_snapshot_job_ends(self) -> None:
        """VOD takes snapshots of a blocked clip too, and lists the latest job only."""
        self.snapshots.append(take_snapshots(self.world.vod, self.video.vod_id))
        self.untold.append(self.snapshots[-1].event)

    @rule(is_lost=st.booleans())
    @precondition(lambda self: self.untold)
    def an_event_arrives_or_is_lost(self, is_lost: bool) -> None:
        event = self.untold.pop(0)
        if not is_lost:
            receive_bodies([event])
            self.told += [
                path for job in self.snapshots if job.event == event for path in job.paths
            ]

    @rule()
    def somebody_blocks(self) -> None:
        if self.row.deleted_at is None:
            block(self.row, reason=f"violence {self.world.clock.now():%M%S}")

    @rule()
    def somebody_approves(self) -> None:
        if self.row.deleted_at is None:
            approve(self.row)

    @rule(is_sure=st.sampled_from([False] * 5 + [True]))
    def somebody_deletes(self, is_sure: bool) -> None:
        if is_sure:
            delete_video(self.row)

    @rule(how=st.sampled_from(["full", "changes", "single"]))
    def a_sync_runs(self, how: str) -> None:
        self.world.sync(how, [self.video.vod_id])

    @rule()
    def a_reading_is_taken(self) -> None:
        try:
            facts, _ = asking.fetch_facts([self.video.vod_id])
            for item in facts.values():
                self.readings.append(asking.fetch_reading(item, self.row, EVERYTHING))
        except CloudError:
            return

    @rule(which=st.integers(0, 2))
    @precondition(lambda self: self.readings)
    def a_reading_is_applied(self, which: int) -> None:
        mirror.apply(self.readings[which % len(self.readings)])

    @rule()
    def an_operator_reads_again(self) -> None:
        with transaction.atomic():
            outbox.send("read_video", subject=self.video.vod_id)

    @rule(rounds=st.integers(1, 4))
    def the_worker_works(self, rounds: int) -> None:
        for _ in range(rounds):
            self.world.clock.go_on(6)
            self.world.work()

    @invariant()
    def no_verified_takedown_has_a_served_file(self) -> None:
        row = self.row
        takedown = Takedown.objects.in_force().filter(video=row).first()
        if row.is_closed and takedown is not None and takedown.state == Takedown.State.VERIFIED:
            served = [path for path in self.streams if media_gateway().is_served(path)]
            known = [MediaPath(item["path"]) for item in row.media]
            served += [path for path in known if media_gateway().is_served(path)]
            assert not served, f"verified, and served: {served}"

    def teardown(self) -> None:
        """Once all tasks have ended, the takedown of a closed clip is verified.

        Then none of the pictures is served that VOD lists or whose event arrived.
        """
        while self.running:
            self.streams += self.running.pop().end()
        if self.row.is_closed:
            self.world.sync("single", [self.video.vod_id])
            self.world.work_until_idle()
            takedown = Takedown.objects.in_force().filter(video=self.video)[0]
            assert takedown.state == Takedown.State.VERIFIED, takedown.problem
            latest = self.snapshots[-1].paths if self.snapshots else []
            served = [path for path in (*self.told, *latest) if media_gateway().is_served(path)]
            assert not served, f"told, and served: {served}"
        self.no_verified_takedown_has_a_served_file()


def test_no_order_leaves_a_served_file_verified(world: World) -> None:
    TakedownMachine.world = world
    run_state_machine_as_test(
        TakedownMachine,
        settings=settings(
            max_examples=int(os.environ.get("PROPERTIES_RUNS", "200" if IS_LONG else "8")),
            stateful_step_count=60 if IS_LONG else 30,
            derandomize=not IS_LONG,
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            phases=[Phase.generate, *([Phase.shrink] if "PROPERTIES_SHRINK" in os.environ else [])],
            report_multiple_bugs=False,
        ),
    )


@pytest.mark.parametrize("is_deleted", [False, True])
def test_the_worst_order_is_verified_in_the_end(world: World, is_deleted: bool) -> None:
    """Each stream is ready at another moment, and no event arrives."""
    world.reset()
    TakedownMachine.world = world
    machine = TakedownMachine()
    machine.a_task_begins(STANDARD)
    machine.a_task_begins(NARROWBAND)
    machine.somebody_blocks()
    for which, stream in ((0, 0), (1, 0), (0, 1), (1, 1)):
        machine.the_worker_works(3)
        machine.no_verified_takedown_has_a_served_file()
        machine.a_stream_is_ready(which, stream)
    if is_deleted:
        machine.somebody_deletes(True)
    machine.teardown()
