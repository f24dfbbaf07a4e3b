"""Takedowns and evidence on the desk."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Operator
from shortvideo.outbox.models import Delivery, DeliveryState
from tests.admin.conftest import DeskOf
from tests.factories import make_video
from videos.models import CdnTask, Decision, Evidence, Source, Takedown, Video
from videos.services import DecisionInput, delete_video, review_video
from videos.services.takedown import resume_block_takedown

PAGE = "videos_video_change"
LIST = "videos_takedown_changelist"


def make_blocked(**values: Any) -> Video:
    video = make_video(**values)
    review_video(video, DecisionInput(Decision.BLOCKED, Source.API, reason="violence"))
    video.refresh_from_db()
    return video


def end_all(kind: str, state: DeliveryState, **values: Any) -> None:
    rows = Delivery.objects.filter(kind=kind)
    rows.update(state=state, finished_at=timezone.now(), **values)


def fail_takedown(video: Video) -> Takedown:
    """Leave the video's takedown as a refused block does."""
    end_all("create_audit", DeliveryState.GIVEN_UP, error_code="Forbidden", error="VOD refused it.",
        error_request_id="REQ-1")  # fmt: skip
    for kind in ("archive_evidence", "purge", "verify_takedown"):
        end_all(kind, DeliveryState.GIVEN_UP, error_code="PredecessorGivenUp", error="Not sent.")
    Takedown.objects.update(state=Takedown.State.FAILED, problem="VOD refused it.")
    return Takedown.objects.get(video=video)


def test_the_card_shows_each_step_with_its_state(desk_of: DeskOf) -> None:
    video = make_blocked()
    page = desk_of("viewer").page(PAGE, video.pk)
    for text in (
        "Takedown", "Hidden in the app", "Blocked in VOD", "Evidence kept", "Purged from the CDN",
        "Confirmed offline", "under way", "7 URLs.",
    ):  # fmt: skip
        assert text in page


def test_a_deletion_has_its_own_steps(desk_of: DeskOf) -> None:
    video = make_video()
    delete_video(video)
    page = desk_of("operator").page(PAGE, video.pk)
    assert "Deleted in VOD" in page
    assert "Evidence kept" not in page


def test_a_block_by_vod_says_so(desk_of: DeskOf) -> None:
    video = make_video()
    review_video(video, DecisionInput(Decision.BLOCKED, Source.VOD, auditor="Li", reason="r"))
    assert "VOD did so by itself." in desk_of("viewer").page(PAGE, video.pk)


def test_a_chain_sent_without_its_block_shows_the_refusal(desk_of: DeskOf) -> None:
    video = make_blocked()
    fail_takedown(video)
    with transaction.atomic():
        resume_block_takedown(video)
    page = desk_of("viewer").page(PAGE, video.pk)
    card = page[page.index('id="takedown"') : page.index('id="story"')]
    assert "VOD refused it." in card


def test_a_video_that_was_never_taken_down_has_no_card(desk_of: DeskOf) -> None:
    assert 'id="takedown"' not in desk_of("viewer").page(PAGE, make_video().pk)


def test_a_failed_step_shows_its_error_and_a_retry_button(desk_of: DeskOf) -> None:
    video = make_blocked()
    fail_takedown(video)
    page = desk_of("operator").page(PAGE, video.pk)
    card = page[page.index('id="takedown"') : page.index('id="story"')]
    for text in ("Forbidden", "VOD refused it.", "REQ-1", 'value="retry"'):
        assert text in card
    assert card.count('value="retry"') == 1  # retrying it retries its followers too
    viewer = desk_of("viewer").page(PAGE, video.pk)
    assert 'value="retry"' not in viewer


def test_takedowns_are_filtered_by_state_and_cause(desk_of: DeskOf) -> None:
    video = make_blocked(title="Refused")
    fail_takedown(video)
    make_blocked(title="Fine")
    desk = desk_of("operator")
    assert "Refused" in desk.page(LIST, state__exact="failed")
    assert "Fine" not in desk.page(LIST, state__exact="failed")
    assert "Fine" in desk.page(LIST, cause__exact="block")
    assert "Refused" in desk.page(LIST, attention="yes")
    failed = reverse("admin:videos_takedown_changelist", query={"attention": "yes"})
    assert failed in desk.page("index")


def assert_logged(takedown: Takedown, operator: Operator, action: str) -> None:
    line = LogEntry.objects.get(object_id=str(takedown.pk))
    assert (line.user_id, json.loads(line.change_message)["action"]) == (operator.pk, action)


def test_a_failed_takedown_is_retried_from_the_step_that_failed(desk_of: DeskOf) -> None:
    takedown = fail_takedown(make_blocked())
    desk = desk_of("operator")
    assert "1 of 1 resumed." in desk.do("retry", takedown)
    assert_logged(takedown, desk.operator, "retry")
    states = set(Delivery.objects.values_list("state", flat=True))
    assert states == {DeliveryState.WAITING}
    assert "None of its steps has failed." in str(desk.choose("retry", takedown).content.decode())


