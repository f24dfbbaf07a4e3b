"""Text as it is compared: the same on every database."""

import unicodedata


def folded(text: str) -> str:
    """NFKC and case-folded: what search columns hold and what is searched for."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
