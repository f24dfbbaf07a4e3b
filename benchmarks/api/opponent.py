"""What the floor and the reference share: connections, tokens, signatures, answers.

Both are bare WSGI applications: psycopg with prepared statements and binary results, orjson, and
nothing else. They read the tables of this project.
"""

import hashlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
import psycopg
from psycopg.types.json import set_json_loads

Environ = Mapping[str, Any]
Operation = Callable[[dict[str, str]], object]

DATABASE_URL: Final = os.environ["DATABASE_URL"].replace("postgres://", "postgresql://")
SECRET: Final = os.environ["MEDIA_URL_AUTH_KEY"]
URL_TTL: Final = 3600
URL_TTL_UNPUBLISHED: Final = 600
URL_VALIDITY: Final = 1800
TOKEN_TTL: Final = "30 days"

VIDEO_COLUMNS: Final = """v.id, v.vod_id, v.title, v.description, v.duration, v.cover,
    to_char(v.creation_time, 'YYYY-MM-DD HH24:MI:SS.MS'), v.status, v.first_frame, v.size,
    v.cate_id, v.cate_name, v.tags, v.share_url, u.user_id, u.user_name, u.avatar_url,
    v.transcode_status, v.snapshot_status, v.censor_status, v.narrow_transcode_status,
    EXISTS (SELECT 1 FROM recommendations_recommendation r WHERE r.video_id = v.id)"""
_TOKEN: Final = f"""SELECT o.id FROM accounts_consoletoken t JOIN accounts_operator o
    ON o.id = t.operator_id WHERE t.token_hash = %s AND o.is_active AND o.is_staff
    AND t.last_used_at > now() - interval '{TOKEN_TTL}' AND t.expires_at > now()"""

set_json_loads(orjson.loads)
_local = threading.local()


def query(sql: str, values: Any = ()) -> list[Any]:
    """Run one prepared statement on the thread's connection. Returns its rows."""
    cursor: psycopg.Cursor[Any] | None = getattr(_local, "cursor", None)
    if cursor is None:
        connection = psycopg.connect(
            DATABASE_URL,
            autocommit=True,
            prepare_threshold=0,
            options="-c timezone=Asia/Shanghai -c jit=off",
        )
        cursor = _local.cursor = connection.cursor(binary=True)
    cursor.execute(sql.encode(), values)
    return cursor.fetchall() if cursor.description else []


def signer(is_published: bool) -> Callable[[str], str]:  # noqa: FBT001 - a column of the table
    """Return a function that signs `host/path`. Paths of the data need no encoding."""
    ttl = URL_TTL if is_published else URL_TTL_UNPUBLISHED
    prefix = f"{int(time.time()) + ttl - URL_VALIDITY}-0-0"
    tail, query_text = f"-{prefix}-{SECRET}", f"?auth_key={prefix}-"
    md5 = hashlib.md5

    def sign(path: str) -> str:
        digest = md5(f"{path[path.index('/') :]}{tail}".encode()).hexdigest()
        return f"https://{path}{query_text}{digest}"

    return sign


def document(row: Any, snapshots: Iterable[str], files: Iterable[str]) -> dict[str, Any]:
    """The Video object of a list. `row` has VIDEO_COLUMNS."""
    (
        pk, vod_id, title, description, duration, cover, created, status, first_frame, size,
        cate_id, cate_name, tags, share_url, user_id, user_name, avatar,
        transcode, snapshot, censor, narrow, is_recommended,
    ) = row  # fmt: skip
    sign = signer(censor == "success")
    snapshot_urls = [sign(path) for path in snapshots]
    return {
        "id": str(pk),
        "videoId": vod_id,
        "title": title,
        "description": description,
        "duration": int(duration + 0.5),
        "coverUrl": sign(cover),
        "creationTime": created[:21],
        "status": status,
        "firstFrameUrl": sign(first_frame),
        "size": size,
        "cateId": cate_id,
        "cateName": cate_name,
        "tags": tags,
        "shareUrl": share_url,
        "user": {
            "userId": user_id or "",
            "userName": user_name or "",
            "avatarUrl": sign(avatar.removeprefix("https://")) if avatar else "",
        },
        "transcodeStatus": transcode,
        "snapshotStatus": snapshot,
        "censorStatus": censor,
        "narrowTranscodeStatus": narrow,
        "isRecommend": "true" if is_recommended else "false",
        "SnapshotList": snapshot_urls,
        "snapshotList": snapshot_urls,
        "fileUrlList": [sign(path) for path in files],
    }


def application_of(operations: Mapping[str, Operation]) -> Callable[..., list[bytes]]:
    """A WSGI application that checks the token, then answers an operation with an envelope."""

    def application(environ: Environ, start_response: Callable[..., object]) -> list[bytes]:
        parameters = dict(parse_qsl(environ["QUERY_STRING"]))
        token = hashlib.sha256(environ["HTTP_AUTHORIZATION"][7:].encode()).hexdigest()
        if not query(_TOKEN, (token,)):
            start_response("403 Forbidden", [])
            return [b""]
        request_id = str(uuid.uuid4())
        body = orjson.dumps(
            {
                "result": "true",
                "requestId": request_id,
                "message": "",
                "code": "200",
                "data": operations[environ["PATH_INFO"]](parameters),
            }
        )
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("X-Request-Id", request_id),
        ]
        start_response("200 OK", headers)
        return [body]

    return application
