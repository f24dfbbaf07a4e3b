"""Text within limits that count bytes."""


def cut_to_bytes(text: str, limit: int) -> str:
    """The longest beginning of `text` that has at most `limit` bytes of UTF-8."""
    return text.encode()[:limit].decode(errors="ignore")
