"""Seeding the demo. A video's tags say what localvod does with it, and that it is the demo's."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from recommendations import demo
from recommendations.models import Recommendation
from tests.factories import make_operator, make_video
from videos.models import ReasonTemplate, TranscodeJob, TranscodeKind, Video

pytestmark = pytest.mark.django_db


def make_clip(tags: str = "sea", **facts: Any) -> Video:
    return make_video(tags=f"{tags},localvod:demo", **facts)


def test_curate_recommends_four_passed_videos() -> None:
    plain = [make_clip() for _ in range(5)]
    special = make_clip("sea,narrowband:fail")
    for status in ("check", "fail"):
        make_clip(censor_status=status)
    without_snapshots = make_clip(snapshot_status="")
    transcode_fails = make_clip("transcode:fail")

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
        make_clip()
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
    video = make_clip()
    Video.objects.filter(pk=video.pk).update(**{field: value})
    assert list(demo.unsettled()) == [video]


def test_seeding_waits_for_the_demos_clips() -> None:
    make_clip(censor_status="onCensor")
    with pytest.raises(CommandError, match="Timed out waiting for the clips"):
        call_command("seed_demo", "--timeout=0")


def test_seeding_leaves_the_clips_of_others_alone(capsys: pytest.CaptureFixture[str]) -> None:
    make_clip(censor_status="fail")
    make_video()
    make_video(status="Uploading")
    make_video(censor_status="onCensor")
    call_command("seed_demo", "--timeout=0")
    assert capsys.readouterr().out == "1 clips processed, 0 recommended.\n"
