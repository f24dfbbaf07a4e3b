"""ACS3-HMAC-SHA256: how calls are signed, and how a signature is verified."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<key_id>[^,]+),\s*"
    r"SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The three parts of an Authorization header."""

    access_key_id: str
    signed_headers: tuple[str, ...]
    signature: str


def parse_authorization(value: str) -> Authorization | None:
    """Split an Authorization header; None when it is not of this algorithm."""
    match = _AUTHORIZATION.fullmatch(value)
    if match is None:
        return None
    return Authorization(match["key_id"], tuple(match["headers"].split(";")), match["signature"])


def signature(
    secret: str,
    *,
    method: str,
    path: str,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    signed_headers: Sequence[str],
    body: bytes,
) -> str:
    """The hex signature of a request; `query` is decoded, header names are in lower case."""
    canonical = "\n".join(
        [
            method,
            path,
            "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(query)),
            "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in signed_headers),
            ";".join(signed_headers),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


def authorization(
    access_key_id: str,
    secret: str,
    *,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes = b"",
) -> str:
    """The Authorization header of a `POST /` that signs every header given."""
    names = sorted(headers)
    signed = signature(
        secret,
        method="POST",
        path="/",
        query=query,
        headers=headers,
        signed_headers=names,
        body=body,
    )
    return (
        f"{ALGORITHM} Credential={access_key_id},SignedHeaders={';'.join(names)},Signature={signed}"
    )


def _encode(value: str) -> str:
    return quote(value, safe="~")


def same(expected: str, given: str) -> bool:
    """Compare two signatures in constant time."""
    return hmac.compare_digest(expected, given)
