"""What VOD's answers have in common: videos, streams and URLs."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeVar

from shortvideo.cloud.errors import CloudUnavailable
from shortvideo.cloud.reply import Reply
from shortvideo.cloud.types import MediaFacts, MediaPath, StreamFile, UserData
from shortvideo.cloud.urls import host_and_path

logger = logging.getLogger(__name__)

T = TypeVar("T")


def media_path(reply: Reply, name: str) -> MediaPath:
    return host_and_path(reply.text(name))


def readable(
    rows: Iterable[Reply], parse: Callable[[Reply], T]
) -> tuple[tuple[T, ...], tuple[str, ...]]:
    """Read row by row; one that makes no sense is logged and left out: it must stop no other.

    Returns what was read, and the id of each row that was left out, "" where it has none.
    """
    found: list[T] = []
    left_out: list[str] = []
    for row in rows:
        try:
            found.append(parse(row))
        except CloudUnavailable as error:
            left_out.append(row_id(row))
            logger.warning(
                "A row cannot be read", extra={"vod_id": left_out[-1], "reason": str(error)}
            )
    return tuple(found), tuple(left_out)


def row_id(row: Reply) -> str:
    """The video's id where the row carries one as text, whatever else is wrong with it."""
    inner = row.fields.get("Video")  # of an item of SearchMedia
    fields = {**row.fields, **inner} if isinstance(inner, Mapping) else row.fields
    found = fields.get("VideoId") or fields.get("MediaId")
    return found if isinstance(found, str) else ""


def search_facts(row: Reply) -> MediaFacts:
    """Read an item of SearchMedia's MediaList."""
    return _facts(row.child("Video"), origin="search")


def info_facts(video: Reply, *, has_audit_status: bool = False) -> MediaFacts:
    """Read a video of GetVideoInfo or GetVideoInfos; only the former knows the audit status."""
    facts = _facts(video, origin="info")
    return replace(facts, audit_status=video.text("AuditStatus")) if has_audit_status else facts


def _facts(video: Reply, *, origin: Literal["search", "info"]) -> MediaFacts:
    informed = origin == "info"
    return MediaFacts(
        vod_id=video.required("VideoId"),
        read_at=video.sent_at,
        origin=origin,
        title=video.text("Title"),
        description=video.text("Description"),
        tags=video.text("Tags"),
        cate_id=max(0, video.whole("CateId")),
        cate_name=video.text("CateName"),
        cover=media_path(video, "CoverURL"),
        status=video.required("Status"),
        size=video.whole("Size"),
        duration=video.number("Duration"),
        creation_time=video.moment("CreationTime"),
        modification_time=video.moment("ModificationTime"),
        template_group_id=video.text("TemplateGroupId") if informed else None,
        user_data=UserData.parse(video.text("UserData")) if informed else None,
        snapshots=_snapshots(video),
        storage_location=video.text("StorageLocation"),
    )


def _snapshots(video: Reply) -> tuple[MediaPath, ...]:
    """Read a flat list (GetVideoInfos, SearchMedia) or a wrapped one (GetVideoInfo)."""
    paths = (host_and_path(url) for url in video.names("Snapshots", wrapped="Snapshot"))
    return tuple(path for path in paths if path)


def play_file(stream: Reply) -> StreamFile:
    """Read an item of GetPlayInfo's PlayInfoList."""
    definition = stream.text("Definition")
    narrowband = stream.text("NarrowBandType")
    return StreamFile(
        path=media_path(stream, "PlayURL"),
        definition=definition,
        format=stream.text("Format"),
        width=stream.whole("Width"),
        height=stream.whole("Height"),
        bitrate=stream.number("Bitrate"),
        fps=stream.number("Fps"),
        size=stream.whole("Size"),
        duration=stream.number("Duration"),
        codec=stream.text("CodecName"),
        is_narrowband=narrowband not in {"", "0", "0.0"} or is_narrowband(definition),
        job_id=stream.text("JobId"),
        status=stream.text("Status"),
        creation_time=stream.moment("CreationTime"),
    )


def job_output(
    output: Reply, *, job_id: str, definition: str, status: str, created_at: datetime | None
) -> StreamFile | None:
    """Read the OutputFile of a transcode job; None while it names no file."""
    path = media_path(output, "OutputFileUrl")
    if not path:
        return None
    return StreamFile(
        path=path,
        definition=definition,
        format=output.text("Format"),
        width=output.whole("Width"),
        height=output.whole("Height"),
        bitrate=output.number("Bitrate"),
        fps=output.number("Fps"),
        size=output.whole("Filesize"),
        duration=output.number("Duration"),
        is_narrowband=is_narrowband(definition),
        job_id=job_id,
        status=status,
        creation_time=created_at,
    )


def is_narrowband(definition: str) -> bool:
    """Whether a definition is one of Narrowband HD's: `LD-NBV1`, also with a suffix."""
    return "-NBV" in definition.upper()
