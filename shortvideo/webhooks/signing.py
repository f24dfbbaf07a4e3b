"""Secrets of endpoints, and the signatures that a receiver checks with them."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence


def new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


def signatures(body: bytes, *, timestamp: int, keys: Sequence[str]) -> str:
    """The header X-Console-Signature: one signature for each key."""
    return ",".join(f"v1={signature(body, timestamp=timestamp, key=key)}" for key in keys)


def signature(body: bytes, *, timestamp: int, key: str) -> str:
    """The hexadecimal HMAC-SHA256 over `<timestamp>.<body>`."""
    signed = b"%d." % timestamp + body
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
