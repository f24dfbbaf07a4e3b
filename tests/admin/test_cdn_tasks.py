"""CDN tasks on the desk: remaining quotas, failed tasks and submitting them again."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from shortvideo.desk.inbox import Inbox
from tests.admin.conftest import DeskOf
from tests.factories import make_video
from videos.models import CdnQuota, CdnTask

pytestmark = pytest.mark.django_db


def make_quota(**values: Any) -> CdnQuota:
    given = {"prefetch_limit": 1000, "prefetch_left": 380, "purge_limit": 10_000, "purge_left": 9}
    quota, _ = CdnQuota.objects.update_or_create(
        pk=CdnQuota.ONLY, defaults={**given, "read_at": timezone.now(), **values}
    )
    return quota


def make_cdn_task(kind: str = "prefetch", **values: Any) -> CdnTask:
    return CdnTask.objects.create(
        **{"kind": kind, "urls": ["media.example.com/a.mp4"], "state": "waiting", **values}
    )


def make_failed_task(**values: Any) -> CdnTask:
    now = timezone.now()
    return make_cdn_task(
        **{
            "state": "fail",
            "attention_at": now,
            "finished_at": now,
            "error_message": "1 of 1 URLs failed",
            **values,
        }
    )


@pytest.mark.parametrize("page", ["index", "videos_cdntask_changelist"])
def test_the_remaining_quota_is_shown(desk_of: DeskOf, page: str) -> None:
    desk = desk_of("operator")
    assert "not known yet" in desk.page(page)
    quota = make_quota()
    shown = desk.page(page)
    assert "Prefetch today: 380 of 1,000 left" in shown
    assert f"as of {timezone.localtime(quota.read_at):%H:%M}" in shown
    assert "from an earlier day" not in shown


def test_a_quota_read_yesterday_is_marked_as_old(desk_of: DeskOf) -> None:
    make_quota(read_at=timezone.now() - timedelta(days=1), purge_left=0)
    page = desk_of("viewer").page("videos_cdntask_changelist")
    assert "from an earlier day" in page
    assert "purge quota is used up" not in page


@pytest.mark.parametrize("page", ["index", "videos_cdntask_changelist"])
def test_purges_without_quota_are_shown_prominently(desk_of: DeskOf, page: str) -> None:
    make_quota(purge_left=0)
    make_cdn_task("purge")
    desk = desk_of("operator")
    assert "could not be sent yet" not in desk.page(page)
    make_cdn_task("purge", error_message="CDN refused RefreshObjectCaches: QuotaExceeded.Refresh.")
    shown = desk.page(page)
    assert "today's purge quota is used up" in shown.replace("&#x27;", "'")
    assert "1 purge could not be sent yet" in shown


def test_failed_prefetches_are_submitted_again_from_the_list(desk_of: DeskOf) -> None:
    failed, done = make_failed_task(), make_cdn_task(state="success")
    desk = desk_of("curator")
    assert {line.concern.name: line.count for line in Inbox(desk.operator)}["prefetches"] == 1
    assert "1 of 1 URLs failed" in desk.page("videos_cdntask_changelist", attention="yes")
    report = desk.do("prefetch_again", failed, done)
    assert "1 of 2 submitted again." in report
    again = CdnTask.objects.latest("id")
    assert (again.urls, again.state, again.operator) == (failed.urls, "waiting", desk.operator)
    failed.refresh_from_db()
    assert failed.attention_at is None


def test_a_prefetch_of_a_blocked_video_is_not_submitted_again(desk_of: DeskOf) -> None:
    task = make_failed_task(video=make_video(censor_status="fail"))
    report = desk_of("curator").do("prefetch_again", task)
    assert "Its video was blocked or deleted in the meantime." in report
    assert CdnTask.objects.count() == 1


def test_a_failed_prefetch_may_be_dismissed(desk_of: DeskOf) -> None:
    failed, waiting = make_failed_task(), make_cdn_task()
    report = desk_of("curator").do("dismiss", failed, waiting)
    assert "1 of 2 dismissed." in report
    assert not CdnTask.objects.needing_attention().exists()


def test_failed_purges_are_for_roles_that_manage_takedowns(desk_of: DeskOf) -> None:
    purge = make_failed_task(kind="purge", video=make_video())
    curator, operator = desk_of("curator"), desk_of("operator")
    assert "purges" not in {line.concern.name for line in Inbox(curator.operator)}
    lines = {line.concern.name: line.count for line in Inbox(operator.operator)}
    assert (lines["prefetches"], lines["purges"]) == (0, 1)
    assert "Your role does not allow this for a purge." in curator.do("dismiss", purge)
    curator.choose("purge_again", purge, confirmed="1")
    assert CdnTask.objects.needing_attention().get() == purge
    assert "1 of 1 submitted again." in operator.do("purge_again", purge)
    again = CdnTask.objects.latest("id")
    assert (again.kind, again.urls, again.state) == ("purge", purge.urls, "waiting")
    assert (again.video, again.operator) == (purge.video, operator.operator)
    assert not CdnTask.objects.needing_attention().exists()


@pytest.mark.parametrize("kind", ["prefetch", "purge"])
def test_the_history_names_who_dismissed_a_failed_task(desk_of: DeskOf, kind: str) -> None:
    task, desk = make_failed_task(kind=kind), desk_of("operator")
    assert "1 of 1 dismissed." in desk.do("dismiss", task)
    line = LogEntry.objects.get(object_id=str(task.pk))
    assert (line.user_id, json.loads(line.change_message)["action"]) == (
        desk.operator.pk,
        f"dismiss {kind}",
    )


def test_a_viewer_sees_failed_tasks_but_cannot_submit_again(desk_of: DeskOf) -> None:
    task = make_failed_task()
    viewer = desk_of("viewer")
    assert "1 of 1 URLs failed" in viewer.page("videos_cdntask_changelist")
    viewer.choose("prefetch_again", task, confirmed="1")
    assert CdnTask.objects.count() == 1
