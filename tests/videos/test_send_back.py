"""A clip that a moderator sends back to review is hidden here and unchanged in VOD."""

import pytest
from django.core.management import call_command

from tests.support.localvod import LocalVod
from tests.videos.reconciling import decide, found, reconcile, synced, work
from videos.models import CensorStatus, Decision, ReviewTask, Video

pytestmark = pytest.mark.django_db(transaction=True)


def sent_back(cloud: LocalVod, first: Decision) -> Video:
    video = synced(cloud, status=first.value)
    decide(video, first, reason="spam" if first == Decision.BLOCKED else "")
    work()
    decide(video, Decision.REVIEW, comment="Look again")
    return video


def status_of(video: Video) -> str:
    video.refresh_from_db()
    return str(video.censor_status)


@pytest.mark.parametrize("first", [Decision.NORMAL, Decision.BLOCKED])
def test_vod_keeps_its_status_and_nothing_is_drift(cloud: LocalVod, first: Decision) -> None:
    video = sent_back(cloud, first)
    audits = len(cloud.audits())
    assert ReviewTask.objects.open().get(video=video).cause == "recheck"
    work()
    assert len(cloud.audits()) == audits
    call_command("sync_videos", "--full", verbosity=0)
    assert found(reconcile("--heal")) == {}
    assert status_of(video) == CensorStatus.CHECK


def test_an_unsent_approval_is_never_sent(cloud: LocalVod) -> None:
    video = synced(cloud, status="Checking")
    decide(video, Decision.NORMAL)
    decide(video, Decision.REVIEW)
    work()
    assert cloud.audits() == []
    assert status_of(video) == CensorStatus.CHECK


def test_the_next_decision_goes_to_vod(cloud: LocalVod) -> None:
    video = sent_back(cloud, Decision.NORMAL)
    decide(video, Decision.NORMAL)
    work()
    assert status_of(video) == CensorStatus.SUCCESS
    assert not ReviewTask.objects.open().exists()
