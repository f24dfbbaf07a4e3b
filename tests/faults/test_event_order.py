"""Readings and events in any order, twice or never: the row ends the same."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortvideo.cloud import vod_gateway
from tests.faults.machine_fixtures import silent_vod, world
from tests.faults.machine_world import World
from videos import mirror
from videos.mirror import asking
from videos.mirror.asking import EVERYTHING
from videos.models import MachineReview, ReviewDecision, ReviewTask, Video

__all__ = ["silent_vod", "world"]

IS_LONG: Final = os.environ.get("PROPERTIES") == "long"
PROFILE = settings(
    max_examples=100 if IS_LONG else 8,
    derandomize=True,
    database=None,
    deadline=None,  # an example calls real processes
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,  # every example empties what the fixture holds
        HealthCheck.too_slow,
    ],
)
FEWER = settings(PROFILE, max_examples=100 if IS_LONG else 3)  # of long lives
STAGE_SECONDS: Final = 40  # more than the uncertainty about the end of an upload
# Moments of reading and writing, which depend on the order.
ORDER_DEPENDENT: Final = (
    "id", "read_at", "files_read_at", "changed_at", "first_seen_at", "censor_changed_at",
    "blocked_at", "source_uploaded_at", "source_uploaded_after", "source_version",
    "transcode_asked_at",
)  # fmt: skip

Stage = Callable[[World, str], None]


def _end_state(vod_id: str) -> dict[str, Any]:
    """The facts and decisions of a clip, without moments that depend on the order."""
    rows = [dict[str, Any](row) for row in Video.objects.filter(vod_id=vod_id).values()]
    if not rows:
        return {}
    [video] = rows
    about = {"video__vod_id": vod_id}
    of_source = {**about, "source_version": video["source_version"]}
    for name in ORDER_DEPENDENT:
        del video[name]
    is_deleted = video.pop("deleted_at") is not None
    decisions = ReviewDecision.objects.filter(**of_source).order_by("created_at")
    tasks = ReviewTask.objects.open().filter(**about).order_by("cause")
    verdicts = MachineReview.objects.filter(**of_source)
    return {
        **video,
        "is_deleted": is_deleted,
        "people": list(decisions.by_people().values_list("decision", "auditor", "created_at")),
        "tasks": list(tasks.values_list("cause", flat=True)),
        "verdict": verdicts.values_list("suggestion", "job_id").first(),
    }


# Readings of one clip at each stage of its life.


def _rename(title: str) -> Stage:
    return lambda _, vod_id: vod_gateway().update_info(vod_id, title=title)


def _judge(suggestion: str) -> Stage:
    def judged(world: World, vod_id: str) -> None:
        tags = ["snapshots:off", f"verdict:{suggestion}"]
        vod_gateway().update_info(vod_id, tags=tags)
        vod_gateway().submit_machine_review(vod_id)
        world.vod.idle()

    return judged


def _decide(decision: str, auditor: str) -> Stage:
    return lambda world, vod_id: world.vod.audit_in_console(vod_id, decision, "seen", auditor)


def _upload_again(world: World, vod_id: str) -> None:
    world.upload_again(vod_id)


LIVES: Final[dict[str, tuple[Stage, ...]]] = {
    "people decide": (
        _rename("Noodles"), _judge("review"), _decide("Blocked", "Li"), _rename("Soup"),
        _decide("Normal", "Wang"), _decide("Blocked", "Li"),
    ),
    "the machine decides": (_judge("review"), _rename("Noodles"), _judge("pass"), _judge("block")),
    "another source comes": (
        _decide("Blocked", "Wang"), _decide("Normal", "Li"), _upload_again, _rename("Soup"),
    ),
    "people decide about another source": (
        _rename("Noodles"), _upload_again, _decide("Blocked", "Li"), _decide("Normal", "Li"),
    ),
}  # fmt: skip


def _readings_of(world: World, stages: tuple[Stage, ...]) -> list[mirror.Reading]:
    """A reading after the upload and after each stage."""
    world.reset()
    vod_id = world.upload(status="Checking")
    taken = [_read(vod_id)]
    for happens in stages:
        world.clock.go_on(STAGE_SECONDS)
        happens(world, vod_id)
        world.clock.go_on(STAGE_SECONDS)
        taken.append(_read(vod_id))
    return taken


def _read(vod_id: str) -> mirror.Reading:
    facts, _ = asking.fetch_facts([vod_id])
    return asking.fetch_reading(facts[vod_id], None, EVERYTHING)


def _without_moment(reading: mirror.Reading) -> mirror.Reading:
    """The same reading without the moment of the upload."""
    return replace(reading, source=None, source_uploaded_at=None)


def _applied(
    world: World, readings: list[mirror.Reading], newest: mirror.Reading
) -> dict[str, Any]:
    """The end state after these readings and the newest one."""
    world.empty()
    for reading in readings if newest in readings else [*readings, newest]:
        mirror.apply(reading)
    return _end_state(newest.facts.vod_id)


@pytest.mark.parametrize("life", LIVES)
def test_readings_applied_in_any_order_end_in_the_same_row(world: World, life: str) -> None:
    readings = _readings_of(world, LIVES[life])
    expected = _applied(world, readings, readings[-1])

    choices = [*readings, *map(_without_moment, readings)]

    @PROFILE
    @given(st.lists(st.sampled_from(range(len(choices))), max_size=2 * len(readings)))
    def in_any_order(order: list[int]) -> None:
        assert _applied(world, [choices[index] for index in order], readings[-1]) == expected

    in_any_order()


# The events of one clip's life; each makes the worker read the clip.


@dataclass(frozen=True)
class Life:
    """A clip after many changes: its events, and its first reading."""

    vod_id: str
    bodies: list[dict[str, Any]]
    early: mirror.Reading


def _lived(world: World, *, is_deleted: bool = False, is_replaced: bool = False) -> Life:
    """Upload a clip; VOD processes it, the machine judges it and a person blocks it.

    If it is replaced, the machine judges the new source twice, and another person passes it.
    """
    world.reset()
    vod_id = world.upload_file(tags=["verdict:review"])
    early = _read(vod_id)
    _judge("review")(world, vod_id)
    world.clock.go_on(STAGE_SECONDS)
    _decide("Blocked", "Li")(world, vod_id)
    if is_replaced:
        world.clock.go_on(STAGE_SECONDS)
        _upload_again(world, vod_id)
        for happens in (_judge("review"), _judge("review"), _decide("Normal", "Wang")):
            world.clock.go_on(1)  # within the uncertainty about the end of the upload
            happens(world, vod_id)
    if is_deleted:
        vod_gateway().delete([vod_id])
    world.vod.idle()
    return Life(vod_id, [event["body"] for event in world.vod.events(vod_id)], early)


def _heard(world: World, life: Life, told: list[tuple[int, int, bool]], *, is_known: bool) -> None:
    """Receive events: the position of each, how often, and whether a sync follows."""
    world.empty()
    if is_known:
        mirror.apply(life.early)
    for position, times, is_synced in told:
        for _ in range(times):
            assert world.tell(life.bodies[position]) == 200
        world.work()
        if is_synced:
            world.sync("full")
    world.work_until_idle()


def _in_order(life: Life) -> list[tuple[int, int, bool]]:
    return [(position, 1, False) for position in range(len(life.bodies))]


def test_events_in_any_order_twice_or_never_end_in_the_same_row(world: World) -> None:
    life = _lived(world)
    kinds = {body["EventType"] for body in life.bodies}
    assert kinds >= {
        "FileUploadComplete", "VideoAnalysisComplete", "SnapshotComplete",
        "StreamTranscodeComplete", "TranscodeComplete", "AIMediaAuditComplete",
        "CreateAuditComplete",
    }  # fmt: skip
    for is_known in (True, False):
        _assert_same_row_in_any_order(world, life, is_known=is_known)


def _assert_same_row_in_any_order(world: World, life: Life, *, is_known: bool) -> None:
    _heard(world, life, _in_order(life), is_known=is_known)
    expected = _end_state(life.vod_id)
    assert (expected["censor_status"], expected["tasks"]) == ("fail", [])
    assert expected["files"]

    @PROFILE
    @given(st.data())
    def in_any_order(data: st.DataObject) -> None:
        told = data.draw(_tellings(len(life.bodies)))
        _heard(world, life, told, is_known=is_known)
        if {position for position, _, _ in told} != set(range(len(life.bodies))):
            world.sync("single", [life.vod_id])  # for the events that never came
        assert _end_state(life.vod_id) == expected

    in_any_order()


def test_events_about_two_sources_end_with_the_later_decision(world: World) -> None:
    """The event of the second verdict must come: a reading of VOD names no source."""
    life = _lived(world, is_replaced=True)
    _heard(world, life, _in_order(life), is_known=True)
    expected = _end_state(life.vod_id)
    assert (expected["censor_status"], expected["tasks"]) == ("success", [])
    assert [auditor for _, auditor, _ in expected["people"]] == ["Wang"]
    assert expected["verdict"] == ("review", "")

    @FEWER
    @given(st.data())
    def in_any_order(data: st.DataObject) -> None:
        told = data.draw(_tellings(len(life.bodies), least=len(life.bodies)))
        _heard(world, life, told, is_known=True)
        assert _end_state(life.vod_id) == expected

    in_any_order()


def test_a_deleted_clip_stays_deleted_in_any_order_of_events(world: World) -> None:
    life = _lived(world, is_deleted=True)
    for is_known in (True, False):
        _assert_deleted_in_any_order(world, life, is_known=is_known)


def _assert_deleted_in_any_order(world: World, life: Life, *, is_known: bool) -> None:
    [deletion] = [
        position
        for position, body in enumerate(life.bodies)
        if body["EventType"] == "DeleteMediaComplete"
    ]

    @PROFILE
    @given(st.data())
    def in_any_order(data: st.DataObject) -> None:
        told = data.draw(_tellings(len(life.bodies)))
        _heard(world, life, [*told, (deletion, 1, True)], is_known=is_known)
        state = _end_state(life.vod_id)
        assert state.get("is_deleted", False) is is_known
        assert not Video.objects.visible().exists()

    in_any_order()


def _tellings(count: int, least: int = 0) -> st.SearchStrategy[list[tuple[int, int, bool]]]:
    """Some events in any order, each once or twice, with syncs in between."""
    times = st.tuples(st.integers(1, 2), st.sampled_from([False, False, True]))

    def told(order: list[int]) -> st.SearchStrategy[list[tuple[int, int, bool]]]:
        hows = st.lists(times, min_size=len(order), max_size=len(order))
        return hows.map(lambda hows: [(at, *how) for at, how in zip(order, hows, strict=True)])

    kept = st.tuples(st.permutations(range(count)), st.integers(least, count))
    return kept.map(lambda drawn: list(drawn[0][: drawn[1]])).flatmap(told)
