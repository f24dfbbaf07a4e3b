"""Media URLs: the mirror stores host and path; only `media_url` signs them."""

import hashlib
import re
from datetime import datetime
from functools import cache
from urllib.parse import quote, urlsplit

from django.conf import settings

from shortvideo.cloud.types import MediaPath

# A usual URL, whose host and path stay as they are; to parse any other takes six times as long.
_USUAL_URL = re.compile(
    r"""https?://([a-z0-9.:-]+/+[!"$-.0->@-~][!"$->@-~]*)(?:[?#][!-~]*)?""", re.ASCII
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".heic", ".avif")
_PLAIN = re.compile(r"[\w/.~!$&'()*+,;=:@-]*", re.ASCII)  # what `quote` keeps
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def host_and_path(url: str) -> MediaPath:
    """Return `host/path` of a URL with or without scheme; "" if it is not the URL of a file.

    Drops scheme, user info, query and fragment: the query of a signed URL is secret for an hour.
    """
    if usual := _USUAL_URL.fullmatch(url):
        return MediaPath(usual[1])
    text = url.strip()
    try:
        parts = urlsplit(text if _SCHEME.match(text) else f"//{text.removeprefix('//')}")
        host = parts.netloc.rpartition("@")[2].lower()
    except ValueError:  # an unbalanced bracket in the host
        return MediaPath("")
    return MediaPath(f"{host}{parts.path}") if host and parts.path.strip("/") else MediaPath("")


def is_on_cdn(path: str) -> bool:
    """Whether the host is one of our play domains; the CDN refuses to purge or prefetch others."""
    host = path.partition("/")[0].lower()
    return host in _play_domains()


def _play_domains() -> frozenset[str]:
    return _in_lower_case(tuple(settings.CDN_DOMAINS))


@cache
def _in_lower_case(domains: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(str.lower, domains))


def is_of_vod(path: str) -> bool:
    """Whether the host is a play domain of ours, or storage of Alibaba Cloud, as VOD's own is."""
    return is_on_cdn(path) or path.partition("/")[0].endswith(".aliyuncs.com")


def is_playlist(path: str) -> bool:
    """Whether the file is an HLS playlist: its segments are files of their own."""
    return path.lower().endswith(".m3u8")


def is_picture(path: str) -> bool:
    """Whether the path names a picture.

    Apps and uploaders write covers and avatars: a signature for the path of a stream would play it.
    """
    return path.lower().endswith(_PICTURES)


def media_url(path: MediaPath, *, ttl_seconds: int, now: datetime) -> str:
    """Return a URL of `path` that is valid until `now` plus `ttl_seconds`; "" for no path."""
    return UrlSigner(ttl_seconds=ttl_seconds, now=now).sign(path)


class UrlSigner:
    """Makes URLs of media that are valid until `now` plus `ttl_seconds`.

    With MEDIA_URL_AUTH_KEY they have a signature of CDN URL authentication, type A, if they are on
    a play domain: another host could use the signature to fetch the same path there. The CDN
    accepts a signature for MEDIA_URL_AUTH_VALIDITY seconds after the time in it. Example: validity
    1,800, ttl 600: the time in the signature is 1,200 seconds ago.
    """

    def __init__(self, *, ttl_seconds: int, now: datetime) -> None:
        secret = settings.MEDIA_URL_AUTH_KEY
        moment = int(now.timestamp()) + ttl_seconds - settings.MEDIA_URL_AUTH_VALIDITY
        prefix = f"{moment}-0-0"
        self._scheme = f"{settings.MEDIA_URL_SCHEME}://"
        self._signed_hosts = _play_domains() if secret else frozenset()
        self._end_of_text = f"-{prefix}-{secret}"
        self._query = f"?auth_key={prefix}-"

    def sign(self, path: str) -> str:
        """Return the URL of `host/path`; "" for no path."""
        if not path:
            return ""
        host, _, key = path.partition("/")
        # The CDN signs the path as requested: encode it first, but keep what is encoded already.
        if _PLAIN.fullmatch(key):
            encoded = f"/{key}"
        else:
            encoded = quote(_LONE_PERCENT.sub("%25", f"/{key}"), safe="/%~!$&'()*+,;=:@")
        url = f"{self._scheme}{host}{encoded}"
        if host not in self._signed_hosts and host.lower() not in self._signed_hosts:
            return url
        text = f"{encoded}{self._end_of_text}"
        digest = hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - the CDN's scheme
        return f"{url}{self._query}{digest}"
