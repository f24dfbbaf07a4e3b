"""GetVideoInfo, GetVideoInfos, UpdateVideoInfo, DeleteVideo, GetCategories."""

import json
import sqlite3
from typing import Any

from localvod import clock
from localvod.catalogue import CATEGORIES
from localvod.cloud import Cloud
from localvod.errors import ApiError, missing_parameter, video_not_found
from localvod.operations.parameters import Parameters, check_tags
from localvod.operations.registry import Answer, Call, operation
from localvod.store.videos import Video

BATCH = 20
CATEGORY_NAMES = dict(CATEGORIES)
BASE_COLUMNS = {
    "Title": "title",
    "Description": "description",
    "CoverURL": "cover_url",
    "CateId": "cate_id",
    "Tags": "tags",
}


def _video_facts(cloud: Cloud, video: Video) -> dict[str, Any]:
    """The fields common to GetVideoInfo and GetVideoInfos."""
    facts: dict[str, Any] = {
        "VideoId": video.id,
        "Title": video.title,
        "Description": video.description,
        "Tags": video.tags,
        "CateId": video.cate_id,
        "CateName": CATEGORY_NAMES.get(video.cate_id or 0),
        "CoverURL": cloud.urls.signed(video.cover_url),
        "Status": video.status,
        "Size": video.size,
        "Duration": video.duration,
        "CreationTime": video.creation_time,
        "ModificationTime": video.modification_time,
        "TemplateGroupId": video.template_group_id,
        "StorageLocation": video.storage_location,
        "AppId": video.app_id,
        "ReferenceId": video.reference_id,
        "UserData": video.user_data,
        "DownloadSwitch": "on",
        "StorageClass": "Standard",
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}


