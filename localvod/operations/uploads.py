"""CreateUploadVideo and RefreshUploadVideo: address and credential for the PUT of a file."""

import base64
import json
import re
import secrets
import sqlite3
import uuid
from datetime import timedelta
from pathlib import PurePosixPath

from localvod import clock
from localvod.cloud import Cloud
from localvod.errors import ApiError, invalid_parameter
from localvod.operations.info import emit_change, find_id_by_reference, get_named_video
from localvod.operations.parameters import check_tags
from localvod.operations.registry import Answer, Call, operation
from localvod.store.database import insert
from localvod.store.videos import STAGE_STATUS, UPLOADING, Video, insert_video

BUCKET = "localvod-input"
REGION = "cn-shanghai"
CREDENTIAL_SECONDS = 3_000
_EXTENSION = re.compile(r"[A-Za-z0-9]{1,8}")
# Control characters, the blocks of emoji and other pictographs, and the tags of emoji flags.
_ILLEGAL = re.compile("[\u0000-\u0008\u000b-\u001f\U0001f000-\U0001faff\U000e0000-\U000e007f]")


@operation("CreateUploadVideo", qps=80, is_writing=True)
def create_upload_video(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Create a video and return a credential to upload its file."""
    given = call.parameters
    given.required("Title")
    reference_id = given.reference_id()
    if reference_id and find_id_by_reference(tx, reference_id):
        raise invalid_parameter("ReferenceId", f"{reference_id} is taken by another video")
    now = clock.now_text()
    video = Video(
        id=uuid.uuid4().hex,
        title=_check_characters("Title", given.limited("Title", 128)),
        description=_check_characters("Description", given.limited("Description", 1024)),
        tags=_check_characters("Tags", check_tags(given.text("Tags"))),
        cate_id=given.integer("CateId", 0, least=0, most=2**53) or None,
        cover_url=given.text("CoverURL"),
        status=STAGE_STATUS[UPLOADING],
        stage=UPLOADING,
        creation_time=now,
        modification_time=now,
        template_group_id=_parse_group(cloud, call),
        storage_location=_parse_storage(call),
        app_id=given.text("AppId", "app-1000000"),
        reference_id=reference_id,
        user_data=given.user_data(),
        file_name=PurePosixPath(given.required("FileName")).name,
    )
    _parse_extension(video.file_name)
    insert_video(tx, video)
    call.video_ids.append(video.id)
    call.effect = {"video_id": video.id}
    emit_change(cloud, tx, None, video)
    return _credentials(cloud, tx, video)


def _check_characters(name: str, text: str) -> str:
    if _ILLEGAL.search(text):
        message = f"The parameter {name} contains characters that are not allowed, such as emoji."
        raise ApiError("IllegalCharacters", 400, message)
    return text


def _parse_extension(file_name: str) -> str:
    stem, dot, extension = file_name.rpartition(".")
    if not stem or not dot or not _EXTENSION.fullmatch(extension):
        message = "FileName must end in an extension such as .mp4."
        raise ApiError("InvalidFileName.Extension", 400, message)
    return extension.lower()


def _parse_group(cloud: Cloud, call: Call) -> str:
    """The template group of the upload, by default the standard group."""
    group_id = call.parameters.text("TemplateGroupId", cloud.settings.standard_group)
    if group_id not in cloud.groups:
        message = f"The template group {group_id} does not exist."
        raise ApiError("InvalidTemplateGroupId.NotFound", 404, message)
    return group_id


def _parse_storage(call: Call) -> str:
    location = call.parameters.text("StorageLocation", BUCKET)
    if location != BUCKET:
        message = f"The storage location {location} does not exist."
        raise ApiError("InvalidStorage.NotFound", 404, message)
    return location


@operation("RefreshUploadVideo", qps=80, is_writing=True)
def refresh_upload_video(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """A new credential, also to replace the file of an existing video."""
    video = cloud.videos.ensure_stored(tx, get_named_video(cloud, tx, call))
    return _credentials(cloud, tx, video)


def _credentials(cloud: Cloud, tx: sqlite3.Connection, video: Video) -> Answer:
    token = secrets.token_urlsafe(32)
    expires = clock.now() + timedelta(seconds=CREDENTIAL_SECONDS)
    extension = _parse_extension(video.file_name)
    key = f"{video.id}/source-{secrets.token_hex(4)}.{extension}"
    upload = {
        "token": token,
        "video_id": video.id,
        "object_key": key,
        "expires_at": clock.format_time(expires),
    }
    insert(tx, "uploads", upload)
    address = {"Endpoint": cloud.address, "Bucket": BUCKET, "FileName": key}
    auth = {
        "AccessKeyId": f"STS.{secrets.token_hex(8)}",
        "AccessKeySecret": secrets.token_hex(16),
        "SecurityToken": token,
        "Expiration": str(CREDENTIAL_SECONDS),
        "ExpireUTCTime": clock.format_time(expires),
        "Region": REGION,
    }
    return {
        "VideoId": video.id,
        "UploadAddress": _encode(address),
        "UploadAuth": _encode(auth),
    }


def _encode(value: dict[str, str]) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()
