"""Parameters and data of the recommendation operations, in the documented spellings."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypedDict

from accounts.models import Operator
from recommendations.models import Recommendation
from shortvideo.cloud.types import MediaPath
from shortvideo.cloud.urls import is_on_cdn
from shortvideo.console.errors import BadParameter
from shortvideo.console.fields import TEXT_LENGTH, Flag, Ignored, IgnoredWhole, Text
from shortvideo.console.parameters import Parameters
from videos.api.answers import (
    Signer,
    SnapshotLists,
    VideoFacts,
    WalkFacts,
    file_urls,
    picture_url,
    signers_at,
    snapshot_lists,
    video_facts,
)
from videos.api.parameters import VideoIdParameters, web_path
from videos.api.rows import VideoRow
from videos.models import Video


@dataclass(frozen=True, slots=True)
class RecommendVideo:
    """Empty text overrides nothing."""

    vod_id: str
    user_id: str = ""
    title: str = ""
    description: str = ""
    tags: str = ""
    cate_name: str = ""
    cover_url: str = ""
    first_frame_url: str = ""
    is_narrow: bool = False
    is_cache: bool = False

    def overrides(self, video: Video | None) -> dict[str, str]:
        """Return the display fields, media as `host/path`. Raises BadParameter."""
        return {
            "title": self.title,
            "description": self.description,
            "tags": self.tags,
            "cate_name": self.cate_name,
            "cover": _overriding_path("coverUrl", self.cover_url, video, "cover"),
            "first_frame": _overriding_path(
                "firstFrameUrl", self.first_frame_url, video, "first_frame"
            ),
        }


def _overriding_path(name: str, url: str, video: Video | None, field: str) -> str:
    """Return `host/path` of a URL: the value of the field, or a picture of the video on the CDN.

    Raises BadParameter, which names the parameter. Of an unknown video only the host is checked.
    """
    if not url:
        return ""
    path = web_path(url) if "://" in url else MediaPath("")
    own = (video.own_picture(path) if video else path) if path else ""
    if not own or not (is_on_cdn(own) or own == getattr(video, field, "")):
        raise BadParameter(
            f"{name} must be an http or https URL on one of the play domains, of one of this "
            "video's own pictures: its cover, its first frame or a snapshot."
        )
    return own


class RecommendVideoParameters(Parameters[RecommendVideo]):
    """Accepts a whole row of a list and ignores the mirror's facts in it."""

    query_class = RecommendVideo
    videoId = Text(source="vod_id")
    userId = Text(source="user_id", required=False)
    title = Text(max_length=512, required=False)
    description = Text(max_length=None, required=False)
    tags = Text(required=False)
    cateName = Text(max_length=255, source="cate_name", required=False)
    coverUrl = Text(max_length=None, source="cover_url", required=False)
    firstFrameUrl = Text(max_length=None, source="first_frame_url", required=False)
    isNarrow = Flag(source="is_narrow", required=False)
    isCache = Flag(source="is_cache", required=False)
    duration = IgnoredWhole()
    size = IgnoredWhole()
    cateId = IgnoredWhole()
    transcodeStatus = Ignored()
    snapshotStatus = Ignored()
    censorStatus = Ignored()


class RemoveRecommendationParameters(VideoIdParameters):
    userId = Ignored(max_length=TEXT_LENGTH)


class PlayableFile(TypedDict):
    fileUrl: Annotated[str, {"help_text": "The object key, relative to the play domain."}]
    playUrl: str


class ListedItemDocument(VideoFacts, PlayableFile):
    pass


class SingleItemDocument(SnapshotLists, ListedItemDocument):
    fileUrilList: list[str]
    fileUrlList: list[str]


class ItemListDocument(WalkFacts):
    total: int
    nowTotal: int
    videoList: list[ListedItemDocument]


def _displayed_values(item: Recommendation, sign: Signer) -> VideoFacts:
    """The video's facts, overridden by the display fields of the item."""
    video = VideoRow.of_video(item.video)
    return {
        **video_facts(video, sign),
        "title": item.title or video.title,
        "description": item.description or video.description,
        "coverUrl": picture_url(video, item.cover or video.cover, sign),
        "firstFrameUrl": picture_url(video, item.first_frame or video.first_frame, sign),
        "cateName": item.cate_name or video.cate_name,
        "tags": item.tags or video.tags,
    }


def _playable_file(video: Video, sign: Signer) -> PlayableFile:
    """The object key and the URL of the file to prefetch."""
    file = video.file_to_prefetch()
    path = file["path"] if file else ""
    return {"fileUrl": path.partition("/")[2], "playUrl": sign(path)}


def listed_item(item: Recommendation, *, now: datetime) -> ListedItemDocument:
    """An item of getRecommendVideos."""
    sign = signers_at(now)[item.video.is_passed]
    return {**_displayed_values(item, sign), **_playable_file(item.video, sign)}


def single_item(item: Recommendation, operator: Operator, *, now: datetime) -> SingleItemDocument:
    """The item of getRecommendVideoById."""
    sign = signers_at(now)[item.video.is_passed]
    video = VideoRow.of_video(item.video)
    urls = file_urls(video, sign, operator)
    return {
        **_displayed_values(item, sign),
        **snapshot_lists(video, sign),
        "fileUrilList": urls,
        "fileUrlList": urls,
        **_playable_file(item.video, sign),
    }