def test_a_failed_takedown_is_dismissed_and_stays_failed(desk_of: DeskOf) -> None:
    takedown = fail_takedown(make_blocked())
    desk = desk_of("operator")
    assert "1 of 1 dismissed." in desk.do("dismiss", takedown)
    assert_logged(takedown, desk.operator, "dismiss")
    takedown.refresh_from_db()
    assert takedown.state == Takedown.State.FAILED
    assert not Takedown.objects.needing_attention().exists()


def test_moderators_see_the_list_but_cannot_retry(desk_of: DeskOf) -> None:
    takedown = fail_takedown(make_blocked())
    desk = desk_of("moderator")
    assert 'value="retry"' not in desk.page(LIST)
    desk.choose("retry", takedown, confirmed="1")
    assert Delivery.objects.given_up().count() == 4


@pytest.fixture
def kept(settings: Settings, tmp_path: Path, db: None) -> Evidence:
    """The evidence of a blocked video: copies of its cover and of one of three snapshots."""
    evidence = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path)},
    }
    settings.STORAGES = {**settings.STORAGES, "evidence": evidence}
    video = make_blocked()
    paths = [video.cover, video.snapshots[1]]
    return Evidence.objects.create(
        video=video,
        source_version=1,
        facts={"title": "Clip"},
        files=[
            {"kind": "cover", "path": path, "name": storages["evidence"].save(
                f"{video.vod_id}/1/copy-{index}.png", ContentFile(b"pixels"))}
            for index, path in enumerate(paths)
        ],
    )  # fmt: skip


def copy_url(evidence: Evidence, index: int = 0) -> str:
    return reverse("admin:videos_evidence_copy", args=[evidence.pk, index])


def test_a_copy_is_served_to_reviewers_as_a_private_picture(
    desk_of: DeskOf, kept: Evidence
) -> None:
    response = desk_of("moderator").client.get(copy_url(kept))
    assert response.status_code == 200
    assert response.getvalue() == b"pixels"
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, max-age=600"


@pytest.mark.parametrize("role", ["viewer", "curator"])
def test_a_copy_is_refused_to_roles_that_may_not_review(
    desk_of: DeskOf, kept: Evidence, role: str
) -> None:
    assert desk_of(role).client.get(copy_url(kept)).status_code == 403


def test_a_missing_copy_is_not_found(desk_of: DeskOf, kept: Evidence) -> None:
    client = desk_of("moderator").client
    assert client.get(copy_url(kept, 2)).status_code == 404
    storages["evidence"].delete(kept.files[0]["name"])
    assert client.get(copy_url(kept)).status_code == 404
    kept.files[1]["name"] = "../../secret.png"
    kept.save()
    assert client.get(copy_url(kept, 1)).status_code in (400, 404)
    kept.files[1]["name"] = "page.html"
    kept.save()
    assert client.get(copy_url(kept, 1)).status_code == 404


def test_snapshots_of_a_blocked_video_come_from_the_copies(desk_of: DeskOf, kept: Evidence) -> None:
    page = desk_of("moderator").page(PAGE, kept.video.pk)
    strip = page[page.index('id="snapshots"') :]
    assert copy_url(kept, 1) in strip
    assert "00001.jpg" in strip
    assert copy_url(kept, 1) not in desk_of("viewer").page(PAGE, kept.video.pk)


def test_the_thumbnail_is_the_copy_or_else_the_cdn_picture(desk_of: DeskOf, kept: Evidence) -> None:
    other = make_blocked(title="Without copies")
    for name in ("videos_video_changelist", "videos_takedown_changelist"):
        page = desk_of("moderator").page(name)
        assert f'src="{copy_url(kept)}"' in page
        assert f"media.example.com/{other.vod_id}/cover.jpg" in page


