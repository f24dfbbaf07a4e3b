"""In whatever order VOD's words arrive, twice or never: the row ends the same."""

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
    deadline=None,  # an example waits for real parts
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,  # every example empties what the fixture holds
        HealthCheck.too_slow,
    ],
)
FEWER = settings(PROFILE, max_examples=100 if IS_LONG else 3)  # of long lives
STAGE_SECONDS: Final = 40  # more than the doubt about when an upload ended
# When something was read or written, and by whom it was heard of first: not what is true of it.
HOW_IT_WAS_HEARD: Final = (
    "id", "read_at", "files_read_at", "changed_at", "first_seen_at", "censor_changed_at",
    "blocked_at", "source_uploaded_at", "source_uploaded_after", "source_version",
    "transcode_asked_at",
)  # fmt: skip

Stage = Callable[[World, str], None]


def end_state(vod_id: str) -> dict[str, Any]:
    """What is true of a clip in the end, however it was heard of."""
    rows = [dict[str, Any](row) for row in Video.objects.filter(vod_id=vod_id).values()]
    if not rows:
        return {}
    [video] = rows
    about = {"video__vod_id": vod_id}
    of_source = {**about, "source_version": video["source_version"]}
    for name in HOW_IT_WAS_HEARD:
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


def rename(title: str) -> Stage:
    return lambda _, vod_id: vod_gateway().update_info(vod_id, title=title)


def judge(suggestion: str) -> Stage:
    def judged(world: World, vod_id: str) -> None:
        tags = ["snapshots:off", f"verdict:{suggestion}"]
        vod_gateway().update_info(vod_id, tags=tags)
        vod_gateway().submit_machine_review(vod_id)
        world.vod.idle()

    return judged


def decide(decision: str, auditor: str) -> Stage:
    return lambda world, vod_id: world.vod.audit_in_console(vod_id, decision, "seen", auditor)


def upload_again(world: World, vod_id: str) -> None:
    world.upload_again(vod_id)


LIVES: Final[dict[str, tuple[Stage, ...]]] = {
    "people decide": (
        rename("Noodles"), judge("review"), decide("Blocked", "Li"), rename("Soup"),
        decide("Normal", "Wang"), decide("Blocked", "Li"),
    ),
    "the machine decides": (judge("review"), rename("Noodles"), judge("pass"), judge("block")),
    "another source comes": (
        decide("Blocked", "Wang"), decide("Normal", "Li"), upload_again, rename("Soup"),
    ),
    "people decide about another source": (
        rename("Noodles"), upload_again, decide("Blocked", "Li"), decide("Normal", "Li"),
    ),
}  # fmt: skip


def readings_of(world: World, stages: tuple[Stage, ...]) -> list[mirror.Reading]:
    """What VOD said after each stage, the first being the upload."""
    world.reset()
    vod_id = world.upload(status="Checking")
    taken = [read(vod_id)]
    for happens in stages:
        world.clock.go_on(STAGE_SECONDS)
        happens(world, vod_id)
        world.clock.go_on(STAGE_SECONDS)
        taken.append(read(vod_id))
    return taken


def read(vod_id: str) -> mirror.Reading:
    facts, _ = asking.fetch_facts([vod_id])
    return asking.fetch_reading(facts[vod_id], None, EVERYTHING)


def without_moment(reading: mirror.Reading) -> mirror.Reading:
    """The same where VOD did not say when the source was uploaded."""
    return replace(reading, source=None, source_uploaded_at=None)


def applied(world: World, readings: list[mirror.Reading], newest: mirror.Reading) -> dict[str, Any]:
    """The end of it when these are applied; the newest by the next sync, if not before."""
    world.empty()
    for reading in readings if newest in readings else [*readings, newest]:
        mirror.apply(reading)
    return end_state(newest.facts.vod_id)


@pytest.mark.parametrize("life", LIVES)
def test_readings_applied_in_any_order_end_in_the_same_row(world: World, life: str) -> None:
    readings = readings_of(world, LIVES[life])
    expected = applied(world, readings, readings[-1])

    choices = [*readings, *map(without_moment, readings)]

    @PROFILE
    @given(st.lists(st.sampled_from(range(len(choices))), max_size=2 * len(readings)))
    def in_any_order(order: list[int]) -> None:
        assert applied(world, [choices[index] for index in order], readings[-1]) == expected

    in_any_order()


# The events of one clip's life, which make us read what VOD says in the end.


@dataclass(frozen=True)
class Life:
    """A clip that has been through everything: its events, and how it was before its end."""

    vod_id: str
    bodies: list[dict[str, Any]]
    early: mirror.Reading


