"""VOD's documented limits of what is written into it; bytes where its pages disagree."""

from collections.abc import Sequence

from shortvideo.cloud.gateway import at_most_bytes

TITLE_BYTES, DESCRIPTION_BYTES, TAG_BYTES = 128, 1024, 32
MAX_TAGS = 16


def check_text(
    *, title: str | None = None, description: str | None = None, tags: Sequence[str] | None = None
) -> None:
    """Raise ValueError, with what is allowed, where VOD would refuse."""
    at_most_bytes(TITLE_BYTES, title or "", "The title")
    at_most_bytes(DESCRIPTION_BYTES, description or "", "The description")
    if tags and len(tags) > MAX_TAGS:
        raise ValueError(f"{len(tags)} tags were given; at most {MAX_TAGS} are allowed.")
    for tag in tags or ():
        at_most_bytes(TAG_BYTES, tag, f"The tag {tag!r}")
        if "," in tag:
            raise ValueError(f"The tag {tag!r} holds a comma; VOD separates tags by commas.")
