"""Upload files as an app does: CreateUploadVideo, then a PUT to the upload address."""

from __future__ import annotations

import argparse
import base64
import json
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx
from tqdm import tqdm

from localvod import clock
from localvod.settings import VERDICTS, raw_from_environment
from localvod.signature import authorization_header

_VOD_VERSION = "2017-03-21"
_CHUNK_BYTES = 256 * 1024
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class UploadError(Exception):
    """A failed upload; `code` is VOD's error code, '' without an answer."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class User:
    """The uploader as the app knows them; sent as Extend of UserData (at most 512 bytes)."""

    user_id: str
    user_name: str
    avatar_url: str = ""

    def as_user_data(self) -> str:
        extend = {
            "userId": self.user_id,
            "userName": self.user_name,
            "avatarUrl": self.avatar_url,
        }
        return json.dumps({"Extend": extend}, ensure_ascii=False)


class Uploader:
    """A client of one localvod, safe to use from any thread. Use it as a context manager."""

    def __init__(self, endpoint: str, access_key_id: str, access_key_secret: str) -> None:
        self._endpoint = endpoint
        self._access_key_id = access_key_id
        self._access_key_secret = access_key_secret
        # Without the environment's proxy variables: the calls go to this machine.
        self._http = httpx.Client(timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def upload(
        self,
        path: Path,
        *,
        title: str,
        description: str = "",
        tags: Sequence[str] = (),
        user: User | None = None,
        verdict: str | None = None,
        template_group: str | None = None,
        reference_id: str | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> str:
        """Upload a file as a new video and return its id. Raises UploadError.

        `verdict` (pass, review, block, error) becomes a tag, which decides localvod's machine
        review. `progress` is called with the size of each piece sent, in bytes.
        """
        all_tags = [*tags, f"verdict:{verdict}"] if verdict else list(tags)
        created = self.call(
            "CreateUploadVideo",
            Title=title,
            FileName=path.name,
            FileSize=str(path.stat().st_size),
            Description=description,
            Tags=",".join(all_tags),
            UserData=user.as_user_data() if user else "",
            TemplateGroupId=template_group or "",
            ReferenceId=reference_id or "",
        )
        self._put(path, created, progress)
        return str(created["VideoId"])

    def resume(
        self, video_id: str, path: Path, progress: Callable[[int], object] | None = None
    ) -> None:
        """Upload the file of a video again. Raises UploadError."""
        self._put(path, self.call("RefreshUploadVideo", VideoId=video_id), progress)

    def find(self, reference_id: str) -> Mapping[str, Any] | None:
        """The video with this ReferenceId, or None. Raises UploadError."""
        try:
            answer = self.call("GetVideoInfo", ReferenceId=reference_id)
        except UploadError as error:
            if error.code == "InvalidVideo.NotFound":
                return None
            raise
        video: Mapping[str, Any] = answer["Video"]
        return video

    def put_file(self, key: str, content: bytes) -> None:
        """Store a file that belongs to no video, such as an avatar. Raises UploadError."""
        self._send("PUT", f"http://{self._endpoint}/_localvod/files/{quote(key)}", content=content)

    def call(self, action: str, **parameters: str) -> dict[str, Any]:
        """Call a VOD operation, without empty parameters. Raises UploadError."""
        query = [(name, value) for name, value in parameters.items() if value]
        headers = {
            "host": self._endpoint,
            "x-acs-action": action,
            "x-acs-version": _VOD_VERSION,
            "x-acs-date": clock.format_time(clock.machine_now()),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": sha256(b"").hexdigest(),
        }
        signed = authorization_header(
            self._access_key_id, self._access_key_secret, query=query, headers=headers
        )
        answer = self._send(
            "POST",
            f"http://{self._endpoint}/?{urlencode(query)}",
            headers={**headers, "authorization": signed},
        )
        content: dict[str, Any] = answer.json()
        return content

    def _put(
        self, path: Path, created: Mapping[str, Any], progress: Callable[[int], object] | None
    ) -> None:
        address, auth = _decode(created["UploadAddress"]), _decode(created["UploadAuth"])
        endpoint = address["Endpoint"].removeprefix("http://")
        self._send(
            "PUT",
            f"http://{endpoint}/{quote(address['Bucket'])}/{quote(address['FileName'])}",
            headers={
                "x-oss-security-token": auth["SecurityToken"],
                "content-length": str(path.stat().st_size),
            },
            content=_pieces(path, progress),
        )

    def _send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterator[bytes] | None = None,
    ) -> httpx.Response:
        try:
            answer = self._http.request(method, url, headers=headers, content=content)
        except httpx.ConnectError as error:
            raise UploadError(
                f"Nothing answers at {self._endpoint}: is localvod running?"
            ) from error
        except httpx.HTTPError as error:
            raise UploadError(
                f"No answer from {self._endpoint}: {type(error).__name__}."
            ) from error
        if answer.is_success:
            return answer
        raise _refusal(answer)


def add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that name a localvod and its key; defaults are from the environment."""
    settings = raw_from_environment()
    parser.add_argument(
        "--endpoint",
        default=f"{settings.host}:{settings.port}",
        help="host:port of localvod (default %(default)s)",
    )
    parser.add_argument("--access-key-id", default=settings.access_key_id)
    parser.add_argument("--access-key-secret", default=settings.access_key_secret)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `upload`."""
    add_connection_arguments(parser)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--title", default="", help="title (default: the file's name)")
    parser.add_argument("--description", default="")
    parser.add_argument("--tags", default="", help="comma separated, at most 16")
    parser.add_argument("--user-id", default="", help="the uploader's id in the app")
    parser.add_argument("--user-name", default="")
    parser.add_argument("--avatar-url", default="")
    parser.add_argument("--verdict", choices=VERDICTS, help="verdict of the machine review")
    parser.add_argument("--template-group", default="", help="transcode with this template group")


def run(arguments: argparse.Namespace) -> int:
    """Upload the files and print their ids; returns the exit status."""
    try:
        _upload_all(arguments)
    except UploadError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _upload_all(arguments: argparse.Namespace) -> None:
    files: list[Path] = arguments.files
    for path in files:
        if not path.is_file():
            raise UploadError(f"{path} is not a file.")
    user = None
    if arguments.user_id:
        user = User(arguments.user_id, arguments.user_name, arguments.avatar_url)
    size = sum(path.stat().st_size for path in files)
    with (
        Uploader(arguments.endpoint, arguments.access_key_id, arguments.access_key_secret) as vod,
        tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar,
    ):
        for path in files:
            video_id = vod.upload(
                path,
                title=arguments.title or path.stem,
                description=arguments.description,
                tags=[tag for tag in arguments.tags.split(",") if tag],
                user=user,
                verdict=arguments.verdict,
                template_group=arguments.template_group,
                progress=bar.update,
            )
            print(video_id)


def _pieces(path: Path, progress: Callable[[int], object] | None) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            yield piece
            if progress is not None:
                progress(len(piece))


def _decode(value: str) -> dict[str, str]:
    decoded: dict[str, str] = json.loads(base64.b64decode(value))
    return decoded


def _refusal(answer: httpx.Response) -> UploadError:
    try:
        body = answer.json()
        return UploadError(f"{body['Code']}: {body['Message']}", body["Code"])
    except (ValueError, KeyError, TypeError):
        return UploadError(f"localvod answered {answer.status_code} without an error code.")
