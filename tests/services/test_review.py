"""Decisions: the rows that `review_video` writes at once."""

from dataclasses import replace

import pytest

from recommendations.models import Recommendation
from shortvideo.errors import InvalidState, NeedsConfirmation
from shortvideo.outbox.models import Delivery
from tests.factories import make_operator, make_video
from videos.models import (
    CdnTask,
    CensorStatus,
    Decision,
    ReviewDecision,
    ReviewTask,
    Source,
    TaskCause,
    Video,
)
from videos.services import DecisionInput, Seen, Standing, delete_video, review_video

pytestmark = pytest.mark.django_db


def block(video: Video, **values: object) -> ReviewDecision:
    new = DecisionInput(Decision.BLOCKED, Source.API, reason="violence")
    return review_video(video, replace(new, **values))  # type: ignore[arg-type]  # a mix of types


def test_a_decision_is_logged_with_operator_reason_and_source() -> None:
    video, operator = make_video(censor_status=CensorStatus.CHECK), make_operator("moderator")
    review = block(video, operator=operator, comment="knife at 0:03", request_id="r-1")
    assert (review.operator, review.reason, review.comment) == (
        operator,
        "violence",
        "knife at 0:03",
    )
    assert (review.from_status, review.to_status) == (CensorStatus.CHECK, CensorStatus.FAIL)
    assert (review.source, review.request_id) == (Source.API, "r-1")


def test_a_block_ends_the_recommendation_and_precedes_the_purge() -> None:
    video = make_video(recommended=True)
    review = block(video)
    assert not Recommendation.objects.published().filter(video=video).exists()
    purge = CdnTask.objects.get(video=video, kind=CdnTask.Kind.PURGE)
    assert set(purge.urls) == {
        video.cover,
        video.first_frame,
        video.source_path,
        *video.snapshots,
        video.files[0]["path"],
    }
    assert purge.delivery is not None
    archive = purge.delivery.after
    assert archive is not None
    assert (archive.kind, archive.after) == ("archive_evidence", review.delivery)


def test_a_pass_after_a_block_restores_no_recommendation() -> None:
    video = make_video(recommended=True)
    block(video)
    review_video(video, DecisionInput(Decision.NORMAL, Source.API))
    assert not Recommendation.objects.published().filter(video=video).exists()


def test_repeating_the_standing_decision_adds_nothing() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    first = block(video)
    assert block(video) == first
    assert ReviewDecision.objects.count() == 1
    assert Delivery.objects.filter(kind="create_audit").count() == 1


def test_blocking_again_for_another_reason_is_a_new_decision() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    block(video)
    block(video, reason="spam")
    assert [review.reason for review in ReviewDecision.objects.order_by("id")] == [
        "violence",
        "spam",
    ]


def seen(video: Video) -> Seen:
    """What a page that is opened now shows."""
    video.refresh_from_db()
    return Standing.read(video).seen


def test_an_unseen_decision_is_not_replaced() -> None:
    video, other = make_video(censor_status=CensorStatus.CHECK), make_operator("moderator")
    before = seen(video)
    blocked = block(video, operator=other)
    approval = DecisionInput(Decision.NORMAL, Source.ADMIN, operator=make_operator("moderator"))
    with pytest.raises(
        NeedsConfirmation, match=f"Blocked by {other} .* Reason: \u2068violence\u2069"
    ):
        review_video(video, approval, seen=before)
    assert seen(video).decision_id == blocked.pk
    assert review_video(video, approval, seen=seen(video)).to_status == CensorStatus.SUCCESS


def test_a_file_that_the_decider_has_not_seen_is_not_decided() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    before = seen(video)
    Video.objects.filter(pk=video.pk).update(source_version=2)
    with pytest.raises(NeedsConfirmation, match="Another file was uploaded since you saw it"):
        review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN), seen=before)
    with pytest.raises(NeedsConfirmation, match="Another file was uploaded since you saw it"):
        delete_video(video, seen=before)
    assert not ReviewDecision.objects.exists()
    assert Video.objects.visible().exists()


def test_what_was_seen_survives_the_way_through_a_page() -> None:
    for text in ("0-1-check-0-0", "17-2-fail-20261201062514000123-4"):
        assert str(Seen.parse(text)) == text
    for text in (
        "",
        "x",
        "1-1",
        "1-1-fail",
        "-1-1-fail-0-0",
        "1-1-fail-0-0 x",
        "9" * 40 + "-1-fail-0-0",
    ):
        assert Seen.parse(text) == Seen()


def test_a_newer_decision_supersedes_an_unsent_one() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    first = block(video)
    second = review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN))
    states = dict(Delivery.objects.filter(kind="create_audit").values_list("id", "state"))
    assert states == {first.delivery_id: "superseded", second.delivery_id: "waiting"}


def test_a_machine_cannot_overrule_a_person() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    block(video)
    with pytest.raises(InvalidState, match="A person has decided"):
        review_video(video, DecisionInput(Decision.NORMAL, Source.MACHINE))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL


def test_a_machine_may_decide_about_a_new_source() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    block(video)
    Video.objects.filter(pk=video.pk).update(source_version=2)
    review = review_video(video, DecisionInput(Decision.NORMAL, Source.MACHINE))
    assert review.to_status == CensorStatus.SUCCESS


def test_a_decision_closes_the_open_tasks_of_the_video() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    ReviewTask.objects.create(video=video, cause=TaskCause.NEW)
    block(video)
    assert not ReviewTask.objects.open().exists()


@pytest.mark.parametrize(
    ("reason", "comment", "message"),
    [
        ("", "", "A reason is required"),
        (" \u200b", "", "A reason is required"),
        ("敏" * 43, "", "128 bytes"),
        ("spam", "x" * 481, "480 bytes"),
    ],
)
def test_texts_that_vod_would_refuse_are_refused_and_not_written(
    reason: str, comment: str, message: str
) -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    with pytest.raises(ValueError, match=message):
        block(video, reason=reason, comment=comment)
    assert not ReviewDecision.objects.exists()
    assert not Delivery.objects.exists()


def test_42_chinese_characters_are_a_reason() -> None:
    assert block(make_video(), reason="敏" * 42).reason == "敏" * 42


def test_a_decision_made_in_vods_console_is_not_sent_to_vod() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    review = block(video, source=Source.VOD, auditor="auditor@example.com", reason="x" * 200)
    assert review.delivery is None
    assert not Delivery.objects.filter(kind="create_audit").exists()


def test_a_deleted_video_takes_no_decision() -> None:
    video = make_video()
    delete_video(video)
    with pytest.raises(Video.DoesNotExist):
        block(video)
