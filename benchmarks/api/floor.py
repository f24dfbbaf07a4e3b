"""The floor: the least that an answer costs, without any framework and with totals for nothing."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

import orjson

from benchmarks.api.opponent import VIDEO_COLUMNS, Environ, application_of, document, query
from benchmarks.api.targets import CALLBACK_KEY, CALLBACK_PATH, CALLBACK_URL

_LISTS: Final = "v.snapshots, v.files"
_PAGE: Final = f"""SELECT {VIDEO_COLUMNS}, {_LISTS}
    FROM videos_video v LEFT JOIN accounts_uploader u ON u.id = v.uploader_id
    WHERE v.deleted_at IS NULL AND {{condition}}
    ORDER BY v.creation_time DESC, v.id DESC LIMIT %s OFFSET %s"""
_ALL: Final = _PAGE.format(condition="true")
_OF_STATUS: Final = _PAGE.format(condition="v.censor_status = %s")
_TOTAL: Final = "SELECT sum(number)::bigint FROM bench_total"
_TOTAL_OF_STATUS: Final = "SELECT number FROM bench_total WHERE censor_status = %s"
_ONE: Final = f"""SELECT {VIDEO_COLUMNS}, {_LISTS}
    FROM videos_video v LEFT JOIN accounts_uploader u ON u.id = v.uploader_id
    WHERE v.deleted_at IS NULL AND v.vod_id = %s"""
_STORE: Final = """WITH event AS (
        INSERT INTO videos_vodevent (event_type, media_id, dedupe_key, body, state, error,
            received_at, event_time)
        VALUES (%s, %s, %s, %s::jsonb, 'waiting', '', now(), %s::timestamptz)
        ON CONFLICT (dedupe_key) DO NOTHING RETURNING id, media_id)
    INSERT INTO outbox_delivery (kind, subject, payload, state, due_at, is_superseding, attempts,
        claim_count, broken_lease_count, fault_count, error_code, error, error_request_id, result,
        created_at)
    SELECT 'process_event', media_id, jsonb_build_object('event', id), 'waiting', now(), false, 0,
        0, 0, 0, '', '', '', '{}', now() FROM event"""


def _document(row: Any) -> dict[str, Any]:
    *facts, snapshots, files = row
    return document(facts, snapshots, [file["path"] for file in files])


def _get_videos(parameters: dict[str, str]) -> object:
    size, status = int(parameters["pageSize"]), parameters.get("censorStatus")
    bounds = [size, (int(parameters["pageIndex"]) - 1) * size]
    total = query(_TOTAL_OF_STATUS, [status]) if status else query(_TOTAL)
    rows = query(_OF_STATUS, [status, *bounds]) if status else query(_ALL, bounds)
    return {"total": total[0][0], "videoList": [_document(row) for row in rows]}


def _get_video(parameters: dict[str, str]) -> object:
    video = _document(query(_ONE, [parameters["videoId"]])[0])
    files = video.pop("fileUrlList")
    return {**video, "fileUrilList": files, "fileUrlList": files}


def _store_event(environ: Environ, start_response: Callable[..., object]) -> list[bytes]:
    text = f"{CALLBACK_URL}|{environ['HTTP_X_VOD_TIMESTAMP']}|{CALLBACK_KEY}"
    signature = hashlib.md5(text.encode()).hexdigest()
    if not hmac.compare_digest(signature, environ["HTTP_X_VOD_SIGNATURE"]):
        start_response("403 Forbidden", [])
        return [b""]
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    event = orjson.loads(body)
    key = hashlib.sha256(body).hexdigest()
    values = [event["EventType"], event["VideoId"], key, body.decode(), event["EventTime"]]
    query(_STORE, values)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"OK\n"]


_answer = application_of(
    {"/console/vod/getVideos": _get_videos, "/console/vod/getVideoById": _get_video}
)


def application(environ: Environ, start_response: Callable[..., object]) -> list[bytes]:
    is_callback = environ["PATH_INFO"] == CALLBACK_PATH
    return (_store_event if is_callback else _answer)(environ, start_response)
