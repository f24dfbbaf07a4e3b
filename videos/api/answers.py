"""The shape of the data that the video operations answer, for the OpenAPI schema."""

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers

from accounts.models import Uploader
from shortvideo.cloud.types import MediaPath, StreamFile
from shortvideo.cloud.urls import is_on_cdn, media_url
from videos.api.parameters import web_path
from videos.models import CensorStatus, SnapshotStatus, TranscodeStatus, Video


class UserDocument(serializers.Serializer[None]):
    userId = serializers.CharField(allow_blank=True)
    userName = serializers.CharField(allow_blank=True)
    avatarUrl = serializers.CharField(allow_blank=True)


class VideoFactsDocument(serializers.Serializer[None]):
    id = serializers.CharField()
    videoId = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)
    duration = serializers.IntegerField(help_text="Whole seconds, rounded.")
    coverUrl = serializers.CharField(allow_blank=True)
    creationTime = serializers.CharField(help_text="`2019-01-09 22:11:29.0`, server time zone.")
    status = serializers.CharField(allow_blank=True, help_text="VOD's own.")
    firstFrameUrl = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(help_text="Bytes of the source file.")
    cateId = serializers.IntegerField()
    cateName = serializers.CharField(allow_blank=True)
    tags = serializers.CharField(allow_blank=True, help_text="Comma-separated.")
    shareUrl = serializers.CharField(allow_blank=True)
    user = UserDocument()
    transcodeStatus = serializers.ChoiceField(choices=TranscodeStatus.values)
    snapshotStatus = serializers.ChoiceField(choices=SnapshotStatus.values)
    censorStatus = serializers.ChoiceField(choices=CensorStatus.values)
    narrowTranscodeStatus = serializers.ChoiceField(choices=TranscodeStatus.values)


class SnapshotListsDocument(serializers.Serializer[None]):
    SnapshotList = serializers.ListField(child=serializers.CharField())
    snapshotList = serializers.ListField(child=serializers.CharField())


class ListedVideoDocument(SnapshotListsDocument, VideoFactsDocument):
    isRecommend = serializers.ChoiceField(choices=["true", "false"])
    fileUrlList = serializers.ListField(child=serializers.CharField())


class SingleVideoDocument(ListedVideoDocument):
    fileUrilList = serializers.ListField(child=serializers.CharField())


class VideoListDocument(serializers.Serializer[None]):
    total = serializers.IntegerField()
    videoList = ListedVideoDocument(many=True)


class PlayDocument(serializers.Serializer[None]):
    definition = serializers.CharField()
    playURL = serializers.CharField()


class PlayInfoDocument(serializers.Serializer[None]):
    playInfoList = PlayDocument(many=True)


Signer = Callable[[str], str]


def signer_for(video: Video, now: datetime) -> Signer:
    """What turns the video's `host/path` into URLs; those of unpublished videos end soon."""
    ttl_seconds = settings.MEDIA_URL_TTL
    if not video.is_passed:
        ttl_seconds = min(ttl_seconds, settings.MEDIA_URL_TTL_UNPUBLISHED)

    def sign(path: str) -> str:
        return media_url(MediaPath(path), ttl_seconds=ttl_seconds, now=now)

    return sign


def video_facts(video: Video, sign: Signer) -> dict[str, Any]:
    """The keys that every Video object has, in the documented order."""
    return {
        "id": str(video.pk),
        "videoId": video.vod_id,
        "title": video.title,
        "description": video.description,
        "duration": math.floor(video.duration + 0.5),
        "coverUrl": sign(video.cover),
        "creationTime": _local_text(video.creation_time),
        "status": video.status,
        "firstFrameUrl": sign(video.first_frame),
        "size": video.size,
        "cateId": video.cate_id,
        "cateName": video.cate_name,
        "tags": video.tags,
        "shareUrl": video.share_url,
        "user": _user_facts(video.uploader, sign),
        "transcodeStatus": video.transcode_status,
        "snapshotStatus": video.snapshot_status,
        "censorStatus": video.censor_status,
        "narrowTranscodeStatus": video.narrow_transcode_status,
    }


def _user_facts(uploader: Uploader | None, sign: Signer) -> dict[str, str]:
    """The uploader; an avatar on a play domain is signed like the media there."""
    if uploader is None:
        return {"userId": "", "userName": "", "avatarUrl": ""}
    path = web_path(uploader.avatar_url)
    return {
        "userId": uploader.user_id,
        "userName": uploader.user_name,
        "avatarUrl": sign(path) if is_on_cdn(path) else uploader.avatar_url,
    }


def _local_text(moment: datetime) -> str:
    """Such as `2019-01-09 22:11:29.0`, in the server's time zone."""
    local = moment.astimezone(timezone.get_default_timezone())
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 100_000}"


def _snapshot_lists(video: Video, sign: Signer) -> dict[str, Any]:
    urls = [sign(path) for path in video.snapshots]
    return {"SnapshotList": urls, "snapshotList": urls}


def _file_urls(video: Video, sign: Signer, *, may_review: bool) -> list[str]:
    """None of a blocked video for those who may not review."""
    if video.censor_status == CensorStatus.FAIL and not may_review:
        return []
    return [sign(file["path"]) for file in video.files if file["path"]]


def listed_video(
    video: Video, *, is_recommended: bool, may_review: bool, now: datetime
) -> dict[str, Any]:
    """A Video object of getVideos."""
    sign = signer_for(video, now)
    return {
        **video_facts(video, sign),
        "isRecommend": "true" if is_recommended else "false",
        **_snapshot_lists(video, sign),
        "fileUrlList": _file_urls(video, sign, may_review=may_review),
    }


def single_video(
    video: Video, *, is_recommended: bool, may_review: bool, now: datetime
) -> dict[str, Any]:
    """The Video object of getVideoById, with both spellings of its files."""
    listed = listed_video(video, is_recommended=is_recommended, may_review=may_review, now=now)
    urls = listed.pop("fileUrlList")
    return {**listed, "fileUrilList": urls, "fileUrlList": urls}


def play_info(files: Iterable[tuple[str, str]], sign: Signer) -> dict[str, Any]:
    """The data of /vodVideo/getVideoById, from definitions and `host/path`."""
    return {
        "playInfoList": [
            {"definition": definition, "playURL": sign(path)} for definition, path in files
        ]
    }


def mirrored_files(video: Video) -> list[tuple[str, str]]:
    """What the mirror knows to play: the streams, else the source."""
    streams = [(file["definition"], file["path"]) for file in video.files if file["path"]]
    if streams or not video.source_path:
        return streams
    return [("OD", video.source_path)]


def streamed_files(files: Iterable[StreamFile]) -> list[tuple[str, str]]:
    return [(file.definition, file.path) for file in files]
