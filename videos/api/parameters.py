"""Parameters and data of the video operations, in the documented spellings."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import Uploader
from shortvideo.cloud.types import MediaPath, StreamFile
from shortvideo.cloud.urls import host_and_path, is_on_cdn, media_url
from shortvideo.console.errors import BadParameter
from shortvideo.console.fields import Bytes, Choice, Moment, Text, Whole
from shortvideo.console.parameters import Parameters
from videos.catalogue.plain import ListAsked
from videos.models import CensorStatus, Decision, Video
from videos.models.review import COMMENT_BYTES, REASON_BYTES
from videos.models.video import MEDIA_PATH_LENGTH
from videos.services.cdn import BATCH

# --- Parameters ---------------------------------------------------------------------------------


class ListParameters(Parameters[ListAsked]):
    asked_class = ListAsked
    pageIndex = Whole(at_least=1, source="page_index", required=False)
    pageSize = Whole(at_least=1, at_most=100, source="page_size", required=False)
    videoId = Text(source="vod_id", required=False)
    userId = Text(source="user_id", required=False)
    title = Text(required=False)
    userName = Text(source="user_name", required=False)
    startTime = Moment(source="start_at", required=False)
    endTime = Moment(is_end=True, source="end_before", required=False)
    censorStatus = Choice(CensorStatus.values, source="censor_status", required=False)
    updatedSince = Moment(source="updated_since", required=False)


@dataclass(frozen=True, slots=True)
class OneVideo:
    vod_id: str


class VideoIdParameters(Parameters[OneVideo]):
    asked_class = OneVideo
    videoId = Text(source="vod_id")


class MediaIdParameters(Parameters[OneVideo]):
    asked_class = OneVideo
    mediaId = Text(source="vod_id")


@dataclass(frozen=True, slots=True)
class CreateAudit:
    vod_id: str
    decision: Decision
    reason: str = ""
    comment: str = ""


class CreateAuditParameters(Parameters[CreateAudit]):
    asked_class = CreateAudit
    mediaId = Text(source="vod_id")
    status = Choice([Decision.BLOCKED, Decision.NORMAL], source="decision")
    reason = Bytes(max_bytes=REASON_BYTES, required=False)
    comment = Bytes(max_bytes=COMMENT_BYTES, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        decision = Decision(attrs["decision"])
        reason = attrs.get("reason", "")
        if decision == Decision.BLOCKED and not reason:
            if not settings.CONSOLE_API_COMPAT:
                raise BadParameter("reason is required when status is Blocked.")
            reason = settings.CONSOLE_DEFAULT_BLOCK_REASON
        return {**attrs, "decision": decision, "reason": reason}


@dataclass(frozen=True, slots=True)
class DeleteVideo:
    vod_id: str
    user_id: str


class DeleteVideoParameters(Parameters[DeleteVideo]):
    asked_class = DeleteVideo
    videoId = Text(source="vod_id")
    userId = Text(
        source="user_id", allow_blank=True, help_text="Empty for a video without uploader."
    )


@dataclass(frozen=True, slots=True)
class PushObjectCache:
    paths: list[MediaPath]


class PushObjectCacheParameters(Parameters[PushObjectCache]):
    asked_class = PushObjectCache
    objectPath = Text(
        max_length=None,
        source="paths",
        help_text=f"1 to {BATCH} URLs on the play domains, one a line, with or without scheme.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        lines = attrs["paths"].replace("\r\n", "\n").split("\n")
        paths = [path_on_cdn(line, number) for number, line in enumerate(lines, start=1) if line]
        if not 1 <= len(paths) <= BATCH:
            raise BadParameter(f"objectPath must name 1 to {BATCH} URLs; it names {len(paths)}.")
        return {"paths": paths}


def path_on_cdn(line: str, number: int) -> MediaPath:
    """`host/path` of one line of objectPath. Raises BadParameter, which names the line."""
    if any(character.isspace() for character in line.strip()):
        raise BadParameter(f"objectPath: line {number} must be one URL without white space.")
    path = web_path(line)
    if not path:
        raise BadParameter(f"objectPath: line {number} must be host/path, with or without scheme.")
    if not is_on_cdn(path):
        path = on_first_domain(path, number)
    if len(path) > MEDIA_PATH_LENGTH:
        raise BadParameter(
            f"objectPath: line {number} must have at most {MEDIA_PATH_LENGTH} characters."
        )
    return path


def on_first_domain(path: MediaPath, number: int) -> MediaPath:
    """The path on a play domain, for clients that were written with their demo's host.

    Raises BadParameter for all others.
    """
    if settings.CONSOLE_API_COMPAT and settings.CDN_DOMAINS:
        return MediaPath(f"{settings.CDN_DOMAINS[0]}/{path.partition('/')[2]}")
    allowed = ", ".join(settings.CDN_DOMAINS) or "none is configured"
    raise BadParameter(
        f"objectPath: the host of line {number} must be one of the play domains ({allowed})."
    )


def web_path(url: str) -> MediaPath:
    """`host/path` of a URL by http(s) or without scheme; "" for anything else."""
    scheme, separator, _ = url.partition("://")
    if separator and scheme.lower() not in ("http", "https"):
        return MediaPath("")
    return host_and_path(url)


# --- Data ---------------------------------------------------------------------------------------

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
        "creationTime": local_text(video.creation_time),
        "status": video.status,
        "firstFrameUrl": sign(video.first_frame),
        "size": video.size,
        "cateId": video.cate_id,
        "cateName": video.cate_name,
        "tags": video.tags,
        "shareUrl": video.share_url,
        "user": user_facts(video.uploader, sign),
        "transcodeStatus": video.transcode_status,
        "snapshotStatus": video.snapshot_status,
        "censorStatus": video.censor_status,
        "narrowTranscodeStatus": video.narrow_transcode_status,
    }


def user_facts(uploader: Uploader | None, sign: Signer) -> dict[str, str]:
    """The uploader; an avatar on a play domain is signed like the media there."""
    if uploader is None:
        return {"userId": "", "userName": "", "avatarUrl": ""}
    path = web_path(uploader.avatar_url)
    return {
        "userId": uploader.user_id,
        "userName": uploader.user_name,
        "avatarUrl": sign(path) if is_on_cdn(path) else uploader.avatar_url,
    }


def local_text(moment: datetime) -> str:
    """Such as `2019-01-09 22:11:29.0`, in the server's time zone."""
    local = moment.astimezone(timezone.get_default_timezone())
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 100_000}"


def snapshot_lists(video: Video, sign: Signer) -> dict[str, Any]:
    urls = [sign(path) for path in video.snapshots]
    return {"SnapshotList": urls, "snapshotList": urls}


def file_urls(video: Video, sign: Signer, *, may_review: bool) -> list[str]:
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
        **snapshot_lists(video, sign),
        "fileUrlList": file_urls(video, sign, may_review=may_review),
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
