"""A clip of the queue is on one page at a time."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.models import Operator
from shortvideo.errors import InvalidState, NeedsConfirmation
from tests.factories import make_operator, make_video
from videos.models import CensorStatus, Decision, ReviewClaim, ReviewTask, Source, Video
from videos.services import (
    DecisionInput,
    check_unclaimed,
    claim_clip,
    claim_clips,
    delete_video,
    end_claims,
    escalate_video,
    holder,
    renew_claims,
    review_video,
    undo_review,
)

pytestmark = pytest.mark.django_db
End = ReviewClaim.End


def make_pending(**values: Any) -> Video:
    video = make_video(censor_status=CensorStatus.CHECK, **values)
    ReviewTask.objects.create(video=video, cause="new")
    return video


def videos_of(claims: list[ReviewClaim]) -> list[int]:
    return [claim.video_id for claim in claims]


def expire(page: UUID) -> None:
    ReviewClaim.objects.of_page(page).update(lease_until=timezone.now() - timedelta(seconds=1))


def approve(video: Video, operator: Operator, claim: ReviewClaim | None = None) -> None:
    new = DecisionInput(Decision.NORMAL, Source.ADMIN, operator=operator)
    review_video(video, new, claim=claim)


def test_pages_get_different_clips_oldest_first() -> None:
    operator, videos = make_operator("moderator"), [make_pending() for _ in range(4)]
    first = claim_clips(operator, uuid4(), limit=3)
    second = claim_clips(operator, uuid4(), limit=3)
    assert videos_of(first) == [video.pk for video in videos[:3]]
    assert videos_of(second) == [videos[3].pk]
    assert claim_clips(make_operator("moderator"), uuid4(), limit=1) == []


def test_the_riskiest_clips_come_first_if_asked() -> None:
    videos = [make_pending() for _ in range(3)]
    ReviewTask.objects.filter(video=videos[2]).update(risk=90)
    ReviewTask.objects.filter(video=videos[1]).update(risk=60)
    claims = claim_clips(make_operator("moderator"), uuid4(), limit=3, order="riskiest")
    assert videos_of(claims) == [video.pk for video in videos[::-1]]


def test_a_claim_covers_all_tasks_of_a_clip() -> None:
    video = make_pending()
    ReviewTask.objects.create(video=video, cause="reported")
    assert videos_of(claim_clips(make_operator("moderator"), uuid4(), limit=3)) == [video.pk]
    assert claim_clips(make_operator("moderator"), uuid4(), limit=3) == []


def test_a_lease_that_is_over_frees_the_clip() -> None:
    video, page, late = make_pending(), uuid4(), uuid4()
    operator = make_operator("moderator")
    [claim] = claim_clips(operator, page, limit=1)
    assert timedelta(seconds=149) < claim.lease_until - timezone.now() <= timedelta(seconds=150)
    expire(page)
    assert holder(video) is None
    assert videos_of(claim_clips(make_operator("moderator"), late, limit=1)) == [video.pk]
    claim.refresh_from_db()
    assert (claim.end, claim.ended_at) == (End.EXPIRED, claim.lease_until)
    assert renew_claims(page, idle=timedelta()) == 0
    assert renew_claims(late, idle=timedelta()) == 1


def test_a_late_beat_keeps_a_clip_nobody_took() -> None:
    video, page = make_pending(), uuid4()
    claim_clips(make_operator("moderator"), page, limit=1)
    expire(page)
    assert renew_claims(page, idle=timedelta()) == 1
    assert holder(video) is not None


@pytest.mark.parametrize(("idle", "lease"), [(0, 150), (500, 100), (600, 0), (900, -300)])
def test_a_lease_ends_after_ten_idle_minutes(idle: int, lease: int) -> None:
    make_pending()
    page, before = uuid4(), timezone.now()
    claim_clips(make_operator("moderator"), page, limit=1)
    renew_claims(page, idle=timedelta(seconds=idle))
    left = ReviewClaim.objects.get().lease_until - before
    assert left.total_seconds() == pytest.approx(lease, abs=2)


def test_a_skipped_clip_goes_to_others() -> None:
    skipped, other = make_pending(), make_pending()
    operator, page = make_operator("moderator"), uuid4()
    [claim] = claim_clips(operator, page, limit=1)
    end_claims(ReviewClaim.objects.filter(pk=claim.pk), End.SKIPPED)
    assert videos_of(claim_clips(operator, page, limit=2)) == [other.pk]
    assert claim_clips(operator, page, limit=2, skipped_since=timezone.now()) != []
    end_claims(ReviewClaim.objects.of_page(page), End.LEFT)
    assert videos_of(claim_clips(make_operator("moderator"), uuid4(), limit=1)) == [skipped.pk]


@pytest.mark.parametrize("is_holder", [True, False])
def test_a_decision_ends_the_claim_and_is_named(is_holder: bool) -> None:
    video, page = make_pending(), uuid4()
    operator, colleague = make_operator("moderator"), make_operator("moderator")
    [claim] = claim_clips(operator, page, limit=1)
    approve(video, operator if is_holder else colleague, claim if is_holder else None)
    claim.refresh_from_db()
    assert claim.end == (End.DECIDED if is_holder else End.OVERTAKEN)
    assert claim.decision == video.decisions.get()
    assert claim.ended_at == claim.decision.created_at


def test_a_deletion_ends_the_claim() -> None:
    video, page = make_pending(), uuid4()
    claim_clips(make_operator("moderator"), page, limit=1)
    delete_video(video, operator=make_operator())
    assert ReviewClaim.objects.get().end == End.OVERTAKEN
    assert claim_clips(make_operator("moderator"), uuid4(), limit=1) == []


def test_a_second_page_learns_who_holds_the_clip() -> None:
    video, page = make_pending(), uuid4()
    operator = make_operator("moderator", username="Mei")
    [claim] = claim_clips(operator, page, limit=1)
    assert claim_clip(operator, page, video) == claim
    check_unclaimed(video, page=page)
    with pytest.raises(NeedsConfirmation, match="Mei is reviewing it since "):
        check_unclaimed(video, page=uuid4())
    with pytest.raises(NeedsConfirmation, match="Mei"):
        claim_clip(operator, uuid4(), video)


def test_an_undone_clip_returns_to_its_page(settings: object) -> None:
    settings.REVIEW_UNDO_SECONDS = 60  # type: ignore[attr-defined]
    video, page, operator = make_pending(), uuid4(), make_operator("moderator")
    [claim] = claim_clips(operator, page, limit=1)
    approve(video, operator, claim)
    undo_review(video.decisions.get(), operator=operator)
    again = claim_clip(operator, page, video)
    assert again.pk != claim.pk
    assert holder(video) == again


class TestEscalation:
    def test_only_the_addressee_gets_the_clip(self) -> None:
        video, lead = make_pending(), make_operator("moderator")
        operator = make_operator("moderator")
        claim_clips(operator, uuid4(), limit=1)
        escalate_video(video, operator=operator, note="Is this a weapon?", to=lead)
        assert ReviewClaim.objects.get().end == End.ESCALATED
        assert claim_clips(operator, uuid4(), limit=1) == []
        assert videos_of(claim_clips(lead, uuid4(), limit=1)) == [video.pk]
        assert video.notes.get().text == "Is this a weapon?"

    def test_a_role_and_a_second_escalation(self) -> None:
        video, operator = make_pending(), make_operator("moderator")
        lead = make_operator("administrator")
        escalate_video(video, operator=operator, note="?", to=lead)
        role = make_operator("operator").groups.get()
        escalate_video(video, operator=operator, note="?", to=role)
        task = ReviewTask.objects.get(cause="escalated")
        assert (task.for_operator, task.for_role) == (None, role)
        assert claim_clips(lead, uuid4(), limit=1) == []
        assert videos_of(claim_clips(make_operator("operator"), uuid4(), limit=1)) == [video.pk]

    def test_nobody_there_may_review(self) -> None:
        video, operator = make_pending(), make_operator("moderator")
        viewer = make_operator("viewer")
        with pytest.raises(InvalidState, match="Nobody there may review"):
            escalate_video(video, operator=operator, note="?", to=viewer)
        assert not video.notes.exists()

    def test_a_decision_ends_it(self) -> None:
        video, lead = make_pending(), make_operator("moderator")
        escalate_video(video, operator=make_operator("moderator"), note="?", to=lead)
        approve(video, lead)
        assert not ReviewTask.objects.open().exists()