def get_named_video(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Video:
    """The video of a call's VideoId or ReferenceId. Raises ApiError if there is none."""
    video_id = call.parameters.text("VideoId")
    reference_id = call.parameters.text("ReferenceId")
    if not video_id and not reference_id:
        raise missing_parameter("VideoId")
    if not video_id:
        video_id = find_id_by_reference(connection, reference_id) or ""
    call.video_ids.append(video_id or reference_id)
    video = cloud.videos.find(connection, video_id)
    if video is None:
        raise video_not_found(video_id or reference_id)
    return video


def find_id_by_reference(connection: sqlite3.Connection, reference_id: str) -> str | None:
    row = connection.execute(
        "SELECT id FROM videos WHERE reference_id = ?", (reference_id,)
    ).fetchone()
    return None if row is None else str(row["id"])


@operation("GetVideoInfo", qps=100)
def get_video_info(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """One video; its snapshots are wrapped in an object."""
    video = get_named_video(cloud, connection, call)
    facts = _video_facts(cloud, video)
    if video.audit_status:
        facts["AuditStatus"] = video.audit_status
    snapshots = [cloud.urls.signed(target) for target in video.snapshots]
    return {"Video": {**facts, "RegionId": "cn-shanghai", "Snapshots": {"Snapshot": snapshots}}}


@operation("GetVideoInfos", qps=100)
def get_video_infos(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """Up to 20 videos; their snapshots are flat lists. Refused if all ids are unknown."""
    ids, references = _parse_ids(call.parameters, "InvalidParameter")
    found: list[Video] = []
    missing: dict[str, list[str]] = {"NonExistVideoIds": [], "NonExistReferenceIds": []}
    for name, values in (("NonExistVideoIds", ids), ("NonExistReferenceIds", references)):
        for value in values:
            video_id = (
                value if name == "NonExistVideoIds" else find_id_by_reference(connection, value)
            )
            video = cloud.videos.find(connection, video_id or "")
            if video is None:
                missing[name].append(value)
            else:
                found.append(video)
    if not found:
        raise video_not_found(", ".join(ids + references))
    call.video_ids.extend(video.id for video in found)
    return {"VideoList": [_list_entry(cloud, video) for video in found], **missing}


def _list_entry(cloud: Cloud, video: Video) -> dict[str, Any]:
    snapshots = [cloud.urls.signed(target) for target in video.snapshots]
    return {**_video_facts(cloud, video), "Snapshots": snapshots}


def _parse_ids(parameters: Parameters, code_when_too_many: str) -> tuple[list[str], list[str]]:
    ids, references = parameters.items("VideoIds"), parameters.items("ReferenceIds")
    if not ids and not references:
        raise missing_parameter("VideoIds")
    if len(ids) > BATCH or len(references) > BATCH:
        message = f"At most {BATCH} ids can be given at a time."
        raise ApiError(code_when_too_many, 400, message)
    return ids, references


@operation("UpdateVideoInfo", qps=100, is_writing=True)
def update_video_info(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Change the given fields only."""
    video, given = get_named_video(cloud, tx, call), call.parameters
    columns = {
        "Title": ("title", given.limited("Title", 128)),
        "Description": ("description", given.limited("Description", 1024)),
        "Tags": ("tags", check_tags(given.text("Tags"))),
        "CoverURL": ("cover_url", given.text("CoverURL")),
        "UserData": ("user_data", given.user_data()),
    }
    changes: dict[str, Any] = {
        column: value for name, (column, value) in columns.items() if name in given.values
    }
    if "CateId" in given.values:
        changes["cate_id"] = given.integer("CateId", 0, least=1, most=2**53)
    if not changes:
        return {}
    changed = cloud.videos.change(tx, video, **changes)
    call.effect = {"changed": sorted(changes)}
    emit_change(cloud, tx, video, changed)
    return {}


def emit_change(cloud: Cloud, tx: sqlite3.Connection, old: Video | None, new: Video | None) -> None:
    """Emit MediaBaseChangeComplete; `old` is None at a creation, `new` at a deletion.

    The values of MediaContent are JSON text.
    """
    if new is not None:
        video, mode = new, "update" if old else "create"
    elif old is not None:
        video, mode = old, "delete"
    else:
        raise ValueError("A change needs the old or the new video.")
    content = {
        name: json.dumps({"OldValue": before, "NewValue": after}, ensure_ascii=False)
        for name, before, after in (
            (name, getattr(old, column, None) or "", getattr(new, column, None) or "")
            for name, column in BASE_COLUMNS.items()
        )
        if before != after
    }
    if content:
        body = {
            "MediaId": video.id,
            "MediaType": "video",
            "OperateMode": mode,
            "MediaContent": content,
        }
        cloud.events.emit(
            tx,
            "MediaBaseChangeComplete",
            video,
            body,
        )


@operation("DeleteVideo", qps=30, is_writing=True)
def delete_video(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Delete up to 20 videos. The CDN serves their files until a purge."""
    ids, references = _parse_ids(call.parameters, "VideoIdsExceededMax")
    resolved = {reference: find_id_by_reference(tx, reference) for reference in references}
    videos = {video_id: cloud.videos.find(tx, video_id) for video_id in ids}
    videos |= {
        reference: cloud.videos.find(tx, video_id or "") for reference, video_id in resolved.items()
    }
    if not any(videos.values()):
        raise video_not_found(", ".join(videos))
    for video in videos.values():
        if video is not None:
            _delete(cloud, tx, video)
            call.video_ids.append(video.id)
    call.effect = {"deleted": call.video_ids}
    return {
        "NonExistVideoIds": [video_id for video_id in ids if videos[video_id] is None],
        "NonExistReferenceIds": [name for name in references if videos[name] is None],
        "ForbiddenVideoIds": [],
    }


def _delete(cloud: Cloud, tx: sqlite3.Connection, video: Video) -> None:
    cloud.jobs.cancel_video(tx, video.id)
    tx.execute("INSERT OR REPLACE INTO deleted_videos VALUES (?, ?)", (video.id, clock.now_text()))
    tx.execute("DELETE FROM videos WHERE id = ?", (video.id,))
    for table in ("transcode_tasks", "transcode_jobs", "snapshot_jobs", "audits", "uploads"):
        tx.execute(f"DELETE FROM {table} WHERE video_id = ?", (video.id,))
    tx.execute("DELETE FROM review_jobs WHERE media_id = ?", (video.id,))
    body = {"MediaId": video.id, "MediaType": "video", "DeleteType": "all"}
    cloud.events.emit(tx, "DeleteMediaComplete", video, body)
    emit_change(cloud, tx, video, None)


@operation("GetCategories", qps=50)
def get_categories(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """The three top categories, which are the children of CateId -1."""
    given = call.parameters
    given.page(size=10, most=100)
    kind = given.choice("Type", "default", "default", "material")
    cate_id = given.integer("CateId", -1, least=-1, most=2**53)
    if cate_id != -1 and cate_id not in CATEGORY_NAMES:
        raise ApiError("InvalidCateId.NotFound", 404, f"The category {cate_id} does not exist.")
    if cate_id != -1:
        category = _category(cate_id, kind)
        return {"Category": category, "SubTotal": 0, "SubCategories": {"Category": []}}
    children = [{**_category(number, kind), "SubTotal": 0} for number in CATEGORY_NAMES]
    return {"SubTotal": len(children), "SubCategories": {"Category": children}}


def _category(cate_id: int, kind: str) -> dict[str, Any]:
    return {
        "CateId": cate_id,
        "CateName": CATEGORY_NAMES[cate_id],
        "Level": 0,
        "ParentId": -1,
        "Type": kind,
    }
