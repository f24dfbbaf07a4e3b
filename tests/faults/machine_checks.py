"""Comparisons of the system with the model, after each step and at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.db.models import Model

from recommendations.models import Recommendation
from shortvideo.outbox.models import Delivery
from tests.faults.machine_model import OF_MACHINE, PEOPLE, Clip, Line
from videos.mirror.facts import COPIED
from videos.models import (
    MachineReview,
    ReviewDecision,
    Takedown,
    TranscodeJob,
    Video,
    VideoDeletion,
    VodEvent,
)

if TYPE_CHECKING:
    from tests.faults.machine_base import Machine

UNSENT: Final = ("NoLongerStands",)
KNOWN_AND_DECIDED: Final = (
    "Video", "ReviewDecision", "ReviewTask", "MachineReview", "VideoDeletion", "Recommendation",
)  # fmt: skip

Log = list[tuple[str, Line]]


def lines_in() -> Log:
    """All lines of the log of decisions, each with the id of its video."""
    rows = ReviewDecision.objects.select_related("video", "operator").order_by("id")
    return [
        (
            row.video.vod_id,
            Line(
                row.pk, row.source, row.decision, row.from_status, row.to_status, row.reason,
                row.comment, row.auditor, row.operator.username if row.operator else "",
                row.source_version, row.created_at, row.undoes_id,
            ),
        )
        for row in rows
    ]  # fmt: skip


def dump() -> dict[str, list[dict[str, Any]]]:
    """Every row about videos, to check that nothing was written."""
    models: list[type[Model]] = [
        *apps.get_app_config("videos").get_models(),
        Recommendation,
        Delivery,
    ]
    return {
        model.__name__: list(model._default_manager.order_by("pk").values()) for model in models
    }


def check_step(machine: Machine) -> None:
    log = lines_in()
    assert log[: len(machine.log)] == machine.log, "the log has changed"  # rule 8: it only grows
    added, machine.log = log[len(machine.log) :], log
    for clip in machine.clips:
        row = machine.world.row(clip.vod_id)
        if row is None:
            assert not clip.is_known, "a row is gone"
            continue
        _check_source(clip, row, machine.step)
        _check_decisions(machine, clip, [line for vod_id, line in added if vod_id == clip.vod_id])
        _check_tombstone(clip, row)
        _check_takedown(row)
        _check_status(clip, row, machine.step)
        _check_verdict(clip, row)
    _check_outside(machine)


def _check_source(clip: Clip, row: Video, step: int) -> None:
    """A row is about one upload; only another upload makes a new version."""
    sizes = [size for size, _ in clip.uploads]
    assert row.size in sizes, f"{row.size} bytes were never uploaded"
    if not clip.is_known:
        clip.is_known, clip.status = True, row.censor_status
        clip.since[row.source_version] = clip.uploads[sizes.index(row.size)][1]
    assert clip.version <= row.source_version <= len(clip.uploads), "a source that nobody uploaded"
    if row.source_version > clip.version:
        clip.version, clip.blocked_step = row.source_version, step
        clip.since[row.source_version] = clip.uploads[sizes.index(row.size)][1]


def _check_decisions(machine: Machine, clip: Clip, added: list[Line]) -> None:
    """Rule 2: the log has one line for each decision, and no other line."""
    clip.take(added, machine.wanted.pop(clip.vod_id, []), step=machine.step)


def _check_takedown(row: Video) -> None:
    """The takedown of a block that stands is under way, verified or failed."""
    latest = Takedown.objects.of_block().filter(video=row).order_by("-id").first()
    if row.is_blocked and latest is not None:
        assert latest.state != Takedown.State.REVERSED, (
            "the takedown of a block that stands was reversed"
        )


def _check_tombstone(clip: Clip, row: Video) -> None:
    """Rule 1: a deleted video never comes back, unless VOD refused the deletion."""
    is_deleted = row.deleted_at is not None
    if is_deleted and not clip.is_deleted:
        assert clip.is_gone, "deleted by nobody"
        clip.is_deleted = True
    elif clip.is_deleted and not is_deleted:
        latest = VideoDeletion.objects.filter(video=row).order_by("-id").first()
        was_refused = latest is not None and latest.state == VideoDeletion.State.REFUSED
        assert was_refused, "a deleted video came back"
        clip.is_deleted = clip.is_deletion_asked = False
    facts = tuple(getattr(row, name) for name in (*COPIED, "censor_status", "source_version"))
    if clip.is_deleted and clip.buried is not None:
        assert facts == clip.buried, "something was written on a deleted video"
    clip.buried = facts if clip.is_deleted else None


def _check_status(clip: Clip, row: Video, step: int) -> None:
    """A person's decision about the present source stands, whatever comes later."""
    expected = clip.expected_status()
    if expected is not None:
        assert row.censor_status == expected, f"{row.censor_status} against {clip.standing}"
    elif row.censor_status == "success":
        assert clip.may_be_passed(), "passed on nobody's word"
    if row.censor_status == "fail" and clip.status != "fail":
        clip.blocked_step = step
    clip.status = row.censor_status


