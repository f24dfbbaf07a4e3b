"""The desk's pages of reconciliations: results and requests."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from tests.admin.conftest import Desk, DeskOf
from tests.factories import make_video
from videos.models import ReconcileRun

pytestmark = pytest.mark.django_db
State = ReconcileRun.State


def ended_run(**values: object) -> ReconcileRun:
    return ReconcileRun.objects.create(**{"state": State.DONE, **values})


def request_run(desk: Desk, **fields: str) -> str:
    response = desk.client.post(reverse("admin:videos_reconcilerun_request"), fields)
    assert response.status_code == 302, response.status_code
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_a_run_shows_counts_by_kind_and_links_its_videos(desk_of: DeskOf) -> None:
    video = make_video()
    run = ended_run(
        is_heal=True,
        counts={"review": {"found": 31, "healed": 24, "under_way": 5, "left": 2}},
        examples=[
            {
                "kind": "review", "vod_id": video.vod_id, "here": "fail", "there": "Normal",
                "outcome": "left", "note": "VOD has this decision, and shows another status.",
            },
        ],
        left_count=7,
    )  # fmt: skip
    page = desk_of("operator").page("videos_reconcilerun_change", run.pk)
    assert "compared and repaired" in page
    assert all(f">{count}<" in page for count in (31, 24, 5))
    assert "Here, not in VOD" in page, "kinds without drift are shown too"
    assert reverse("admin:videos_video_change", args=[video.pk]) in page
    assert "remaining: VOD has this decision, and shows another status." in page


def test_an_operator_requests_comparison_and_healing(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    assert "Compare and repair" in desk.page("videos_reconcilerun_changelist")
    assert "The worker starts within seconds." in request_run(desk)
    run = ReconcileRun.objects.get()
    assert (run.state, run.is_heal, run.requested_by) == (State.REQUESTED, False, desk.operator)
    assert "has been requested already" in request_run(desk, heal="1")
    run.delete()
    request_run(desk, heal="1")
    assert ReconcileRun.objects.get().is_heal


def test_a_get_request_starts_no_reconciliation(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    desk.client.get(reverse("admin:videos_reconcilerun_request"))
    assert not ReconcileRun.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "moderator", "curator"])
def test_other_roles_neither_see_nor_start_a_reconciliation(desk_of: DeskOf, role: str) -> None:
    run, desk = ended_run(), desk_of(role)
    assert desk.status("videos_reconcilerun_changelist") == 403
    assert desk.status("videos_reconcilerun_change", run.pk) == 403
    assert desk.client.post(reverse("admin:videos_reconcilerun_request")).status_code == 403
    assert not ReconcileRun.objects.filter(state=State.REQUESTED).exists()


def test_the_last_drift_is_on_the_first_page_and_in_the_inbox(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    ended_run(left_count=3, found_count=3)
    assert "3 remaining differences from VOD" in desk.page("index")
    assert "Differences from VOD" in desk.page("inbox")
    ended_run(state=State.FAILED, error="VOD is not available.")
    assert "Differences from VOD" in desk.page("inbox"), "after a failed comparison too"
    ended_run()
    assert "0 remaining differences from VOD" in desk.page("index")
    assert "Differences from VOD" not in desk.page("inbox")
