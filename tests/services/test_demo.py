"""The demo's curation. A video's tags say what localvod does with it."""

import pytest

from recommendations import demo
from recommendations.models import Recommendation
from tests.factories import make_operator, make_video
from videos.models import ReasonTemplate, TranscodeJob, TranscodeKind, Video

pytestmark = pytest.mark.django_db


def test_curate_recommends_four_passed_videos() -> None:
    plain = [make_video() for _ in range(5)]
    special = make_video(tags="sea,narrowband:fail")
    for status in ("check", "fail"):
        make_video(censor_status=status)
    without_snapshots = make_video(snapshot_status="")
    transcode_fails = make_video(tags="transcode:fail")

    assert demo.curate(make_operator()) == 4

    listed = {item.video for item in Recommendation.objects.all()}
    assert special in listed
    assert listed - {special} <= set(plain)
    assert not listed & {without_snapshots, transcode_fails}
    jobs = TranscodeJob.objects
    assert {job.video for job in jobs.of_kind(TranscodeKind.NARROWBAND)} == listed
    assert jobs.of_kind(TranscodeKind.STANDARD).get().video == transcode_fails


def test_curating_twice_adds_nothing() -> None:
    for _ in range(4):
        make_video()
    demo.curate(None)
    before = (TranscodeJob.objects.count(), ReasonTemplate.objects.count())
    assert demo.curate(None) == 0
    assert (TranscodeJob.objects.count(), ReasonTemplate.objects.count()) == before


def test_every_reason_template_of_the_demo_fits_vods_limit() -> None:
    demo.curate(None)
    for template in ReasonTemplate.objects.all():
        template.full_clean()
    assert ReasonTemplate.objects.count() == len(demo.REASONS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("censor_status", "onCensor"),
        ("status", "Transcoding"),
        ("transcode_status", "onTranscode"),
        ("narrow_transcode_status", "onTranscode"),
        ("snapshot_status", "onSnapshot"),
    ],
)
def test_a_video_is_unsettled_while_vod_is_processing_it(field: str, value: str) -> None:
    video = make_video()
    Video.objects.filter(pk=video.pk).update(**{field: value})
    assert list(demo.unsettled()) == [video]
