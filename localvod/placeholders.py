"""Placeholders for the media of videos without media; each picture follows from its key."""

import hashlib

_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 16" width="360" height="640">
<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">
<stop offset="0" stop-color="hsl({first},60%,62%)"/>
<stop offset="1" stop-color="hsl({second},55%,34%)"/></linearGradient></defs>
<rect width="9" height="16" fill="url(#g)"/>
<circle cx="{x}" cy="{y}" r="{radius}" fill="#fff" fill-opacity=".35"/></svg>
"""
# An MP4 without tracks: it answers a status and a Range, but no player plays it.
_EMPTY_MP4 = (
    bytes.fromhex("000000186674797069736f6d0000020069736f6d69736f32")
    + bytes([0, 0, 0, 8])
    + b"mdat"
)


def placeholder_for(key: str) -> tuple[bytes, str]:
    """Content and media type for an object key."""
    if not key.endswith((".jpg", ".png")):
        return _EMPTY_MP4, "video/mp4"
    digest = hashlib.sha256(key.encode()).digest()
    picture = _PICTURE.format(
        first=digest[0] * 360 // 256,
        second=digest[1] * 360 // 256,
        x=1 + digest[2] % 8,
        y=2 + digest[3] % 12,
        radius=1 + digest[4] % 3,
    )
    return picture.encode(), "image/svg+xml"