@pytest.mark.parametrize("name", ["videos_video", "videos_takedown", "videos_evidence"])
def test_a_list_loads_the_copies_of_all_its_rows_at_once(
    desk_of: DeskOf, kept: Evidence, name: str, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        Evidence.objects.create(video=make_blocked(), source_version=1)
    desk = desk_of("operator")
    with django_assert_max_num_queries(18):
        desk.page(f"{name}_changelist")


def test_the_list_of_evidence_is_for_reviewers(desk_of: DeskOf, kept: Evidence) -> None:
    assert kept.video.vod_id in desk_of("moderator").page("videos_evidence_changelist")
    assert desk_of("viewer").status("videos_evidence_changelist") == 403


def test_a_running_purge_shows_as_running(desk_of: DeskOf) -> None:
    video = make_blocked()
    for kind in ("create_audit", "archive_evidence", "purge"):
        end_all(kind, DeliveryState.DONE)
    CdnTask.objects.update(state=CdnTask.State.SUBMITTED)
    page = desk_of("viewer").page(PAGE, video.pk)
    card = page[page.index('id="takedown"') : page.index('id="story"')]
    assert "running" in card


def verify_takedown(video: Video) -> None:
    Takedown.objects.filter(video=video).update(
        state=Takedown.State.VERIFIED, verified_at=timezone.now()
    )


def test_a_purged_picture_without_a_copy_is_a_mark(desk_of: DeskOf, kept: Evidence) -> None:
    other = make_blocked(title="Without copies")
    for video in (kept.video, other):
        verify_takedown(video)
    desk = desk_of("moderator")
    for name in ("videos_video_changelist", "videos_takedown_changelist"):
        page = desk.page(name)
        assert f'src="{copy_url(kept)}"' in page
        assert f"media.example.com/{other.vod_id}/" not in page
        assert '<span class="thumb-gone">Gone, no copy</span>' in page
    page = desk.page(PAGE, kept.video.pk)
    strip = page[page.index('id="snapshots"') : page.index('id="takedown"')]
    assert copy_url(kept, 1) in strip
    assert strip.count("Gone, no copy</span>") == len(kept.video.snapshots) - 1
    assert f'poster="{copy_url(kept)}"' in page
    for role, pk, hidden_count in (("viewer", kept.video.pk, 1), ("moderator", other.pk, 0)):
        page = desk_of(role).page(PAGE, pk)
        assert "poster=" not in page
        strip = page[page.index('id="snapshots"') : page.index('id="takedown"')]
        assert "<img" not in strip
        assert strip.count("Copy not shown</span>") == hidden_count
        assert strip.count("Gone, no copy</span>") == len(kept.video.snapshots) - hidden_count


def test_a_copy_that_does_not_load_is_not_called_gone(desk_of: DeskOf, kept: Evidence) -> None:
    """A viewer's browser gets 403 for it."""
    verify_takedown(kept.video)
    viewer = desk_of("viewer")
    assert viewer.client.get(copy_url(kept)).status_code == 403
    page = viewer.page("videos_video_changelist")
    assert f'data-gone="Copy not shown"><img src="{copy_url(kept)}"' in page
    assert "Gone, no copy" not in page


def test_a_lost_copy_is_gone(desk_of: DeskOf, kept: Evidence) -> None:
    verify_takedown(kept.video)
    kept.files = [{**file, "is_lost": True} for file in kept.files]
    kept.save()
    page = desk_of("moderator").page("videos_video_changelist")
    assert '<span class="thumb-gone">Gone, no copy</span>' in page
    assert copy_url(kept) not in page
    assert "no copy" in desk_of("moderator").page("videos_evidence_changelist")


def test_another_copy_stands_for_a_cover_without_one(desk_of: DeskOf, kept: Evidence) -> None:
    kept.files = kept.files[1:]
    kept.save()
    verify_takedown(kept.video)
    assert f'src="{copy_url(kept)}"' in desk_of("moderator").page("videos_video_changelist")


def test_a_deleted_clip_without_evidence_has_a_mark(desk_of: DeskOf) -> None:
    video = make_video()
    delete_video(video)
    verify_takedown(video)
    page = desk_of("operator").page("videos_video_changelist", deleted="yes")
    assert "Gone, no copy" in page
    assert f"media.example.com/{video.vod_id}/" not in page


@pytest.fixture
def incomplete(kept: Evidence) -> Evidence:
    kept.problem, kept.attention_at = "1 of 3 pictures could not be copied.", timezone.now()
    kept.save()
    end_all("archive_evidence", DeliveryState.DONE)
    return kept


def test_incomplete_evidence_is_archived_again(desk_of: DeskOf, incomplete: Evidence) -> None:
    desk = desk_of("operator")
    url = reverse("admin:videos_evidence_changelist", query={"attention": "yes"})
    assert "Incomplete evidence" in desk.page("index")
    assert url.replace("&", "&amp;") in desk.page("index")
    card = desk.page(PAGE, incomplete.video.pk)
    assert 'value="archive_again"' in card
    assert 'value="archive_again"' not in desk_of("moderator").page(PAGE, incomplete.video.pk)
    assert "1 of 1 will be archived again." in desk.do("archive_again", incomplete)
    line = LogEntry.objects.get(object_id=str(incomplete.pk))
    assert json.loads(line.change_message)["action"] == "archive again"
    assert Delivery.objects.open().filter(kind="archive_evidence").count() == 1
    report = desk.choose("archive_again", incomplete).content.decode()
    assert "It is being archived already." in report


def test_incomplete_evidence_is_dismissed(desk_of: DeskOf, incomplete: Evidence) -> None:
    assert "1 of 1 dismissed." in desk_of("operator").do("dismiss", incomplete)
    assert not Evidence.objects.needing_attention().exists()


def test_evidence_without_a_copy_is_not_shown_as_kept(desk_of: DeskOf) -> None:
    Evidence.objects.create(video=make_blocked(), source_version=1)
    page = desk_of("operator").page("videos_evidence_changelist")
    assert "no copy" in page


def test_the_card_counts_each_url_once(desk_of: DeskOf) -> None:
    video = make_blocked()
    task = CdnTask.objects.get()
    CdnTask.objects.create(
        kind=task.kind, urls=task.urls[:2], video=video, takedown=task.takedown,
        state=CdnTask.State.SUCCESS,
    )  # fmt: skip
    page = desk_of("viewer").page(PAGE, video.pk)
    assert "7 URLs. Purged more than once: 2." in page
