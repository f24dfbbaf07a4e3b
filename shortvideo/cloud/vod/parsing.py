"""Parse the videos, streams and URLs in VOD's answers."""

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


def parse_media_path(reply: Reply, name: str) -> MediaPath:
    return host_and_path(reply.text(name))


def parse_rows(
    rows: Iterable[Reply], parse: Callable[[Reply], T]
) -> tuple[tuple[T, ...], tuple[str, ...]]:
    """Parse row by row. Log and skip an unreadable row, so that it does not stop the others.

    Returns the results, and the id of each skipped row, "" if it has none.
    """
    found: list[T] = []
    skipped: list[str] = []
    for row in rows:
        try:
            found.append(parse(row))
        except CloudUnavailable as error:
            skipped.append(row_id(row))
            logger.warning(
                "A row cannot be read", extra={"vod_id": skipped[-1], "reason": str(error)}
            )
    return tuple(found), tuple(skipped)


def row_id(row: Reply) -> str:
    """Return the video id of a row, even of an unreadable one; "" if it is not a text."""
    inner = row.fields.get("Video")  # of an item of SearchMedia
    fields = {**row.fields, **inner} if isinstance(inner, Mapping) else row.fields
    found = fields.get("VideoId") or fields.get("MediaId")
    return found if isinstance(found, str) else ""


def parse_search_item(row: Reply) -> MediaFacts:
    """Parse an item of SearchMedia's MediaList."""
    return _parse_facts(row.child("Video"), origin="search")


def parse_video(video: Reply, *, has_audit_status: bool = False) -> MediaFacts:
    """Parse a video of GetVideoInfo or GetVideoInfos; only GetVideoInfo has the audit status."""
    facts = _parse_facts(video, origin="info")
    return replace(facts, audit_status=video.text("AuditStatus")) if has_audit_status else facts


def _parse_facts(video: Reply, *, origin: Literal["search", "info"]) -> MediaFacts:
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
        cover=parse_media_path(video, "CoverURL"),
        status=video.required("Status"),
        size=video.whole("Size"),
        duration=video.number("Duration"),
        creation_time=video.moment("CreationTime"),
        modification_time=video.moment("ModificationTime"),
        template_group_id=video.text("TemplateGroupId") if informed else None,
        user_data=UserData.parse(video.text("UserData")) if informed else None,
        snapshots=_parse_snapshots(video),
        storage_location=video.text("StorageLocation"),
    )


def _parse_snapshots(video: Reply) -> tuple[MediaPath, ...]:
    """Parse a flat list (GetVideoInfos, SearchMedia) or a wrapped one (GetVideoInfo)."""
    urls = video.names("Snapshots", wrapped="Snapshot")
    return tuple(filter(None, map(host_and_path, urls)))


def parse_stream(stream: Reply) -> StreamFile:
    """Parse an item of GetPlayInfo's PlayInfoList."""
    definition = stream.text("Definition")
    narrowband = stream.text("NarrowBandType")
    return StreamFile(
        path=parse_media_path(stream, "PlayURL"),
        url=stream.text("PlayURL"),
        definition=definition,
        format=stream.text("Format"),
        width=stream.whole("Width"),
        height=stream.whole("Height"),
        bitrate=stream.number("Bitrate"),
        fps=stream.number("Fps"),
        size=stream.whole("Size"),
        duration=stream.number("Duration"),
        codec=stream.text("CodecName"),
        is_narrowband=narrowband not in {"", "0", "0.0"} or _is_narrowband(definition),
        job_id=stream.text("JobId"),
        status=stream.text("Status"),
        creation_time=stream.moment("CreationTime"),
    )


def parse_job_output(
    output: Reply, *, job_id: str, definition: str, status: str, created_at: datetime | None
) -> StreamFile | None:
    """Parse the OutputFile of a transcode job; None if it names no file."""
    path = parse_media_path(output, "OutputFileUrl")
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
        is_narrowband=_is_narrowband(definition),
        job_id=job_id,
        status=status,
        creation_time=created_at,
    )


def _is_narrowband(definition: str) -> bool:
    """Whether it is a Narrowband HD definition: `LD-NBV1`, also with a suffix."""
    return "-NBV" in definition.upper()
