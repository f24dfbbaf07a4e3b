"""URLs of media under the CDN domain, and authentication type A, which signs them."""

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

_AUTH_KEY = re.compile(r"(\d{10})-([0-9A-Za-z]+)-([0-9A-Za-z]+)-([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class MediaUrls:
    """Builds and checks URLs. An empty `key` leaves them unsigned and open."""

    domain: str
    key: str
    ttl_seconds: int

    def key_of(self, target: str) -> str:
        """The object key that a target names: itself, or within a URL of this CDN; else empty."""
        base = f"http://{self.domain}/"
        if "://" not in target:
            return target
        return unquote(target.removeprefix(base)) if target.startswith(base) else ""

    def plain(self, target: str) -> str:
        """The URL of an object key, unsigned, as events carry it; a URL stays what it is."""
        key = self.key_of(target)
        return f"http://{self.domain}/{quote(key)}" if key else target

    def signed(self, target: str) -> str:
        """The URL of an object key, signed when URL authentication is on."""
        url, key = self.plain(target), self.key_of(target)
        if not self.key or not key:
            return url
        timestamp, nonce = int(time.time()), secrets.token_hex(8)
        digest = self._digest(f"/{quote(key)}", str(timestamp), nonce, "0")
        return f"{url}?auth_key={timestamp}-{nonce}-0-{digest}"

    def accepts(self, path: str, auth_key: str) -> bool:
        """Whether `auth_key` opens the path (as requested, still percent-encoded) now."""
        if not self.key:
            return True
        match = _AUTH_KEY.fullmatch(auth_key)
        if match is None:
            return False
        timestamp, nonce, user, digest = match.groups()
        expected = self._digest(path, timestamp, nonce, user)
        is_fresh = time.time() <= int(timestamp) + self.ttl_seconds
        return hmac.compare_digest(expected, digest) and is_fresh

    def _digest(self, path: str, timestamp: str, nonce: str, user: str) -> str:
        text = f"{path}-{timestamp}-{nonce}-{user}-{self.key}"
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def owner_of(key: str) -> str:
    """The id of the video that an object key belongs to, going by the key alone."""
    return key.removeprefix("catalogue/").partition("/")[0]


def split_object_path(object_path: str) -> tuple[str, str] | None:
    """Domain and path of `domain/path` or of a URL, without query; None when malformed."""
    parts = urlsplit(object_path if "://" in object_path else f"http://{object_path}")
    if not parts.netloc or not parts.path or parts.scheme not in ("http", "https"):
        return None
    return parts.netloc, parts.path
