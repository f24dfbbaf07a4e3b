"""Operations on selected videos: the confirmation page, the service, the report."""

import pytest

from recommendations.models import Recommendation
from shortvideo.desk import operations as desk_operations
from tests.admin.conftest import DeskOf
from tests.factories import make_video
from videos.models import (
    CdnTask,
    CensorStatus,
    Decision,
    ReasonTemplate,
    ReviewDecision,
    Source,
    TranscodeJob,
    TranscodeKind,
    Video,
)
from videos.services import DecisionInput, review_video

LIST = "videos_video_changelist"
ACTIONS_OF_ROLES = {
    "viewer": set(),
    "moderator": {"approve", "block"},
    "curator": {"recommend"},
    "operator": {"approve", "block", "transcode", "transcode_narrowband", "recommend", "remove"},
}


@pytest.mark.parametrize("role", ACTIONS_OF_ROLES)
def test_a_role_is_offered_its_own_actions_only(desk_of: DeskOf, role: str) -> None:
    video = make_video()
    pages = desk_of(role).page(LIST) + desk_of(role).page("videos_video_change", video.pk)
    everything = ACTIONS_OF_ROLES["operator"]
    offered = {name for name in everything if f'value="{name}"' in pages}
    assert offered == ACTIONS_OF_ROLES[role]


@pytest.mark.parametrize("role", ["viewer", "curator"])
def test_an_action_without_its_permission_changes_nothing(desk_of: DeskOf, role: str) -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    desk_of(role).choose("approve", video, confirmed="1", comment="")
    assert not ReviewDecision.objects.exists()


def test_the_confirmation_page_counts_changes_and_refusals(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    waiting, passed = make_video(censor_status=CensorStatus.CHECK), make_video(title="Passed")
    review_video(passed, DecisionInput(Decision.NORMAL, Source.ADMIN, operator=desk.operator))
    page = desk.choose("approve", waiting, passed).content.decode()
    assert "Approve (1)" in page
    assert f"Approved by {desk.operator} (admin) on " in page
    assert ReviewDecision.objects.count() == 1  # nothing changes before the confirmation


def test_an_approval_reports_the_count_and_each_refusal(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    waiting = [make_video(censor_status=CensorStatus.CHECK) for _ in range(2)]
    passed = make_video(title="Passed")
    review_video(passed, DecisionInput(Decision.NORMAL, Source.ADMIN, operator=desk.operator))
    report = desk.do("approve", *waiting, passed, comment="looks fine")
    assert "2 of 3 approved." in report
    assert f"<strong><bdi>Passed</bdi></strong>: Approved by {desk.operator} (admin) on " in report
    review = ReviewDecision.objects.filter(video=waiting[0]).get()
    assert (review.operator, review.source, review.comment, review.decision) == (
        desk.operator, "admin", "looks fine", "Normal",
    )  # fmt: skip
    assert review.request_id
    assert review.delivery is not None


def test_a_moderator_can_approve_a_pass_by_machine_review(desk_of: DeskOf) -> None:
    assert "1 of 1 approved." in desk_of("moderator").do("approve", make_video(), comment="")


def test_a_reason_may_have_42_chinese_characters_but_not_43(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), make_video()
    refused = desk.confirm("block", video, reason="暴" * 43, comment="")
    assert "This is 129 bytes of UTF-8; at most 128 are allowed." in refused.content.decode()
    assert not ReviewDecision.objects.exists()
    assert "1 of 1 blocked." in desk.do("block", video, reason="暴" * 42, comment="")
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"reason": "", "comment": ""}, "This field is required."),
        ({"reason": "\u200b", "comment": ""}, "This field is required."),
        ({"reason": "violence", "comment": "x" * 481}, "This is 481 bytes of UTF-8"),
    ],
)
def test_a_block_needs_a_reason_and_a_short_comment(
    desk_of: DeskOf, fields: dict[str, str], sentence: str
) -> None:
    video = make_video()
    response = desk_of("moderator").confirm("block", video, **fields)
    assert sentence in response.content.decode()
    assert not ReviewDecision.objects.exists()


def test_a_line_ending_in_a_comment_counts_as_one_byte(desk_of: DeskOf) -> None:
    desk, comment = desk_of("moderator"), "\r\n".join(["x" * 239, "x" * 240])
    assert "blocked" in desk.do("block", make_video(), reason="violence", comment=comment)


def test_the_block_page_offers_the_active_reason_templates(desk_of: DeskOf) -> None:
    ReasonTemplate.objects.create(text="含有广告")
    ReasonTemplate.objects.create(text="Retired", is_active=False)
    page = desk_of("moderator").choose("block", make_video()).content.decode()
    assert 'data-text="含有广告"' in page
    assert "Retired" not in page
    assert 'data-max-bytes="128"' in page


