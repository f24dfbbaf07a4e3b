"""Media files on the CDN: whether it serves a file, copies of pictures, what a playlist names."""

import re
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Final
from urllib.parse import urljoin

import requests

from shortvideo.cloud import transport
from shortvideo.cloud.errors import CloudRejected, CloudUnavailable
from shortvideo.cloud.types import MediaPath, Picture
from shortvideo.cloud.urls import host_and_path, is_on_cdn, is_playlist, media_url

_TTL_SECONDS: Final = 60  # of a signed URL, which is used at once
_MAX_SEGMENTS: Final = 2_000  # hours of video
_URI: Final = re.compile(r'URI="([^"]+)"')
_GONE: Final = (403, 404, 410)  # forbidden, not found, gone
# Pictures that browsers show and that hold no script (an SVG may).
_EXTENSIONS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
}


class MediaGateway:
    """Fetches by signed URL, through CLOUD_PROXY, within a deadline and up to 8 MiB."""

    def __init__(self, *, proxy: str, deadline_seconds: float) -> None:
        self._proxy = proxy
        self._deadline_seconds = deadline_seconds
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            adapter = transport.BoundedAdapter(pool_maxsize=transport.POOL_SIZE)
            self._session.mount(scheme, adapter)

    def is_served(self, path: MediaPath) -> bool:
        """Whether the CDN serves the file to a client with a valid URL.

        Raises CloudUnavailable if the answer does not tell; a redirect does not.
        """
        return self._fetch("HEAD", path).status_code not in _GONE

    def picture(self, path: MediaPath, *, signed_url: str = "") -> Picture:
        """Return a picture; `signed_url` is VOD's own URL of `path`, instead of one that we sign.

        Raises CloudUnavailable, and CloudRejected if the CDN does not serve the file or the file
        is not a picture.
        """
        answer = self._get(path, signed_url)
        content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if content_type not in _EXTENSIONS or not answer.content:
            raise CloudRejected(
                f"The CDN answers with {content_type[:40] or 'nothing'!r} instead of a picture.",
                code="NoPicture",
            )
        return Picture(answer.content, _EXTENSIONS[content_type])

    def segments(self, playlist: MediaPath) -> tuple[MediaPath, ...]:
        """Return the files on our play domains that an HLS playlist names, and the playlists in it.

        Raises CloudUnavailable, and CloudRejected if the CDN does not serve the playlist.
        """
        found: dict[MediaPath, None] = {}
        unread = [playlist]
        while unread and len(found) < _MAX_SEGMENTS:
            path = unread.pop(0)
            named = _files_in(self._get(path).content.decode("utf-8", "replace"), path)
            fresh = [file for file in named if file not in found and file != playlist]
            found |= dict.fromkeys(fresh)
            unread += [file for file in fresh if is_playlist(file)]
        return tuple(found)[:_MAX_SEGMENTS]

    def _get(self, path: MediaPath, signed_url: str = "") -> requests.Response:
        answer = self._fetch("GET", path, signed_url)
        if answer.status_code in _GONE:
            raise CloudRejected(
                f"The CDN does not serve the file any more (HTTP {answer.status_code}).",
                code=f"HTTP{answer.status_code}",
            )
        return answer

    def _fetch(self, method: str, path: MediaPath, signed_url: str = "") -> requests.Response:
        url = signed_url or media_url(path, ttl_seconds=_TTL_SECONDS, now=datetime.now(UTC))
        try:
            with transport.bounded_call(deadline_seconds=self._deadline_seconds, proxy=self._proxy):
                answer = self._session.request(method, url, allow_redirects=False)
        except (requests.RequestException, transport.TransportError, OSError) as error:
            raise CloudUnavailable(f"The CDN did not give an answer: {_reason(error)}.") from None
        if answer.status_code in _GONE or answer.status_code < 300:
            return answer
        raise CloudUnavailable(f"The CDN answered with HTTP {answer.status_code}.")


def _files_in(text: str, playlist: MediaPath) -> list[MediaPath]:
    """Return the files of a playlist's lines and of its tags' URIs (a key, an initialisation)."""
    lines = [line.strip() for line in text.splitlines()]
    names = [line for line in lines if line and not line.startswith("#")]
    names += [uri for line in lines if line.startswith("#") for uri in _URI.findall(line)]
    paths = [host_and_path(urljoin(f"https://{playlist}", name)) for name in names]
    return [path for path in paths if is_on_cdn(path)]


def _reason(error: Exception) -> str:
    """Return a reason that is safe to show: other errors' texts may hold the signed URL."""
    is_ours = isinstance(error, transport.TransportError) or type(error) is OSError
    return str(error) if is_ours else "the request cannot be sent"
