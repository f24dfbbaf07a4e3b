"""Text as it is compared: the same on every database."""

import unicodedata


def folded(text: str) -> str:
    """NFKC and case-folded: what search columns hold and what is searched for."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def cut_to_bytes(text: str, limit: int) -> str:
    """The longest beginning of `text` that has at most `limit` bytes of UTF-8."""
    return text.encode()[:limit].decode(errors="ignore")
