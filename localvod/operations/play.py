"""GetPlayInfo and GetMezzanineInfo: URLs of streams and of the source file."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from localvod.cloud import Cloud
from localvod.errors import ApiError, illegal_status
from localvod.operations.info import get_named_video
from localvod.operations.registry import Answer, Call, operation
from localvod.operations.security_ips import is_reviewer
from localvod.store.media_rows import find_streams
from localvod.store.videos import Video

REVIEWABLE = ("Checking", "Blocked")


def _may_play(connection: sqlite3.Connection, video: Video, peer: str) -> bool:
    """Whether `peer` may play it: pending and blocked videos play for reviewers only."""
    if video.status == "Normal":
        return True
    return video.status in REVIEWABLE and is_reviewer(connection, peer)


@operation("GetPlayInfo", qps=360, is_writing=True)
def get_play_info(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """The play URLs of one video, one for each definition and format."""
    video = get_named_video(cloud, tx, call)
    video = cloud.videos.ensure_stored(tx, video)
    if not _may_play(tx, video, call.peer):
        raise illegal_status(video.status, 403)
    streams = _filter_streams(call, _find_streams(cloud, tx, video))
    if not streams:
        message = f"The video {video.id} has no stream of that kind."
        raise ApiError("InvalidVideo.NoneStream", 404, message)
    for_reviewer = video.status != "Normal"
    life_seconds = call.parameters.integer(
        "AuthTimeout", cloud.urls.ttl_seconds, least=1, most=2**31 - 1
    )
    played = [_play_info(cloud, video, stream, life_seconds) for stream in streams]
    return {
        "VideoBase": {
            "VideoId": video.id,
            "Title": video.title,
            "Duration": str(video.duration),
            "CoverURL": cloud.urls.signed(video.cover_url, for_reviewer=for_reviewer),
            "Status": video.status,
            "CreationTime": video.creation_time,
            "MediaType": "video",
            "StorageClass": "Standard",
        },
        "PlayInfoList": {"PlayInfo": played},
    }


def _filter_streams(call: Call, streams: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The streams that match Formats, Definition, StreamType and ResultType."""
    given = call.parameters
    formats, definitions = given.items("Formats"), given.items("Definition")
    if "audio" in given.items("StreamType") and "video" not in given.items("StreamType"):
        return []
    chosen = [
        stream
        for stream in streams
        if (not formats or stream["format"] in formats)
        and (not definitions or stream["definition"] in definitions)
    ]
    if given.choice("ResultType", "Single", "Single", "Multiple") == "Multiple":
        return chosen
    # Streams are sorted latest first: the latest of each definition and format stays.
    latest = {(stream["definition"], stream["format"]): stream for stream in reversed(chosen)}
    return list(latest.values())


def _find_streams(
    cloud: Cloud, connection: sqlite3.Connection, video: Video
) -> list[dict[str, Any]]:
    stored = [dict(row) for row in find_streams(connection, video)]
    group = cloud.groups.get(video.template_group_id)
    is_played_as_is = video.source_key and not (group and group.templates)
    return [_source_stream(video)] if is_played_as_is and not stored else stored


def _source_stream(video: Video) -> dict[str, Any]:
    """The source file as a stream of definition OD, for a video without transcoding."""
    output = {
        name: getattr(video, name)
        for name in ("size", "duration", "width", "height", "fps", "bitrate")
    }
    return {
        "id": "",
        "format": video.file_name.rpartition(".")[2].lower(),
        "definition": "OD",
        "narrowband_type": "0",
        "object_key": video.source_key,
        "output": json.dumps(output),
        "creation_time": video.creation_time,
        "complete_time": video.modification_time,
    }


def _play_info(
    cloud: Cloud, video: Video, stream: Mapping[str, Any], life_seconds: int
) -> dict[str, Any]:
    output = json.loads(stream["output"])
    for_reviewer = video.status != "Normal"
    return {
        "PlayURL": cloud.urls.signed(
            stream["object_key"], for_reviewer=for_reviewer, life_seconds=life_seconds
        ),
        "Format": stream["format"],
        "Definition": stream["definition"],
        "Duration": str(output["duration"]),
        "Bitrate": str(output["bitrate"]),
        "Fps": str(output["fps"]),
        "Size": output["size"],
        "Width": output["width"],
        "Height": output["height"],
        "Encrypt": 0,
        "StreamType": "video",
        "Status": "Invisible" if video.status == "Blocked" else "Normal",
        "JobId": stream["id"],
        "JobType": 1,
        "Specification": f"H264.{stream['definition'].partition('-')[0]}",
        "NarrowBandType": stream["narrowband_type"],
        "CodecName": "H.264",
        "HDRType": "SDR",
        "BitDepth": 8,
        "CreationTime": stream["creation_time"],
        "ModificationTime": stream["complete_time"],
    }


@operation("GetMezzanineInfo", qps=100)
def get_mezzanine_info(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """The source file; its URL only if the caller may play the video."""
    video = get_named_video(cloud, connection, call)
    if video.stage == "uploading" and not video.source_key:
        raise ApiError("InvalidFile.NotFound", 404, f"The video {video.id} has no source file.")
    answer: dict[str, Any] = {
        "VideoId": video.id,
        "FileName": video.file_name,
        "FileMD5": video.source_md5,
        "Status": "Normal",
        "OutputType": "cdn",
        "Duration": str(video.duration),
        "Bitrate": str(video.bitrate),
        "Fps": str(video.fps),
        "Size": video.size,
        "Width": video.width,
        "Height": video.height,
        "CreationTime": video.source_time or video.creation_time,
        "PreprocessStatus": "UnPreprocess",
    }
    if video.source_key and _may_play(connection, video, call.peer):
        for_reviewer = video.status != "Normal"
        answer["FileURL"] = cloud.urls.signed(video.source_key, for_reviewer=for_reviewer)
    return {"Mezzanine": answer}