def _check_verdict(clip: Clip, row: Video) -> None:
    """The machine's verdict is a decision, unless a person decided about the present source."""
    about_source = MachineReview.objects.filter(video=row, source_version=row.source_version)
    suggestion = about_source.values_list("suggestion", flat=True).first()
    said = [line for line in clip.lines if line.source_version == row.source_version]
    if suggestion not in OF_MACHINE or any(line.source in PEOPLE for line in said):
        return
    by_machine = [line.decision for line in said if line.source == "machine"]
    assert by_machine[-1:] == [OF_MACHINE[suggestion]], f"{suggestion}, and nothing came of it"


def _check_outside(machine: Machine) -> None:
    """Rule 7: the outside sees what the model has, and nothing else."""
    console, before = machine.world.console, _published(machine)
    items = set(Recommendation.objects.published().values_list("video__vod_id", flat=True))
    listed = _ids_in(console.get("getRecommendVideos", pageSize=100))
    expected_lists = (before, _published(machine))  # a place may begin or end between the two
    assert items in expected_lists
    assert listed in expected_lists
    expected = {clip.vod_id: clip.status for clip in machine.clips if clip.is_visible}
    if expected != machine.shown:
        page = console.get("getVideos", pageSize=100)
        assert _ids_in(page) == set(expected)
        videos = page["data"]["videoList"]
        assert {video["videoId"]: video["censorStatus"] for video in videos} == expected
        machine.shown = expected


def _published(machine: Machine) -> set[str]:
    """The model does not know VOD's files, so the rows say which clips have none."""
    now = machine.world.clock.now()
    playable = set(Video.objects.playable().values_list("vod_id", flat=True))
    return {clip.vod_id for clip in machine.clips if clip.is_published(now)} & playable


def _ids_in(envelope: dict[str, Any]) -> set[str]:
    listed = envelope["data"]["videoList"]
    assert envelope["data"]["total"] == len(listed)
    return {video["videoId"] for video in listed}


def check_end(machine: Machine) -> None:
    """Without faults all work ends, and both sides agree."""
    world = machine.world
    machine.begin()
    world.vod.faults()
    while machine.frozen:
        world.pass_leases()
        machine.land_late_call()
    _come_to_rest(machine)
    check_step(machine)
    _check_rest()
    for clip in machine.clips:
        _check_agreement(machine, clip)
    _check_nothing_new(machine)


def tell_all(machine: Machine) -> None:
    """All events so far arrive, also those that arrived before."""
    for event in machine.world.vod.events():
        assert machine.world.tell(event["body"]) == 200


def _come_to_rest(machine: Machine) -> None:
    """Deliver everything, receive VOD's events about it, and sync the rest."""
    world = machine.world
    tell_all(machine)
    world.work_until_idle()
    world.vod.idle()  # its jobs have ended
    tell_all(machine)
    world.work_until_idle()
    assert world.sync("full")
    world.work_until_idle()


def _check_rest() -> None:
    assert not Delivery.objects.open().exists()
    assert not VodEvent.objects.filter(state=VodEvent.State.WAITING).exists()


def _check_agreement(machine: Machine, clip: Clip) -> None:
    held = machine.world.vod.state(clip.vod_id)
    if clip.is_deleted:
        assert held["video"] is None, "deleted here, and VOD has it still"
    if held["video"] is None:
        return
    row = machine.world.row(clip.vod_id)
    assert row is not None, "VOD has a video that is not here"
    _check_jobs(row, held["transcode_tasks"])
    standing = clip.standing or next(
        (line for line in reversed(clip.lines_of_source) if line.source == "machine"), None
    )
    if standing is None or clip.lines_of_source[-1].source == "system" or _is_refused(standing):
        return
    assert held["video"]["audit_status"] == standing.decision, f"VOD against {standing}"


def _is_refused(line: Line) -> bool:
    """Whether VOD refused the delivery of a decision. The desk shows it; a person decides."""
    delivery = Delivery.objects.filter(review_decision=line.pk).first()
    return delivery is not None and delivery.is_refused and delivery.error_code not in UNSENT


def _check_jobs(row: Video, tasks: list[dict[str, Any]]) -> None:
    """Each accepted job has one task in VOD, and each task has one job."""
    manual = sorted(task["id"] for task in tasks if task["trigger"] == "Manual")
    jobs = TranscodeJob.objects.filter(video=row)
    assert sorted(jobs.exclude(task_id="").values_list("task_id", flat=True)) == manual
    assert not jobs.filter(state=TranscodeJob.State.WAITING).exists()


def _check_nothing_new(machine: Machine) -> None:
    """Repeated events and a repeated sync change nothing."""
    before = _about_videos()
    tell_all(machine)
    machine.world.work_until_idle()
    after = _about_videos()
    changed = {
        name: [row for row in rows if row not in before[name]]
        for name, rows in after.items()
        if rows != before[name]
    }
    assert not changed, f"written once more: {changed}; it was {[before[name] for name in changed]}"


def _about_videos() -> dict[str, list[dict[str, Any]]]:
    """The facts and decisions, without the moments at which the worker asked."""
    rows = {name: rows for name, rows in dump().items() if name in KNOWN_AND_DECIDED}
    for video in rows["Video"]:
        del video["transcode_asked_at"]
    return rows
