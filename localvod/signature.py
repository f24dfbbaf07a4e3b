"""Signatures of calls by ACS3-HMAC-SHA256."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

_ALGORITHM = "ACS3-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} Credential=(?P<key_id>[^,]+),\s*"
    r"SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The three parts of an Authorization header."""

    access_key_id: str
    signed_headers: tuple[str, ...]
    signature: str


def parse_authorization(value: str) -> Authorization | None:
    """Split an Authorization header; None if it has another algorithm."""
    match = _AUTHORIZATION.fullmatch(value)
    if match is None:
        return None
    return Authorization(match["key_id"], tuple(match["headers"].split(";")), match["signature"])


def sign_request(
    secret: str,
    *,
    method: str,
    path: str,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    signed_headers: Sequence[str],
    body: bytes,
) -> str:
    """The signature in hex. `query` is decoded, header names are in lower case."""
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
    to_sign = f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


def authorization_header(
    access_key_id: str,
    secret: str,
    *,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes = b"",
) -> str:
    """The Authorization header of a `POST /` with all given headers signed."""
    names = sorted(headers)
    signature = sign_request(
        secret,
        method="POST",
        path="/",
        query=query,
        headers=headers,
        signed_headers=names,
        body=body,
    )
    signed = f"SignedHeaders={';'.join(names)}"
    return f"{_ALGORITHM} Credential={access_key_id},{signed},Signature={signature}"


def _encode(value: str) -> str:
    return quote(value, safe="~")
