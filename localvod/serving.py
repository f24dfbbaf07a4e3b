"""Media over HTTP: uploads by PUT; files by GET, with Range, URL authentication and purges."""

import hashlib
import re
import secrets
import sqlite3
import time
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from localvod import clock
from localvod.cdn import owner_of
from localvod.cloud import Cloud
from localvod.operations.uploads import BUCKET
from localvod.placeholders import placeholder_for
from localvod.store.videos import UPLOADED

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, OPTIONS",
    "Access-Control-Allow-Headers": "*",
}
_HLS_TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}
_RANGE = r"(?:\d{1,20}-(?:\d{1,20})?|-\d{1,20})"
_RANGES = re.compile(rf"bytes=\s*{_RANGE}(?:\s*,\s*{_RANGE})*\s*", re.IGNORECASE)


class Media:
    """The endpoints of the CDN domain and of the upload address."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def preflight(self, _: Request) -> Response:
        return Response(status_code=204, headers=_CORS)

    async def get(self, request: Request) -> Response:
        """A media file; 403 without a valid signature or after a purge, 404 for an unknown key."""
        raw_path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
        key = request.path_params["key"]
        auth_key = request.query_params.get("auth_key", "")
        if not self._cloud.urls.accepts(raw_path, auth_key):
            return _refusal(403, "The URL is not signed, wrongly signed or expired.")
        is_granted = self._cloud.urls.is_granted(raw_path, auth_key)
        status = await run_in_threadpool(self._status, key, is_granted=is_granted)
        if status != 200:
            return _refusal(status, "Purged." if status == 403 else "There is no such object.")
        path = self._cloud.settings.media_root / key
        if path.is_file():
            if not _is_range(request.headers.get("range", "")):
                request.scope["headers"] = [
                    (name, value) for name, value in request.scope["headers"] if name != b"range"
                ]
            return FileResponse(path, headers=_CORS, media_type=_HLS_TYPES.get(path.suffix))
        content, media_type = placeholder_for(key)
        return Response(content, media_type=media_type, headers=_CORS)

    def _status(self, key: str, *, is_granted: bool) -> int:
        """200, 403 after a purge, or 404 for an unknown key.

        A reviewer's grant overrides a purge until the video is deleted.
        """
        if ".." in key.split("/"):
            return 404
        connection = self._cloud.database.reader()
        if _is_expired_frame(connection, key):
            return 404
        row = connection.execute("SELECT * FROM objects WHERE object_key = ?", (key,)).fetchone()
        video = self._cloud.videos.find(connection, row["video_id"] if row else owner_of(key))
        if row is None:
            if video is None or video.source_key:
                return 404
            # A blocked video without media: the CDN has no cached copy to serve.
            return 403 if video.status == "Blocked" and not is_granted else 200
        if video is not None and (video.status == "Normal" or is_granted):
            return 200
        is_purged = row["purged_at"] is not None and row["purged_at"] <= time.time()
        return 403 if is_purged else 200

    async def put(self, request: Request) -> Response:
        """Receive the file of an upload; its credential is from CreateUploadVideo."""
        bucket, _, key = request.path_params["key"].partition("/")
        token = request.headers.get("x-oss-security-token", "")
        upload = await run_in_threadpool(self._find_upload, token)
        if bucket != BUCKET or upload is None or upload["object_key"] != key:
            return _refusal(403, "The upload credential is unknown, expired or of another file.")
        part = self._cloud.settings.media_root / f".{secrets.token_hex(8)}.part"
        try:
            size, md5 = await _receive(request, part)
            await run_in_threadpool(self._adopt_source, upload, part, size, md5)
        except ClientDisconnect:
            return _refusal(400, "The upload was broken off.")
        finally:
            part.unlink(missing_ok=True)
        return Response(status_code=200, headers={**_CORS, "ETag": f'"{md5.upper()}"'})

    def _find_upload(self, token: str) -> Any:
        return (
            self._cloud.database.reader()
            .execute(
                "SELECT * FROM uploads WHERE token = ? AND expires_at >= ?",
                (token, clock.now_text()),
            )
            .fetchone()
        )

    def _adopt_source(self, upload: sqlite3.Row, part: Path, size: int, md5: str) -> None:
        """Make a complete file the source of its video, and start the ingest."""
        key = upload["object_key"]
        target = self._cloud.settings.media_root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._cloud.database.transaction() as tx:
            video = self._cloud.videos.find(tx, upload["video_id"])
            if video is None:
                return  # deleted during the upload
            part.replace(target)
            video = self._cloud.videos.change(
                tx,
                video,
                stage=UPLOADED,
                audit_status=None,  # the earlier review was of the earlier source
                size=size,
                source_key=key,
                source_md5=md5,
                source_version=video.source_version + 1,
                source_time=clock.now_text(),
                is_ingested=0,
            )
            tx.execute(
                "INSERT OR REPLACE INTO objects (object_key, video_id, kind) VALUES (?, ?, ?)",
                (key, video.id, "source"),
            )
            self._cloud.emit_upload(tx, video)
            self._cloud.jobs.mark_new()


def _is_expired_frame(connection: sqlite3.Connection, key: str) -> bool:
    """Whether the key is a frame of a machine review that ended more than two weeks ago."""
    job_id = key.partition("/review/")[2].partition("/")[0]
    row = connection.execute(
        "SELECT complete_time FROM review_jobs WHERE id = ?", (job_id,)
    ).fetchone()
    return row is not None and (row["complete_time"] or clock.now_text()) < clock.ago(days=14)


async def _receive(request: Request, part: Path) -> tuple[int, str]:
    """Write a body to a file; returns its size in bytes and its MD5."""
    size, digest = 0, hashlib.md5(usedforsecurity=False)
    with part.open("wb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            digest.update(chunk)
            file.write(chunk)
    return size, digest.hexdigest()


def _is_range(header: str) -> bool:
    """Whether a Range header is well formed; another one is ignored (RFC 9110, section 14.2)."""
    bounds = re.findall(r"(\d+)-(\d+)", header)
    return bool(_RANGES.fullmatch(header)) and all(int(one) <= int(two) for one, two in bounds)


def _refusal(status: int, sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers=_CORS)
