"""The page of one video."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryState
from tests.admin.conftest import DeskOf
from tests.factories import make_file, make_video
from videos.models import (
    CdnTask,
    CensorStatus,
    Decision,
    Evidence,
    MachineReview,
    ReviewClaim,
    ReviewDecision,
    ReviewNote,
    ReviewTask,
    Source,
    TranscodeJob,
    VideoDeletion,
)
from videos.services import DecisionInput, review_video

PAGE = "videos_video_change"
PLAYER = "data-player>"


def test_the_page_shows_player_snapshots_and_files(desk_of: DeskOf) -> None:
    small = make_file("media.example.com/small.mp4")
    narrow = make_file(
        "media.example.com/narrow.mp4", width=720, height=1280, bitrate=1250.0, size=2_097_152,
        is_narrowband=True,
    )  # fmt: skip
    stream = make_file("media.example.com/live.m3u8", format="m3u8", height=1920)
    page = desk_of("viewer").page(PAGE, make_video(files=[small, narrow, stream]).pk)
    assert 'src="http://media.example.com/narrow.mp4" data-player' in page
    shown = json.loads(page.split('id="player-sources"')[1].split(">", 1)[1].split("<")[0])
    assert [(each["url"].rpartition("/")[2], each["type"]) for each in shown] == [
        ("narrow.mp4", ""),
        ("small.mp4", ""),
        ("source.mp4", ""),
        ("live.m3u8", "application/vnd.apple.mpegurl"),
    ]
    for text in ("00003.jpg", "1,250 kbit/s", "2.0", "720×1280", "Narrowband HD 720p"):
        assert text in page


@pytest.mark.parametrize("status", [CensorStatus.CHECK, CensorStatus.FAIL])
@pytest.mark.parametrize(
    ("role", "plays"), [("viewer", False), ("curator", False), ("moderator", True)]
)
def test_unpublished_videos_play_only_for_permitted_roles(
    desk_of: DeskOf, status: CensorStatus, role: str, *, plays: bool
) -> None:
    video = make_video(censor_status=status, files=[])
    page = desk_of(role).page(PAGE, video.pk)
    assert (PLAYER in page) is plays
    assert ("source.mp4" in page) is plays


def test_urls_of_unpublished_videos_last_at_most_ten_minutes(
    desk_of: DeskOf, settings: Any
) -> None:
    settings.MEDIA_URL_AUTH_KEY = "KeyOfThePlayDomain1"
    settings.MEDIA_URL_TTL, settings.MEDIA_URL_AUTH_VALIDITY = 3600, 0
    pending = desk_of("moderator").page(PAGE, make_video(censor_status="check", files=[]).pk)
    passed = desk_of("moderator").page(PAGE, make_video(files=[]).pk)
    difference = signed_until(passed) - signed_until(pending)
    assert 2_900 <= difference <= 3_100


def signed_until(page: str) -> int:
    return int(page.split("source.mp4?auth_key=")[1].split("-", maxsplit=1)[0])


def test_machine_review_shows_labels_scores_and_moments(desk_of: DeskOf) -> None:
    video = make_video(censor_status="check")
    MachineReview.objects.create(
        video=video,
        source_version=1,
        suggestion="review",
        labels=["porn"],
        hits=[{"label": "porn", "score": 87.5, "timestamp_ms": 3005, "module": "porn"}],
    )
    page = desk_of("viewer").page(PAGE, video.pk)
    for text in ("needs human review", "porn", "87.5", 'data-seek="3005"', "0:03.0"):
        assert text in page


def test_a_hit_of_the_whole_video_has_no_moment(desk_of: DeskOf) -> None:
    video = make_video()
    MachineReview.objects.create(
        video=video, source_version=1, suggestion="block", hits=[{"label": "ad", "score": 60}]
    )
    assert "data-seek" not in desk_of("viewer").page(PAGE, video.pk)


def test_a_verdict_about_an_earlier_source_is_not_shown(desk_of: DeskOf) -> None:
    video = make_video(source_version=2)
    MachineReview.objects.create(video=video, source_version=1, suggestion="block")
    assert "No result for this version" in desk_of("viewer").page(PAGE, video.pk)


def test_the_story_shows_operator_source_and_reason(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator", username="mei"), make_video()
    desk.do("block", video, reason="violence", comment="at the end")
    page = desk.page(PAGE, video.pk)
    for text in ("Blocked by mei (admin).", "Reason: \u2068violence\u2069.", "at the end"):
        assert text in page


def test_approving_from_the_page_returns_to_the_page(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), make_video(censor_status="check")
    path = f"/admin/videos/video/{video.pk}/change/"
    response = desk.confirm("approve", video, next=path)
    assert response["Location"] == path
    assert ReviewDecision.objects.get().to_status == CensorStatus.SUCCESS


def test_deliveries_show_state_and_error_and_are_retried(desk_of: DeskOf) -> None:
    desk, video = desk_of("operator"), make_video()
    review = review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN))
    Delivery.objects.filter(review_decision=review).update(
        state=DeliveryState.GIVEN_UP,
        finished_at=timezone.now(),
        attempts=7,
        error_code="Throttling",
        error="Too many calls.",
    )
    page = desk.page(PAGE, video.pk)
    for text in ("create_audit", "Failed", "<td>7</td>", "Throttling", "Too many calls."):
        assert text in page
    assert 'value="retry"' in page
    assert review.delivery is not None
    desk.do("retry", review.delivery)
    review.delivery.refresh_from_db()
    assert review.delivery.state == DeliveryState.WAITING


def test_readings_show_among_the_deliveries_until_done(desk_of: DeskOf) -> None:
    desk, video = desk_of("operator"), make_video()
    with transaction.atomic():
        read = outbox.send("read_video", subject=video.vod_id)
    assert "read_video" in desk.page(PAGE, video.pk)
    Delivery.objects.filter(pk=read.pk).update(state=DeliveryState.DONE, finished_at=timezone.now())
    assert "read_video" not in desk.page(PAGE, video.pk)


def test_a_moderator_sees_no_deliveries_and_no_retry_button(desk_of: DeskOf) -> None:
    video = make_video()
    review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN))
    page = desk_of("moderator").page(PAGE, video.pk)
    assert "VOD calls" not in page
    assert 'value="retry"' not in page


def test_cdn_tasks_show_their_error(desk_of: DeskOf) -> None:
    video = make_video()
    CdnTask.objects.create(
        kind="purge", urls=["media.example.com/a"], video=video, state="fail",
        error_message="The CDN refused it.",
    )  # fmt: skip
    page = desk_of("viewer").page(PAGE, video.pk)
    assert "CDN purge, 1 URLs" in page
    assert "The CDN refused it." in page


def test_a_video_without_any_data_has_a_page(desk_of: DeskOf) -> None:
    video = make_video(
        title="", files=[], snapshots=[], cover="", first_frame="", source_path="", uploader=None,
        size=0,
    )  # fmt: skip
    page = desk_of("operator").page(PAGE, video.pk)
    for text in (
        "No file to play yet", "No snapshots.", "No transcoded files",
        "No calls for this video yet.",
    ):  # fmt: skip
        assert text in page


def test_an_unknown_video_redirects_to_the_desk(desk_of: DeskOf) -> None:
    assert desk_of("viewer").status(PAGE, 987_654) == 302


def test_posting_to_the_page_changes_nothing(desk_of: DeskOf) -> None:
    desk, video = desk_of("administrator", is_superuser=True), make_video(title="Before")
    desk.client.post(f"/admin/videos/video/{video.pk}/change/", {"title": "After"})
    video.refresh_from_db()
    assert video.title == "Before"


def test_the_page_of_a_clip_with_everything_takes_twelve_queries(
    desk_of: DeskOf, django_assert_max_num_queries: Any, settings: Any
) -> None:
    settings.REVIEW_UNDO_SECONDS = 60
    desk, video = desk_of("operator"), make_video(recommended=True)
    ReviewTask.objects.create(video=video, cause="escalated", for_operator=desk.operator)
    for number in range(8):
        decision = Decision.BLOCKED if number % 2 else Decision.NORMAL
        review_video(
            video, DecisionInput(decision, Source.ADMIN, operator=desk.operator, reason="r")
        )
    now, who = timezone.now(), desk.operator
    ReviewTask.objects.create(video=video, cause="reported")
    ReviewNote.objects.create(video=video, operator=who, text="Is it a toy?")
    lease = now + timedelta(minutes=1)
    ReviewClaim.objects.create(
        video=video, operator=who, page=uuid4(), shown_at=now, lease_until=lease
    )
    hit = {"label": "ad", "score": 91.5, "timestamp_ms": 1500, "module": "ad"}
    MachineReview.objects.create(video=video, source_version=1, suggestion="review", hits=[hit])
    Evidence.objects.create(video=video, source_version=1, facts={"title": "Clip"})
    for kind in ("standard", "narrowband"):
        TranscodeJob.objects.create(
            video=video, kind=kind, template_group_id="g", state="fail", requested_by=who,
            attention_at=now,
        )  # fmt: skip
    CdnTask.objects.create(kind="prefetch", urls=["media.example.com/a"], video=video, operator=who)
    VideoDeletion.objects.create(video=video, operator=who, state="fail")
    with django_assert_max_num_queries(12):
        page = desk.page(PAGE, video.pk)
    for text in (
        "Undo “blocked”", f"{who} is looking at it.", "Is it a toy?", "Escalated to",
        "Blocked by", "Approved by", "The AI suggests", "Transcoding, standard", "CDN prefetch",
        "Purged from the CDN", f"Deleted by {who}", 'value="retry"', "create_audit",
    ):  # fmt: skip
        assert text in page, text
