"""Parameters of the video operations, in the documented spellings."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from shortvideo.cloud.types import MediaPath
from shortvideo.cloud.urls import host_and_path, is_on_cdn
from shortvideo.console.errors import BadParameter
from shortvideo.console.fields import Bytes, Choice, Cursor, Moment, Text, Whole
from shortvideo.console.parameters import Parameters
from shortvideo.text import has_invisible, is_blank
from videos.catalogue import ListQuery
from videos.models import CensorStatus, Decision
from videos.models.review import COMMENT_BYTES, REASON_BYTES
from videos.models.video import MEDIA_PATH_LENGTH
from videos.services.cdn import BATCH


class ListParameters(Parameters[ListQuery]):
    query_class = ListQuery
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
    cursor = Cursor(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "cursor" in attrs and attrs.get("page_index", 1) > 1:
            raise BadParameter("pageIndex must be absent or 1 where cursor is sent.")
        return attrs


@dataclass(frozen=True, slots=True)
class OneVideo:
    vod_id: str


class VideoIdParameters(Parameters[OneVideo]):
    query_class = OneVideo
    videoId = Text(source="vod_id")


class MediaIdParameters(Parameters[OneVideo]):
    query_class = OneVideo
    mediaId = Text(source="vod_id")


@dataclass(frozen=True, slots=True)
class CreateAudit:
    vod_id: str
    decision: Decision
    reason: str = ""
    comment: str = ""
    if_censor_status: CensorStatus | None = None


class CreateAuditParameters(Parameters[CreateAudit]):
    query_class = CreateAudit
    mediaId = Text(source="vod_id")
    status = Choice([Decision.BLOCKED, Decision.NORMAL], source="decision")
    reason = Bytes(max_bytes=REASON_BYTES, required=False)
    comment = Bytes(max_bytes=COMMENT_BYTES, required=False)
    ifCensorStatus = Choice(
        CensorStatus.values,
        source="if_censor_status",
        required=False,
        help_text="The status that the decider saw: 409 if the video has another by now.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        decision = Decision(attrs["decision"])
        reason = attrs.get("reason", "")
        if decision == Decision.BLOCKED and is_blank(reason):
            if not settings.CONSOLE_API_COMPAT:
                raise BadParameter("reason is required when status is Blocked.")
            reason = settings.CONSOLE_DEFAULT_BLOCK_REASON
        seen = attrs.get("if_censor_status")
        attrs["if_censor_status"] = CensorStatus(seen) if seen else None
        return {**attrs, "decision": decision, "reason": reason}


@dataclass(frozen=True, slots=True)
class DeleteVideo:
    vod_id: str
    user_id: str


class DeleteVideoParameters(Parameters[DeleteVideo]):
    query_class = DeleteVideo
    videoId = Text(source="vod_id")
    userId = Text(
        source="user_id", allow_blank=True, help_text="Empty for a video without uploader."
    )


@dataclass(frozen=True, slots=True)
class PushObjectCache:
    paths: list[MediaPath]


class PushObjectCacheParameters(Parameters[PushObjectCache]):
    query_class = PushObjectCache
    objectPath = Text(
        max_length=None,
        source="paths",
        help_text=f"1 to {BATCH} URLs on the play domains, one a line, with or without scheme.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        lines = attrs["paths"].removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
        numbered = enumerate((line.strip() for line in lines), start=1)
        paths = [_path_on_cdn(line, number) for number, line in numbered if line]
        if not 1 <= len(paths) <= BATCH:
            raise BadParameter(f"objectPath must name 1 to {BATCH} URLs; it names {len(paths)}.")
        return {"paths": paths}


def _path_on_cdn(line: str, number: int) -> MediaPath:
    """Return `host/path` of one line of objectPath. Raises BadParameter, which names the line."""
    if not line.isprintable() or has_invisible(line) or " " in line or "," in line:
        raise BadParameter(
            f"objectPath: line {number} must be one URL without white space, invisible characters "
            "and commas (in a path write %2C)."
        )
    path = web_path(line)
    if not path:
        raise BadParameter(f"objectPath: line {number} must be host/path, with or without scheme.")
    if not is_on_cdn(path):
        path = _on_first_domain(path, number)
    if len(path) > MEDIA_PATH_LENGTH:
        raise BadParameter(
            f"objectPath: line {number} must have at most {MEDIA_PATH_LENGTH} characters."
        )
    return path


def _on_first_domain(path: MediaPath, number: int) -> MediaPath:
    """Replace the host by the first play domain, for clients of the original AppServer.

    Raises BadParameter without CONSOLE_API_COMPAT.
    """
    if settings.CONSOLE_API_COMPAT and settings.CDN_DOMAINS:
        return MediaPath(f"{settings.CDN_DOMAINS[0]}/{path.partition('/')[2]}")
    allowed = ", ".join(settings.CDN_DOMAINS) or "none is configured"
    raise BadParameter(
        f"objectPath: the host of line {number} must be one of the play domains ({allowed})."
    )


def web_path(url: str) -> MediaPath:
    """Return `host/path` of a URL with http, https or no scheme; '' for any other."""
    scheme, separator, _ = url.partition("://")
    if separator and scheme.lower() not in ("http", "https"):
        return MediaPath("")
    return host_and_path(url)
