"""The upload time separates decisions about this source from those about an earlier one."""

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


def replace_source() -> MediaFacts:
    """Write a video's first source. Returns the facts of its second, which are not written yet."""
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
def test_a_verdict_soon_after_an_upload_counts(
    told_first: float | None, told_then: float | None
) -> None:
    facts = replace_source()
    mirror.apply(read(facts, NOTICED, told_first))
    mirror.apply(read(facts, NOTICED + 2, told_then))
    mirror.apply(judged(facts, NOTICED + 10, UPLOADED_AGAIN + 5))
    video = video_of(facts)
    assert (video.source_version, video.censor_status) == (2, CensorStatus.SUCCESS)
    assert video.source_uploaded_at == after(UPLOADED_AGAIN)


def test_a_decision_is_imported_once_the_upload_time_is_known() -> None:
    facts = replace(replace_source(), status="Blocked")
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
        (NOTICED - 5, 50, "the reading may be about a source in between"),
        (NOTICED + 5, -10, "VOD still shows the first source's upload time"),
    ],
)
def test_an_estimate_is_not_corrected_by_another_sources_time(
    at: float, uploaded: float, why: str
) -> None:
    facts = replace_source()
    mirror.apply(read(facts, NOTICED))
    mirror.apply(read(facts, at, uploaded))
    assert video_of(facts).source_uploaded_at == after(NOTICED + 30), why


def test_the_estimate_of_a_first_source_is_corrected() -> None:
    facts = make_facts(read=60)
    mirror.apply(facts)
    assert video_of(facts).source_uploaded_at == after(90)
    mirror.apply(read(facts, 70, 50))
    video = video_of(facts)
    assert (video.source_version, video.source_uploaded_at) == (1, after(50))


def make_replaced_in_vod(vod: LocalVod, status: str) -> Video:
    """Make a video whose row shows an earlier source than VOD has."""
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
def test_a_sync_imports_the_decision_about_a_new_source(cloud: LocalVod, status: str) -> None:
    video = make_replaced_in_vod(cloud, status)
    cloud.audit_in_console(video.vod_id, "Blocked", "seen", auditor="Li")
    for _ in sync.walk(sync.resume_or_start(is_full=True)):
        pass
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (2, CensorStatus.FAIL)
    [decision] = video.decisions.all()
    assert (decision.source, decision.auditor, decision.source_version) == (Source.VOD, "Li", 2)


@working
def test_an_event_reads_the_upload_time_of_a_new_source(cloud: LocalVod) -> None:
    video = make_replaced_in_vod(cloud, "Normal")
    cloud.audit_in_console(video.vod_id, "Blocked", "seen", auditor="Li")
    receive_bodies([{"EventType": "VideoAnalysisComplete", "MediaId": video.vod_id}])
    work_until_idle(20)
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (2, CensorStatus.FAIL)
    assert video.source_uploaded_after is None, "read from VOD"
