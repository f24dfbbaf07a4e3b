"""A person's decision stands against the machine's verdict, in any order of arrival."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shortvideo.cloud import vod_gateway
from shortvideo.cloud.types import MachineJob
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from tests.videos.support import after, audit, follow, make_facts, verdict, video_of
from videos import mirror, sync
from videos.mirror import Reading, asking
from videos.mirror.asking import ReadRequest
from videos.models import CensorStatus, Decision, ReviewTask, Source, Video
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db
working = pytest.mark.django_db(transaction=True)  # a worker has connections of its own

PASSED, BLOCKED = CensorStatus.SUCCESS, CensorStatus.FAIL
STATUS = {Decision.NORMAL: PASSED, Decision.BLOCKED: BLOCKED}
OPPOSITE = {Decision.NORMAL: "block", Decision.BLOCKED: "pass"}


def decide(video: Video, decision: Decision) -> None:
    reason = "violence" if decision == Decision.BLOCKED else ""
    review_video(video, DecisionInput(decision, Source.ADMIN, reason=reason))


# Each order once, alternately with a pass and a block of the person.
ORDERS = list(
    zip(
        itertools.cycle((Decision.NORMAL, Decision.BLOCKED)),
        itertools.permutations(range(3)),
        strict=False,
    )
)


@working
@pytest.mark.parametrize(("decision", "order"), ORDERS)
def test_a_persons_decision_stands_in_any_order_of_arrival(
    eventful: LocalVod, decision: Decision, order: tuple[int, ...]
) -> None:
    """Over HTTP. In the end VOD shows the person's decision too."""
    vod_id = eventful.seed(status="Checking", verdict=OPPOSITE[decision], announce=True)
    follow(eventful, "FileUploadComplete")
    video = Video.objects.get(vod_id=vod_id)
    steps: list[Callable[[], object]] = [
        lambda: follow(eventful, "AIMediaAuditComplete"),
        lambda: list(sync.sync_ids([vod_id])),
        lambda: decide(video, decision),
    ]
    for index in order:
        steps[index]()
    follow(eventful)  # all events, also the one about our own decision
    list(sync.sync_ids([vod_id]))
    work_until_idle(20)
    video.refresh_from_db()
    assert video.censor_status == STATUS[decision]
    assert eventful.state(vod_id)["video"]["status"] == decision.value
    human = video.decisions.get(source=Source.ADMIN)
    assert video.decisions.filter(pk__gt=human.pk).count() == 0, "nothing overruled the person"
    assert not ReviewTask.objects.open().exists()


@pytest.mark.parametrize("decision", [Decision.NORMAL, Decision.BLOCKED])
def test_a_machine_review_that_fails_later_opens_no_task(decision: Decision) -> None:
    told = Reading(make_facts(), source_uploaded_at=after(10))
    mirror.apply(told)
    video = video_of(told.facts)
    decide(video, decision)
    failed = MachineJob("j-1", told.facts.vod_id, "fail", code="InternalError", message="Broken.")
    mirror.apply(replace(told, facts=replace(told.facts, read_at=after(100)), machine=failed))
    video.refresh_from_db()
    assert video.censor_status == STATUS[decision]
    assert video.machine_reviews.get().error_code == "InternalError", "kept, and shown"
    assert not ReviewTask.objects.open().exists()


@working
def test_a_persons_pass_overrules_a_machines_block_in_vod(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Blocked")
    video = make_video(vod_id=vod_id, status="Checking", censor_status=CensorStatus.CHECK)
    decide(video, Decision.NORMAL)
    list(sync.sync_ids([vod_id]))
    video.refresh_from_db()
    assert video.censor_status == PASSED
    work_until_idle(20)
    assert cloud.state(vod_id)["video"]["status"] == "Normal"


def test_a_decision_in_vods_console_stands_against_a_verdict() -> None:
    told = Reading(make_facts(status="Checking"), source_uploaded_at=after(10))
    mirror.apply(told)
    video = video_of(told.facts)
    blocked = replace(told.facts, read_at=after(100), status="Blocked")
    mirror.apply(Reading(blocked, audits=(audit("Blocked", after(90), auditor="Li"),)))
    later = replace(told.facts, read_at=after(200), status="Blocked")
    mirror.apply(Reading(later, machine=verdict("pass")))
    video.refresh_from_db()
    assert video.censor_status == BLOCKED
    [decision] = video.decisions.all()
    assert (decision.source, decision.auditor, decision.is_human) == (Source.VOD, "Li", True)


@working
@pytest.mark.parametrize("decision", [Decision.NORMAL, Decision.BLOCKED])
def test_a_verdict_after_a_first_import_keeps_vods_decision(
    eventful: LocalVod, decision: Decision
) -> None:
    """The history is not read in a first import, only before a machine would overrule it."""
    vod_id = eventful.seed(status="Checking", verdict=OPPOSITE[decision])
    eventful.idle()
    eventful.audit_in_console(vod_id, decision.value, "seen", auditor="Li")
    for _ in sync.walk(sync.resume_or_start(is_full=True)):
        pass
    video = Video.objects.get(vod_id=vod_id)
    assert (video.censor_status, video.decisions.count()) == (STATUS[decision], 0)
    follow(eventful, "AIMediaAuditComplete")
    video.refresh_from_db()
    assert video.censor_status == STATUS[decision]
    assert (video.blocked_at is None) is (decision == Decision.NORMAL)
    assert list(video.decisions.values_list("source", "auditor")) == [(Source.VOD, "Li")]
    assert video.machine_reviews.get().suggestion == OPPOSITE[decision], "kept, and shown"
    assert eventful.audits() == []
    assert eventful.state(vod_id)["video"]["status"] == decision.value


@working
def test_decisions_about_an_earlier_source_are_not_read(
    cloud: LocalVod,
) -> None:
    """Also if another source replaced it before the first reading."""
    vod_id = cloud.seed(status="Checking", creation_time="2020-01-01T00:00:00Z")
    cloud.audit_in_console(vod_id, "Normal", "seen", auditor="Li")
    facts, _ = asking.fetch_facts([vod_id])
    earlier = asking.fetch_reading(facts[vod_id], None, ReadRequest(audits=True))
    assert [entry.auditor for entry in earlier.audits or ()] == ["Li"]
    later = (earlier.audits or ())[0].created_at + timedelta(seconds=1)
    assert asking._fetch_history(vod_gateway(), vod_id, later) == ()
