"""Changes of the recommended list that a polling client finds, as docs/webhooks.md says."""

from datetime import timedelta

import pytest
from django.utils import timezone

from recommendations.services import remove_recommendation
from tests.factories import make_operator, make_recommendation, make_video
from tests.support.console import Console
from videos.models import Decision, Source
from videos.services import DecisionInput, delete_video, review_video

pytestmark = pytest.mark.django_db


def poll(console: Console, operation: str, **asked: str) -> dict[str, str]:
    """Return `isRecommend` by id, or "" where the operation does not have it."""
    answer = console.get(operation, pageSize=100, **asked)
    return {each["videoId"]: each.get("isRecommend", "") for each in answer["data"]["videoList"]}


def test_polling_finds_videos_that_left_the_recommended_list() -> None:
    console = Console(make_operator("operator"))
    old = timezone.now() - timedelta(days=1)
    kept, taken_off, blocked, deleted, ended, begun = (make_video(changed_at=old) for _ in range(6))
    just_now = timezone.now() - timedelta(seconds=1)
    times = {ended: {"ends_at": just_now}, begun: {"starts_at": just_now}}
    items = {
        video: make_recommendation(video, changed_at=old, **times.get(video, {}))
        for video in (kept, taken_off, blocked, deleted, ended, begun)
    }
    since = (timezone.now() - timedelta(minutes=1)).isoformat()
    remove_recommendation(items[taken_off])
    review_video(blocked, DecisionInput(Decision.BLOCKED, Source.API, reason="violence"))
    delete_video(deleted)

    assert poll(console, "getRecommendVideos", updatedSince=since) == {}
    assert set(poll(console, "getRecommendVideos")) == {kept.vod_id, begun.vod_id}
    for video in (taken_off, blocked, deleted, ended):
        assert console.get("getRecommendVideoById", videoId=video.vod_id)["code"] == "404"
    assert poll(console, "getVideos", updatedSince=since) == {
        taken_off.vod_id: "false",
        blocked.vod_id: "false",
    }
