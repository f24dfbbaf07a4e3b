"""VOD's documented limits of texts, in bytes where its documentation disagrees with itself."""

from collections.abc import Sequence

from shortvideo.cloud.gateway import check_bytes

_TITLE_BYTES, _DESCRIPTION_BYTES, _TAG_BYTES = 128, 1024, 32
_MAX_TAGS = 16


def check_text(
    *, title: str | None = None, description: str | None = None, tags: Sequence[str] | None = None
) -> None:
    """Raise ValueError, with the limit, for a text that VOD would refuse."""
    check_bytes(_TITLE_BYTES, title or "", "The title")
    check_bytes(_DESCRIPTION_BYTES, description or "", "The description")
    if tags and len(tags) > _MAX_TAGS:
        raise ValueError(f"{len(tags)} tags were given; at most {_MAX_TAGS} are allowed.")
    for tag in tags or ():
        check_bytes(_TAG_BYTES, tag, f"The tag {tag!r}")
        if "," in tag:
            raise ValueError(f"The tag {tag!r} holds a comma; VOD separates tags by commas.")
