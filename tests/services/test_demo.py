"""Seeding the demo. A video's tags say what localvod does with it, and that it is the demo's."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

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
    before = TranscodeJob.objects.count()
    assert demo.curate(None) == 0
    assert TranscodeJob.objects.count() == before


def test_the_reason_templates_come_before_the_first_clip() -> None:
    with pytest.raises(CommandError, match="Timed out waiting for the clips"):
        call_command("seed_demo", "--clips=1", "--timeout=0")
    templates = list(ReasonTemplate.objects.all())
    assert len(templates) >= 8
    for template in templates:
        template.full_clean()
        assert template.policy
        assert template.text_in("en") != template.text_in("zh-hans")
    assert [template.policy for template in templates if template.is_urgent] == ["minors"]


def test_templates_of_operators_stay_alone() -> None:
    ReasonTemplate.objects.create(text="Ours")
    assert demo.make_templates() == 0
    assert ReasonTemplate.objects.get().text == "Ours"


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


def test_seeding_waits_for_clips_that_are_not_there_yet() -> None:
    make_clip()
    with pytest.raises(CommandError, match="Timed out waiting for the clips"):
        call_command("seed_demo", "--clips=2", "--timeout=0")


def test_a_clip_is_ready_once_it_can_be_reviewed() -> None:
    make_clip("phone,upload:damaged", censor_status="check")
    make_clip(censor_status="onCensor")
    make_clip(censor_status="check", status="Transcoding", files=[], source_path="")
    assert demo.ready_count() == 0
    make_clip(censor_status="check")
    make_clip(censor_status="fail", status="Blocked")
    make_clip(censor_status="onCensor", deleted_at=timezone.now())
    assert demo.ready_count() == 3


def test_seeding_leaves_the_clips_of_others_alone(capsys: pytest.CaptureFixture[str]) -> None:
    make_clip(censor_status="fail")
    make_video()
    make_video(status="Uploading")
    make_video(censor_status="onCensor")
    call_command("seed_demo", "--timeout=0")
    assert "1 clips processed, 0 recommended.\n" in capsys.readouterr().out


def test_the_desk_hears_of_the_clips_until_seeding_ends(
    capsys: pytest.CaptureFixture[str], demo_folder: Path
) -> None:
    make_clip()
    demo.report(24, 7)
    assert demo.preparing() == "Preparing 24 demo clips, 7 done."
    with pytest.raises(CommandError):
        call_command("seed_demo", "--clips=2", "--timeout=0")
    assert demo.preparing() == ""
    assert "Preparing 2 demo clips, 1 done" in capsys.readouterr().err


def test_words_of_a_seeding_that_died_expire(
    monkeypatch: pytest.MonkeyPatch, demo_folder: Path
) -> None:
    monkeypatch.setattr(demo, "_EXPIRY_SECONDS", 0)
    demo.report(24, 7)
    assert demo.preparing() == ""


def test_a_console_that_is_no_demo_prepares_nothing() -> None:
    demo.report(24, 7)
    assert demo.preparing() == ""
    assert not demo.is_demo()
