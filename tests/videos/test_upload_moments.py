"""By the moment of an upload, what is about it is told from what is about an earlier source."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from shortvideo.cloud.types import MachineJob, MediaFacts
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from tests.videos.support import after, audit, make_facts, receive_bodies, verdict, video_of
from videos import mirror, sync
from videos.mirror import Reading
from videos.models import CensorStatus, Source, Video

pytestmark = pytest.mark.django_db
working = pytest.mark.django_db(transaction=True)  # a worker has connections of its own

UPLOADED_AGAIN = 100
NOTICED = 110


def replaced_clip() -> MediaFacts:
    """The facts of a clip's second source, of which nothing has been written yet."""
    first = make_facts(status="Checking", read=0)
    mirror.apply(Reading(first, source_uploaded_at=after(-10)))
    return replace(first, size=2_000)


def read(facts: MediaFacts, at: float, uploaded: float | None = None) -> Reading:
    moment = None if uploaded is None else after(uploaded)
    return Reading(replace(facts, read_at=after(at)), source_uploaded_at=moment)


def judged(facts: MediaFacts, at: float, created: float) -> Reading:
    job = MachineJob(
        "j-2", facts.vod_id, "success", result=verdict("pass"), created_at=after(created)
    )
    return Reading(replace(facts, read_at=after(at)), machine=job)


@pytest.mark.parametrize(
    ("told_first", "told_then"), [(UPLOADED_AGAIN, None), (None, UPLOADED_AGAIN)]
)
def test_a_verdict_soon_after_an_upload_counts_whatever_was_heard_of_it_first(
    told_first: float | None, told_then: float | None
) -> None:
    facts = replaced_clip()
    mirror.apply(read(facts, NOTICED, told_first))
    mirror.apply(read(facts, NOTICED + 2, told_then))
    mirror.apply(judged(facts, NOTICED + 10, UPLOADED_AGAIN + 5))
    video = video_of(facts)
    assert (video.source_version, video.censor_status) == (2, CensorStatus.SUCCESS)
    assert video.source_uploaded_at == after(UPLOADED_AGAIN)


def test_a_decision_that_an_estimate_had_left_out_is_brought_in_with_the_true_moment() -> None:
    facts = replace(replaced_clip(), status="Blocked")
    history = (audit("Blocked", after(UPLOADED_AGAIN + 5), auditor="Li"),)
    mirror.apply(replace(read(facts, NOTICED), audits=history))
    video = video_of(facts)
    assert (video.decisions.count(), video.source_uploaded_at) == (0, after(NOTICED + 30))
    mirror.apply(replace(read(facts, NOTICED + 60, UPLOADED_AGAIN), audits=history))
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (2, CensorStatus.FAIL)
    assert [decision.auditor for decision in video.decisions.all()] == ["Li"]


@pytest.mark.parametrize(
    ("at", "uploaded", "why"),
    [
        (NOTICED - 5, 50, "the read may be about a source in between"),
        (NOTICED + 5, -10, "VOD has not moved the moment with the upload"),
    ],
)
def test_an_estimate_is_corrected_by_what_vod_says_of_this_source_alone(
    at: float, uploaded: float, why: str
) -> None:
    facts = replaced_clip()
    mirror.apply(read(facts, NOTICED))
    mirror.apply(read(facts, at, uploaded))
    assert video_of(facts).source_uploaded_at == after(NOTICED + 30), why


def test_the_moment_of_a_first_source_is_corrected_too() -> None:
    facts = make_facts(read=60)
    mirror.apply(facts)
    assert video_of(facts).source_uploaded_at == after(90)
    mirror.apply(read(facts, 70, 50))
    video = video_of(facts)
    assert (video.source_version, video.source_uploaded_at) == (1, after(50))


def replaced_in_vod(vod: LocalVod, status: str) -> Video:
    """A clip whose row is about an earlier source that VOD has no more."""
    vod_id = vod.seed(status="Checking", size=2_000)
    return make_video(
        vod_id=vod_id,
        status=status,
        size=1_000,
        censor_status=CensorStatus.FAIL if status == "Blocked" else CensorStatus.SUCCESS,
        source_uploaded_at=timezone.now() - timedelta(days=400),
        creation_time=datetime(2020, 1, 1, tzinfo=UTC),
    )


@working
@pytest.mark.parametrize("status", ["Normal", "Blocked"])
def test_a_sync_that_notices_another_source_brings_what_was_decided_about_it(
    cloud: LocalVod, status: str
) -> None:
    video = replaced_in_vod(cloud, status)
    cloud.audit_in_console(video.vod_id, "Blocked", "seen", auditor="Li")
    for _ in sync.walk(sync.resume_or_start(is_full=True)):
        pass
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (2, CensorStatus.FAIL)
    [decision] = video.decisions.all()
    assert (decision.source, decision.auditor, decision.source_version) == (Source.VOD, "Li", 2)


@working
def test_an_event_that_notices_another_source_asks_when_it_was_uploaded(cloud: LocalVod) -> None:
    video = replaced_in_vod(cloud, "Normal")
    cloud.audit_in_console(video.vod_id, "Blocked", "seen", auditor="Li")
    receive_bodies([{"EventType": "VideoAnalysisComplete", "MediaId": video.vod_id}])
    work_until_idle(20)
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (2, CensorStatus.FAIL)
    assert video.source_uploaded_after is None, "VOD has said it"
