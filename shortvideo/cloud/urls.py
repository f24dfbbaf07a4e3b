"""Media URLs: the mirror keeps host and path, and the one function that signs them is here."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from django.conf import settings

from shortvideo.cloud.types import MediaPath

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def host_and_path(url: str) -> MediaPath:
    """Return `host/path` of a URL with or without scheme; "" for what is no URL of a file.

    Scheme, user info, query and fragment go: the query of a signed URL is a secret for an hour.
    """
    text = url.strip()
    try:
        parts = urlsplit(text if SCHEME.match(text) else f"//{text.removeprefix('//')}")
        host = parts.netloc.rpartition("@")[2].lower()
    except ValueError:  # an unbalanced bracket in the host
        return MediaPath("")
    return MediaPath(f"{host}{parts.path}") if host and parts.path.strip("/") else MediaPath("")


def is_on_cdn(path: str) -> bool:
    """Whether `host/path` lies on one of our play domains; the CDN refuses to touch any other."""
    host = path.partition("/")[0].lower()
    return host in {domain.lower() for domain in settings.CDN_DOMAINS}


def media_url(path: MediaPath, *, ttl_seconds: int, now: datetime) -> str:
    """Return the URL that shows `path` until `now` plus `ttl_seconds`; "" for no path.

    Signed as CDN URL authentication type A when MEDIA_URL_AUTH_KEY is set. The CDN honours a URL
    for MEDIA_URL_AUTH_VALIDITY seconds after the moment it carries, so that moment is chosen to
    make the URL end when asked.
    """
    if not path:
        return ""
    host, _, key = path.partition("/")
    # The CDN signs the path as it is requested, so it is encoded first; what is encoded stays.
    encoded = quote(LONE_PERCENT.sub("%25", f"/{key}"), safe="/%~!$&'()*+,;=:@")
    url = f"{settings.MEDIA_URL_SCHEME}://{host}{encoded}"
    secret = settings.MEDIA_URL_AUTH_KEY
    if not secret:
        return url
    validity = timedelta(seconds=settings.MEDIA_URL_AUTH_VALIDITY)
    moment = int((now.astimezone(UTC) + timedelta(seconds=ttl_seconds) - validity).timestamp())
    prefix = f"{moment}-0-0"
    digest = hashlib.md5(f"{encoded}-{prefix}-{secret}".encode()).hexdigest()  # noqa: S324 - the CDN's scheme
    return f"{url}?auth_key={prefix}-{digest}"
