"""Media files on the CDN: whether it still serves a file, and copies of pictures."""

from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Final

import requests

from shortvideo.cloud import transport
from shortvideo.cloud.errors import CloudRejected, CloudUnavailable
from shortvideo.cloud.types import MediaPath
from shortvideo.cloud.urls import media_url

_TTL_SECONDS: Final = 60  # of a signed URL, which is used at once
_GONE: Final = (403, 404, 410)  # forbidden, not found, gone
# Pictures that browsers show and that hold no script (an SVG may).
_EXTENSIONS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
}


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    extension: str


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

    def picture(self, path: MediaPath) -> Picture:
        """Return a picture.

        Raises CloudUnavailable, and CloudRejected if the CDN does not serve the file or the file
        is not a picture.
        """
        answer = self._fetch("GET", path)
        if answer.status_code in _GONE:
            raise CloudRejected(
                f"The CDN does not serve the file any more (HTTP {answer.status_code}).",
                code=f"HTTP{answer.status_code}",
            )
        content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if content_type not in _EXTENSIONS or not answer.content:
            raise CloudRejected(
                f"The CDN answers with {content_type[:40] or 'nothing'!r} instead of a picture.",
                code="NoPicture",
            )
        return Picture(answer.content, _EXTENSIONS[content_type])

    def _fetch(self, method: str, path: MediaPath) -> requests.Response:
        url = media_url(path, ttl_seconds=_TTL_SECONDS, now=datetime.now(UTC))
        try:
            with transport.bounded_call(deadline_seconds=self._deadline_seconds, proxy=self._proxy):
                answer = self._session.request(method, url, allow_redirects=False)
        except (requests.RequestException, transport.TransportError, OSError) as error:
            raise CloudUnavailable(f"The CDN did not give an answer: {_reason(error)}.") from None
        if answer.status_code in _GONE or answer.status_code < 300:
            return answer
        raise CloudUnavailable(f"The CDN answered with HTTP {answer.status_code}.")


def _reason(error: Exception) -> str:
    """Return a reason that is safe to show: other errors' texts may hold the signed URL."""
    is_ours = isinstance(error, transport.TransportError) or type(error) is OSError
    return str(error) if is_ours else "the request cannot be sent"
