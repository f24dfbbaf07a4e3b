"""Media: uploads by PUT, and files by GET with Range, URL authentication and purges."""

import hashlib
import secrets
import sqlite3
import time
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from localvod import clock, placeholders
from localvod.cdn import owner_of
from localvod.cloud import Cloud
from localvod.operations.uploads import BUCKET
from localvod.store.videos import UPLOADED

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, OPTIONS",
    "Access-Control-Allow-Headers": "*",
}


class Media:
    """The endpoints of the CDN domain and of the upload address."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def preflight(self, _: Request) -> Response:
        return Response(status_code=204, headers=CORS)

    async def get(self, request: Request) -> Response:
        """A media file. 403: not signed as it must be, or purged; 404: not there."""
        raw_path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
        key = request.path_params["key"]
        auth_key = request.query_params.get("auth_key", "")
        if not self._cloud.urls.accepts(raw_path, auth_key):
            return _refused(403, "The URL is not signed, wrongly signed or expired.")
        is_granted = self._cloud.urls.is_granted(raw_path, auth_key)
        status = await run_in_threadpool(self._status, key, is_granted=is_granted)
        if status != 200:
            return _refused(status, "Purged." if status == 403 else "There is no such object.")
        path = self._cloud.settings.media_root / key
        if path.is_file():
            return FileResponse(path, headers=CORS)
        content, media_type = placeholders.of(key)
        return Response(content, media_type=media_type, headers=CORS)

    def _status(self, key: str, *, is_granted: bool) -> int:
        """200 to serve it, 403 when it was purged, 404 when nothing is known of it.

        A reviewer's grant is as good as no purge, as long as there is a video to review.
        """
        if ".." in key.split("/"):
            return 404
        connection = self._cloud.database.read()
        row = connection.execute("SELECT * FROM objects WHERE object_key = ?", (key,)).fetchone()
        video = self._cloud.videos.find(connection, row["video_id"] if row else owner_of(key))
        if row is None:
            if video is None or video.source_key:
                return 404
            # Of a blocked one no copy was ever cached that the CDN could go on serving.
            return 403 if video.status == "Blocked" and not is_granted else 200
        if video is not None and (video.status == "Normal" or is_granted):
            return 200
        is_purged = row["purged_at"] is not None and row["purged_at"] <= time.time()
        return 403 if is_purged else 200

    async def put(self, request: Request) -> Response:
        """The file of an upload, with the credential of CreateUploadVideo."""
        bucket, _, key = request.path_params["key"].partition("/")
        token = request.headers.get("x-oss-security-token", "")
        upload = await run_in_threadpool(self._find_upload, token)
        if bucket != BUCKET or upload is None or upload["object_key"] != key:
            return _refused(403, "The upload credential is unknown, expired or of another file.")
        part = self._cloud.settings.media_root / f".{secrets.token_hex(8)}.part"
        try:
            size, md5 = await _receive(request, part)
            await run_in_threadpool(self._accept, upload, part, size, md5)
        except ClientDisconnect:
            return _refused(400, "The upload was broken off.")
        finally:
            part.unlink(missing_ok=True)
        return Response(status_code=200, headers={**CORS, "ETag": f'"{md5.upper()}"'})

    def _find_upload(self, token: str) -> Any:
        return (
            self._cloud.database.read()
            .execute(
                "SELECT * FROM uploads WHERE token = ? AND expires_at >= ?",
                (token, clock.now_text()),
            )
            .fetchone()
        )

    def _accept(self, upload: sqlite3.Row, part: Path, size: int, md5: str) -> None:
        """Put a complete file in its place and begin with all that follows an upload."""
        key = upload["object_key"]
        target = self._cloud.settings.media_root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._cloud.database.write() as tx:
            video = self._cloud.videos.find(tx, upload["video_id"])
            if video is None:
                return  # deleted while its file was on its way
            part.replace(target)
            video = self._cloud.videos.change(
                tx,
                video,
                stage=UPLOADED,
                audit_status=None,  # a review belongs to one source
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


async def _receive(request: Request, part: Path) -> tuple[int, str]:
    """Write a body to a file as it comes; returns its size in bytes and its MD5."""
    size, digest = 0, hashlib.md5(usedforsecurity=False)
    with part.open("wb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            digest.update(chunk)
            file.write(chunk)
    return size, digest.hexdigest()


def _refused(status: int, sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers=CORS)