def lived(world: World, *, is_deleted: bool = False, is_replaced: bool = False) -> Life:
    """Uploaded, analysed, captured, transcoded, judged by the machine, blocked by a person.

    Another source is judged by the machine twice, and passed by another person.
    """
    world.reset()
    vod_id = world.upload_file(tags=["verdict:review"])
    early = read(vod_id)
    judge("review")(world, vod_id)
    world.clock.go_on(STAGE_SECONDS)
    decide("Blocked", "Li")(world, vod_id)
    if is_replaced:
        world.clock.go_on(STAGE_SECONDS)
        upload_again(world, vod_id)
        for happens in (judge("review"), judge("review"), decide("Normal", "Wang")):
            world.clock.go_on(1)  # sooner than any estimate of the upload ends
            happens(world, vod_id)
    if is_deleted:
        vod_gateway().delete([vod_id])
    world.vod.idle()
    return Life(vod_id, [event["body"] for event in world.vod.events(vod_id)], early)


def heard(world: World, life: Life, told: list[tuple[int, int, bool]], *, is_known: bool) -> None:
    """Hear events (the position of each, how often, and whether a sync runs after it)."""
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


def in_order(life: Life) -> list[tuple[int, int, bool]]:
    return [(position, 1, False) for position in range(len(life.bodies))]


@pytest.mark.parametrize("is_known", [True, False])
def test_events_in_any_order_twice_or_never_end_in_the_same_row(
    world: World, is_known: bool
) -> None:
    life = lived(world)
    kinds = {body["EventType"] for body in life.bodies}
    assert kinds >= {
        "FileUploadComplete", "VideoAnalysisComplete", "SnapshotComplete",
        "StreamTranscodeComplete", "TranscodeComplete", "AIMediaAuditComplete",
        "CreateAuditComplete",
    }  # fmt: skip
    heard(world, life, in_order(life), is_known=is_known)
    expected = end_state(life.vod_id)
    assert (expected["censor_status"], expected["tasks"]) == ("fail", [])
    assert expected["files"]

    @PROFILE
    @given(st.data())
    def in_any_order(data: st.DataObject) -> None:
        told = data.draw(tellings(len(life.bodies)))
        heard(world, life, told, is_known=is_known)
        if {position for position, _, _ in told} != set(range(len(life.bodies))):
            world.sync("single", [life.vod_id])  # what no event told of
        assert end_state(life.vod_id) == expected

    in_any_order()


def test_events_about_two_sources_in_any_order_end_as_was_decided_about_the_later(
    world: World,
) -> None:
    """That of the second verdict comes, however late: VOD's own word names no source."""
    life = lived(world, is_replaced=True)
    heard(world, life, in_order(life), is_known=True)
    expected = end_state(life.vod_id)
    assert (expected["censor_status"], expected["tasks"]) == ("success", [])
    assert [auditor for _, auditor, _ in expected["people"]] == ["Wang"]
    assert expected["verdict"] == ("review", "")

    @FEWER
    @given(st.data())
    def in_any_order(data: st.DataObject) -> None:
        told = data.draw(tellings(len(life.bodies), least=len(life.bodies)))
        heard(world, life, told, is_known=True)
        assert end_state(life.vod_id) == expected

    in_any_order()


@pytest.mark.parametrize("is_known", [True, False])
def test_a_deleted_clip_stays_away_in_whatever_order_its_events_come(
    world: World, is_known: bool
) -> None:
    life = lived(world, is_deleted=True)
    [deletion] = [
        position
        for position, body in enumerate(life.bodies)
        if body["EventType"] == "DeleteMediaComplete"
    ]

    @PROFILE
    @given(st.data())
    def in_any_order(data: st.DataObject) -> None:
        told = data.draw(tellings(len(life.bodies)))
        heard(world, life, [*told, (deletion, 1, True)], is_known=is_known)
        state = end_state(life.vod_id)
        assert state.get("is_deleted", False) is is_known
        assert not Video.objects.visible().exists()

    in_any_order()


def tellings(count: int, least: int = 0) -> st.SearchStrategy[list[tuple[int, int, bool]]]:
    """Some of the events in some order, each once or twice, with syncs in between."""
    times = st.tuples(st.integers(1, 2), st.sampled_from([False, False, True]))

    def told(order: list[int]) -> st.SearchStrategy[list[tuple[int, int, bool]]]:
        hows = st.lists(times, min_size=len(order), max_size=len(order))
        return hows.map(lambda hows: [(at, *how) for at, how in zip(order, hows, strict=True)])

    kept = st.tuples(st.permutations(range(count)), st.integers(least, count))
    return kept.map(lambda drawn: list(drawn[0][: drawn[1]])).flatmap(told)
