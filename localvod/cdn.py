"""URLs of media under the CDN domain, and their signatures of authentication type A."""

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
    """Builds and checks URLs. With an empty `key` they are unsigned and open.

    Apps have `key` too. Only localvod has `grant_secret`, which signs the URLs of reviewers.
    """

    domain: str
    key: str
    ttl_seconds: int
    grant_secret: str

    def key_of(self, target: str) -> str:
        """The object key of a target (a key, or a URL of this CDN); '' for any other URL."""
        base = f"http://{self.domain}/"
        if "://" not in target:
            return target
        return unquote(target.removeprefix(base)) if target.startswith(base) else ""

    def plain(self, target: str) -> str:
        """The unsigned URL of an object key, as in events; another URL stays."""
        key = self.key_of(target)
        return f"http://{self.domain}/{quote(key)}" if key else target

    def signed(
        self, target: str, *, for_reviewer: bool = False, life_seconds: int | None = None
    ) -> str:
        """The URL of an object key, signed if URL authentication is on.

        It is valid for `life_seconds`, by default for `ttl_seconds`.
        A reviewer's URL is always signed. Its uid is a grant, which overrides a purge.
        """
        url, key = self.plain(target), self.key_of(target)
        if not key or not (self.key or for_reviewer):
            return url
        begin = time.time() + (life_seconds or self.ttl_seconds) - self.ttl_seconds
        path, timestamp, nonce = f"/{quote(key)}", str(int(begin)), secrets.token_hex(8)
        user = self._grant(path, timestamp, nonce) if for_reviewer else "0"
        digest = self._digest(path, timestamp, nonce, user)
        return f"{url}?auth_key={timestamp}-{nonce}-{user}-{digest}"

    def accepts(self, path: str, auth_key: str) -> bool:
        """Whether `auth_key` is valid for the path (percent-encoded, as requested).

        Type A signs one URL: a playlist names its segments without signatures, so they are open.
        """
        if not self.key or path.endswith(".ts"):
            return True
        match = _AUTH_KEY.fullmatch(auth_key)
        if match is None:
            return False
        timestamp, nonce, user, digest = match.groups()
        expected = self._digest(path, timestamp, nonce, user)
        return hmac.compare_digest(expected, digest) and self._is_fresh(timestamp)

    def is_granted(self, path: str, auth_key: str) -> bool:
        """Whether `auth_key` has a valid grant for the path."""
        match = _AUTH_KEY.fullmatch(auth_key)
        if match is None:
            return False
        timestamp, nonce, user, _ = match.groups()
        expected = self._grant(path, timestamp, nonce)
        return hmac.compare_digest(expected, user) and self._is_fresh(timestamp)

    def _is_fresh(self, timestamp: str) -> bool:
        return time.time() <= int(timestamp) + self.ttl_seconds

    def _grant(self, path: str, timestamp: str, nonce: str) -> str:
        text = f"{path}-{timestamp}-{nonce}"
        return hmac.new(self.grant_secret.encode(), text.encode(), "sha256").hexdigest()[:32]

    def _digest(self, path: str, timestamp: str, nonce: str, user: str) -> str:
        text = f"{path}-{timestamp}-{nonce}-{user}-{self.key}"
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def owner_of(key: str) -> str:
    """The id of the video in an object key."""
    return key.removeprefix("catalogue/").partition("/")[0]


def split_object_path(object_path: str) -> tuple[str, str] | None:
    """Domain and path of `domain/path` or of a URL, without query; None for other text."""
    parts = urlsplit(object_path if "://" in object_path else f"http://{object_path}")
    if not parts.netloc or not parts.path or parts.scheme not in ("http", "https"):
        return None
    return parts.netloc, parts.path