@pytest.mark.parametrize(
    ("action", "kind"),
    [("transcode", TranscodeKind.STANDARD), ("transcode_narrowband", TranscodeKind.NARROWBAND)],
)
def test_transcoding_submits_jobs_and_reports_refusals(
    desk_of: DeskOf, action: str, kind: TranscodeKind
) -> None:
    desk = desk_of("operator")
    fit = make_video(transcode_status="", narrow_transcode_status="")
    blocked = make_video(title="Bad", censor_status=CensorStatus.FAIL)
    running = make_video(transcode_status="onTranscode", narrow_transcode_status="onTranscode")
    report = desk.do(action, fit, blocked, running)
    assert "1 of 3 submitted." in report
    assert "<strong><bdi>Bad</bdi></strong>: A blocked video cannot be transcoded." in report
    assert "is running" in report
    job = TranscodeJob.objects.get()
    assert (job.video, job.kind, job.requested_by) == (fit, kind, desk.operator)


def test_both_options_submit_a_job_and_a_prefetch(desk_of: DeskOf) -> None:
    desk, video = desk_of("curator"), make_video()
    report = desk.do("recommend", video, narrowband="on", prefetch="on")
    assert "1 of 1 recommended." in report
    assert Recommendation.objects.published().get().video == video
    assert TranscodeJob.objects.get().kind == TranscodeKind.NARROWBAND
    assert CdnTask.objects.get().kind == CdnTask.Kind.PREFETCH


def test_recommending_without_options_submits_nothing_else(desk_of: DeskOf) -> None:
    desk_of("curator").do("recommend", make_video())
    assert not TranscodeJob.objects.exists()
    assert not CdnTask.objects.exists()


def test_a_video_that_has_not_passed_is_not_recommended(desk_of: DeskOf) -> None:
    report = desk_of("curator").do("recommend", make_video(censor_status=CensorStatus.CHECK))
    assert "0 of 1 recommended." in report
    assert "awaiting review" in report
    assert not Recommendation.objects.exists()


def test_deleting_leaves_a_tombstone_and_one_deletion(desk_of: DeskOf) -> None:
    desk, video = desk_of("operator"), make_video()
    assert "1 of 1 deleted." in desk.do("remove", video)
    video.refresh_from_db()
    assert video.deleted_at is not None
    assert video.deletions.get().operator == desk.operator


def test_a_video_deleted_meanwhile_is_reported_and_unchanged(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    stays, gone = make_video(censor_status="check"), make_video(censor_status="check")
    desk.do("remove", gone)
    report = desk.do("approve", stays, gone, comment="")
    assert "1 of 1 approved." in report
    assert "1 row is no longer in this list" in report


def test_more_rows_than_the_limit_are_refused(
    desk_of: DeskOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_operations, "LIMIT", 2)
    videos = [make_video(censor_status="check") for _ in range(3)]
    assert "Select at most 2 rows." in desk_of("moderator").do("approve", *videos, comment="")
    assert Video.objects.filter(censor_status="check").count() == 3


def test_a_report_names_the_first_refusals_and_counts_the_rest(desk_of: DeskOf) -> None:
    videos = [make_video(censor_status="check") for _ in range(22)]
    report = desk_of("curator").do("recommend", *videos)
    assert report.count("<strong>") == 20
    assert "and 2 more" in report


def test_titles_are_escaped_in_reports(desk_of: DeskOf) -> None:
    video = make_video(title="<script>alert(1)</script>", censor_status="check")
    report = desk_of("curator").do("recommend", video)
    assert "&lt;script&gt;" in report
    assert "<script>" not in report


@pytest.mark.parametrize("elsewhere", ["https://evil.example.com/", "//evil.example.com"])
def test_the_redirect_never_leads_to_another_site(desk_of: DeskOf, elsewhere: str) -> None:
    response = desk_of("moderator").confirm("approve", make_video(), next=elsewhere)
    assert response["Location"] == "/admin/videos/video/"


def test_a_post_without_csrf_token_is_refused(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), make_video(censor_status="check")
    desk.client.handler.enforce_csrf_checks = True
    assert desk.choose("approve", video, confirmed="1", comment="").status_code == 403
    assert not ReviewDecision.objects.exists()


def test_djangos_own_delete_page_is_closed_even_to_superusers(desk_of: DeskOf) -> None:
    desk, video = desk_of("administrator", is_superuser=True), make_video()
    assert desk.status("videos_video_delete", video.pk) == 403
