"""Every operation that needs a token: its method, and parameters that succeed."""

from collections.abc import Callable
from typing import Any

from tests.factories import make_recommendation, make_video
from videos.models import CensorStatus, Video


def full_video(**values: Any) -> Video:
    """Make a video with a value for every key."""
    return make_video(description="Waves", cate_id=12, cate_name="Sea", tags="sea,sun", **values)


def unpublished() -> dict[str, str]:
    video = full_video(censor_status=CensorStatus.CHECK, recommended=False)
    return {"mediaId": video.vod_id}


def recommended() -> dict[str, str]:
    return {"videoId": make_recommendation(full_video()).video.vod_id}


def any_video(name: str) -> Callable[[], dict[str, str]]:
    return lambda: {name: full_video().vod_id}


def deletable() -> dict[str, str]:
    video = full_video()
    assert video.uploader is not None
    return {"videoId": video.vod_id, "userId": video.uploader.user_id}


def blocking() -> dict[str, str]:
    return {**unpublished(), "status": "Blocked", "reason": "violence"}


def listing() -> dict[str, str]:
    recommended()
    return {}


OPERATIONS: dict[str, tuple[str, Callable[[], dict[str, str]]]] = {
    "getVideos": ("GET", listing),
    "getVideoById": ("GET", any_video("videoId")),
    "submitTranscode": ("GET", any_video("mediaId")),
    "submitTabTranscode": ("GET", any_video("mediaId")),
    "createAudit": ("GET", blocking),
    "getRecommendVideos": ("GET", listing),
    "getRecommendVideoById": ("GET", recommended),
    "recommendVideo": ("POST", any_video("videoId")),
    "deleteRecommendById": ("POST", recommended),
    "pushObjectCache": ("POST", lambda: {"objectPath": "http://media.example.com/a.mp4"}),
    "deleteVideoById": ("POST", deletable),
    "signOut": ("POST", dict),
}
CHANGING_BY_GET = ("submitTranscode", "submitTabTranscode", "createAudit")
