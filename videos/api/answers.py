"""The data that the video operations answer: its types, which the schema reads, and its values."""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, NotRequired, TypedDict

from django.conf import settings
from django.utils import timezone

from accounts.models import Operator
from shortvideo.cloud.urls import UrlSigner, is_on_cdn, is_picture
from videos.api.parameters import web_path
from videos.api.rows import VideoRow
from videos.catalogue import ListQuery, Page
from videos.models import CensorStatus, SnapshotStatus, TranscodeStatus
from videos.models.media import newest_of_each_definition
from videos.models.video import is_foreign, is_of_video
from videos.services import may_play

TranscodeState = Annotated[str, {"choices": TranscodeStatus.values}]


class UserDocument(TypedDict):
    userId: str
    userName: str
    avatarUrl: str


class VideoFacts(TypedDict):
    id: str
    videoId: str
    title: str
    description: str
    duration: Annotated[int, {"help_text": "Whole seconds, rounded."}]
    coverUrl: str
    creationTime: Annotated[str, {"help_text": "`2019-01-09 22:11:29.0`, server time zone."}]
    status: Annotated[str, {"help_text": "VOD's own."}]
    firstFrameUrl: str
    size: Annotated[int, {"help_text": "Bytes of the source file."}]
    cateId: int
    cateName: str
    tags: Annotated[str, {"help_text": "Comma-separated."}]
    shareUrl: str
    user: UserDocument
    transcodeStatus: TranscodeState
    snapshotStatus: Annotated[str, {"choices": SnapshotStatus.values}]
    censorStatus: Annotated[str, {"choices": CensorStatus.values}]
    narrowTranscodeStatus: TranscodeState


class SnapshotLists(TypedDict):
    SnapshotList: list[str]
    snapshotList: list[str]


class ListedVideoDocument(SnapshotLists, VideoFacts):
    isRecommend: Annotated[str, {"choices": ["true", "false"]}]
    fileUrlList: list[str]


class SingleVideoDocument(ListedVideoDocument):
    fileUrilList: list[str]


class WalkFacts(TypedDict):
    """Answered only where `cursor` is sent."""

    nextCursor: NotRequired[Annotated[str, {"help_text": "Empty at the end."}]]
    asOf: NotRequired[Annotated[str, {"help_text": "The server's time, ISO 8601 in UTC."}]]


class VideoListDocument(WalkFacts):
    total: int
    videoList: list[ListedVideoDocument]


class PlayDocument(TypedDict):
    definition: str
    playURL: str


class PlayInfoDocument(TypedDict):
    playInfoList: list[PlayDocument]


Signer = Callable[[str], str]


def signers_at(now: datetime) -> dict[bool, Signer]:
    """Functions that sign media, by whether their video is passed.

    URLs of unpublished videos expire soon.
    """
    ttl_seconds = settings.MEDIA_URL_TTL
    unpublished = min(ttl_seconds, settings.MEDIA_URL_TTL_UNPUBLISHED)
    return {
        True: UrlSigner(ttl_seconds=ttl_seconds, now=now).sign,
        False: UrlSigner(ttl_seconds=unpublished, now=now).sign,
    }


def video_facts(video: VideoRow, sign: Signer) -> VideoFacts:
    """The keys of every Video object, in the documented order."""
    return {
        "id": str(video.id),
        "videoId": video.vod_id,
        "title": video.title,
        "description": video.description,
        "duration": math.floor(video.duration + 0.5),
        "coverUrl": picture_url(video, video.cover, sign),
        "creationTime": _local_text(video.creation_time),
        "status": video.status,
        "firstFrameUrl": sign(video.first_frame),
        "size": video.size,
        "cateId": video.cate_id,
        "cateName": video.cate_name,
        "tags": video.tags,
        "shareUrl": video.share_url,
        "user": _user_facts(video, sign),
        "transcodeStatus": video.transcode_status,
        "snapshotStatus": video.snapshot_status,
        "censorStatus": video.censor_status,
        "narrowTranscodeStatus": video.narrow_transcode_status,
    }


def picture_url(video: VideoRow, path: str, sign: Signer) -> str:
    """The URL of a picture of the video.

    '' for the path of another kind of file, and of another video's picture: a signature would
    open it.
    """
    return sign(path) if is_picture(path) and not is_foreign(path, video.vod_id) else ""


def _user_facts(video: VideoRow, sign: Signer) -> UserDocument:
    """The uploader. An avatar on a play domain is signed, unless it is a file of a video."""
    if video.user_id is None:
        return {"userId": "", "userName": "", "avatarUrl": ""}
    path, avatar_url = _avatar_path(video.avatar_url), video.avatar_url
    if is_on_cdn(path):
        is_avatar = is_picture(path) and not is_of_video(path)
        avatar_url = sign(path) if is_avatar else ""
    return {"userId": video.user_id, "userName": video.user_name, "avatarUrl": avatar_url}


_avatar_path = lru_cache(maxsize=10_000)(web_path)  # few uploaders have most videos of a list


def _local_text(moment: datetime) -> str:
    """The local time, for example `2019-01-09 22:11:29.0`."""
    local = moment.astimezone(timezone.get_default_timezone())
    return local.isoformat(" ", "milliseconds")[: len("2019-01-09 22:11:29.0")]


def walk_facts(query: ListQuery, page: Page[Any], as_of: datetime) -> WalkFacts:
    """What a list adds for a walk. `as_of`: a moment before the page was read."""
    if query.cursor is None:
        return {}
    next_cursor = "" if page.next_cursor is None else str(page.next_cursor)
    return {"nextCursor": next_cursor, "asOf": f"{as_of.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"}


def snapshot_lists(video: VideoRow, sign: Signer) -> SnapshotLists:
    urls = [sign(path) for path in video.snapshots]
    return {"SnapshotList": urls, "snapshotList": urls}


def file_urls(video: VideoRow, sign: Signer, operator: Operator) -> list[str]:
    """The URLs of the video's files; [] if the operator may not play it."""
    if not may_play(operator, video):
        return []
    return [sign(file["path"]) for file in video.files if file["path"]]


def listed_video(video: VideoRow, operator: Operator, sign: Signer) -> ListedVideoDocument:
    """A Video object of getVideos."""
    return {
        **video_facts(video, sign),
        "isRecommend": "true" if video.is_recommended else "false",
        **snapshot_lists(video, sign),
        "fileUrlList": file_urls(video, sign, operator),
    }


def single_video(video: VideoRow, operator: Operator, sign: Signer) -> SingleVideoDocument:
    """The Video object of getVideoById, with both spellings of its files."""
    urls = file_urls(video, sign, operator)
    return {
        **video_facts(video, sign),
        "isRecommend": "true" if video.is_recommended else "false",
        **snapshot_lists(video, sign),
        "fileUrilList": urls,
        "fileUrlList": urls,
    }


def play_info(files: Iterable[Mapping[str, Any]], sign: Signer) -> PlayInfoDocument:
    """The data of /vodVideo/getVideoById: the newest file of each definition."""
    return {
        "playInfoList": [
            {"definition": file["definition"], "playURL": _play_url(file, sign)}
            for file in newest_of_each_definition(files)
        ]
    }


def _play_url(file: Mapping[str, Any], sign: Signer) -> str:
    """VOD's own URL if it is signed, else ours."""
    url: str = file.get("url", "")
    return url if "?" in url else sign(file["path"])
