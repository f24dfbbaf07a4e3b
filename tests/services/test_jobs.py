"""Transcoding, deletion, prefetch and recommendation: rows and refusals."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from recommendations.models import Recommendation
from recommendations.services import Options, recommend_video, remove_recommendation
from shortvideo.errors import InvalidState
from shortvideo.outbox.models import Delivery
from tests.factories import make_operator, make_recommendation, make_video
from videos.models import (
    CdnTask,
    CensorStatus,
    ReviewTask,
    TaskCause,
    TranscodeJob,
    TranscodeKind,
    TranscodeStatus,
    Video,
    VideoDeletion,
)
from videos.services import delete_video, prefetch, submit_transcode

pytestmark = pytest.mark.django_db


def test_a_job_has_one_delivery_and_sets_only_its_own_status() -> None:
    video = make_video(transcode_status="success")
    job = submit_transcode(video, kind=TranscodeKind.NARROWBAND, operator=make_operator())
    video.refresh_from_db()
    assert (video.transcode_status, video.narrow_transcode_status) == ("success", "onTranscode")
    assert job.delivery is not None
    assert job.delivery.kind == "submit_transcode"
    assert job.template_group_id == "narrowband-template-group"
    assert job.previous_status == TranscodeStatus.NONE


def test_a_second_job_of_the_same_kind_is_refused_while_one_runs() -> None:
    video = make_video()
    submit_transcode(video, kind=TranscodeKind.STANDARD)
    with pytest.raises(InvalidState, match="is running"):
        submit_transcode(video, kind=TranscodeKind.STANDARD)
    assert TranscodeJob.objects.count() == 1
    submit_transcode(video, kind=TranscodeKind.NARROWBAND)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"censor_status": CensorStatus.FAIL}, "blocked video"),
        ({"status": "Uploading"}, "upload is not complete"),
    ],
)
def test_a_video_that_vod_would_not_transcode_is_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidState, match=message):
        submit_transcode(make_video(**values), kind=TranscodeKind.STANDARD)


def test_a_missing_template_group_is_named(settings: Settings) -> None:
    settings.VOD_NARROWBAND_TEMPLATE_GROUP_ID = ""
    with pytest.raises(InvalidState, match="Narrowband HD"):
        submit_transcode(make_video(), kind=TranscodeKind.NARROWBAND)


def test_a_deletion_is_sent_to_vod_before_the_purge() -> None:
    video = make_video(recommended=True)
    ReviewTask.objects.create(video=video, cause=TaskCause.NEW)
    deletion = delete_video(video, operator=make_operator(), request_id="r-2")
    assert deletion is not None
    assert not Video.objects.visible().exists()
    assert not Recommendation.objects.published().exists()
    assert not ReviewTask.objects.open().exists()
    purge = CdnTask.objects.get(kind=CdnTask.Kind.PURGE)
    assert purge.delivery is not None
    assert purge.delivery.after == deletion.delivery


def test_deleting_twice_adds_nothing() -> None:
    video = make_video()
    delete_video(video)
    assert delete_video(video) is None
    assert VideoDeletion.objects.count() == 1


def test_a_prefetch_drops_duplicates_and_takes_at_most_100_urls() -> None:
    task = prefetch(["media.example.com/a.mp4", "media.example.com/a.mp4", ""])
    assert task is not None
    assert task.urls == ["media.example.com/a.mp4"]
    with pytest.raises(ValueError, match="At most 100"):
        prefetch([f"media.example.com/{number}.mp4" for number in range(101)])
    assert prefetch([]) is None


def test_prefetches_without_a_video_do_not_wait_for_each_other() -> None:
    for name in "ab":
        prefetch([f"media.example.com/{name}.mp4"], request_id="r-1")
    assert len(set(Delivery.objects.values_list("subject", flat=True))) == 2


def test_media_on_other_hosts_are_neither_purged_nor_prefetched() -> None:
    video = make_video(cover="elsewhere.example.com/c.jpg", first_frame="f.example.com/f.jpg")
    recommend_video(video, options=Options(prefetch=True))
    assert CdnTask.objects.get().urls == [video.files[0]["path"]]
    delete_video(video)
    purge = CdnTask.objects.get(kind=CdnTask.Kind.PURGE)
    assert purge.urls == [*video.snapshots, video.source_path, video.files[0]["path"]]


@pytest.mark.parametrize("status", [CensorStatus.ON_CENSOR, CensorStatus.CHECK, CensorStatus.FAIL])
def test_only_a_passed_video_can_be_recommended(status: CensorStatus) -> None:
    with pytest.raises(InvalidState, match="passed review"):
        recommend_video(make_video(censor_status=status))


def test_recommending_again_updates_the_item_and_keeps_its_place() -> None:
    video = make_video()
    first = recommend_video(video, options=Options(overrides={"title": "Best of May"}))
    again = recommend_video(video, options=Options(overrides={"tags": "may"}))
    assert again.pk == first.pk
    assert again.recommended_at == first.recommended_at
    assert (again.title, again.tags) == ("Best of May", "may")


def test_a_value_equal_to_the_videos_own_is_no_override() -> None:
    video = make_video(title="Sunset")
    recommend_video(video, options=Options(overrides={"title": "Dawn"}))
    assert recommend_video(video, options=Options(overrides={"title": "Sunset"})).title == ""


def test_recommending_submits_narrowband_and_prefetches_media() -> None:
    video = make_video()
    recommend_video(video, options=Options(narrowband=True, prefetch=True))
    recommend_video(video, options=Options(narrowband=True))
    assert TranscodeJob.objects.get().kind == TranscodeKind.NARROWBAND
    assert CdnTask.objects.get().urls == [video.first_frame, video.cover, video.files[0]["path"]]


def test_a_recommendation_after_a_block_starts_from_scratch() -> None:
    item = make_recommendation(
        title="Best of May",
        title_search="best of may",
        cover="media.example.com/c.jpg",
        position=1,
        ends_at=timezone.now() + timedelta(days=1),
    )
    video = item.video
    Video.objects.filter(pk=video.pk).update(blocked_at=item.recommended_at)
    assert not Recommendation.objects.published().exists()
    anew = recommend_video(video, options=Options(overrides={"tags": "may"}))
    assert anew.recommended_at > item.recommended_at
    assert (anew.title, anew.title_search, anew.cover, anew.tags) == ("", "", "", "may")
    assert (anew.position, anew.starts_at, anew.ends_at) == (None, None, None)
    assert Recommendation.objects.published().exists()


def test_removing_clears_the_overrides_with_the_item() -> None:
    item = make_recommendation(title="Best of May")
    remove_recommendation(item, operator=make_operator("curator"))
    assert not Recommendation.objects.exists()
    assert recommend_video(item.video).title == ""
