"""Media on the desk: signed when shown, and never from a host that is not ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from shortvideo.cloud.types import MediaPath
from shortvideo.cloud.urls import is_on_cdn, media_url
from videos.models import CensorStatus, Video

STREAMED = ("m3u8", "mpd")  # browsers need a script for these: the desk plays plain files


def shown_url(video: Video, path: str) -> str:
    """The signed URL of one of the video's media; "" where a browser may not load it."""
    lifetime = settings.MEDIA_URL_TTL
    if not video.is_passed or video.deleted_at is not None:
        lifetime = min(lifetime, settings.MEDIA_URL_TTL_UNPUBLISHED)
    return _signed_url(path, ttl_seconds=lifetime)


def _signed_url(path: str, *, ttl_seconds: int) -> str:
    if not is_on_cdn(path):
        return ""
    return media_url(MediaPath(path), ttl_seconds=ttl_seconds, now=timezone.now())


def thumbnail(video: Video) -> SafeString:
    """The cover (else the first frame); blurred when the video is blocked.

    Of a blocked or deleted clip it is the copy that is kept, since the CDN has it no more. Lists
    that show many of these prefetch `evidence`.
    """
    path = video.cover or video.first_frame
    url = copies_of(video).get(path) or shown_url(video, path)
    blurred = " is-blurred" if video.censor_status == CensorStatus.FAIL else ""
    if not url:
        return format_html('<span class="thumb thumb-empty" title="{}"></span>', _("No picture"))
    return format_html(
        '<span class="thumb{}"><img src="{}" alt="" loading="lazy" decoding="async"></span>',
        blurred,
        url,
    )


def copies_of(video: Video) -> dict[str, str]:
    """The URLs of the copies that are kept of a blocked or deleted clip, by `host/path`.

    They open for those who may review.
    """
    if not video.is_blocked and video.deleted_at is None:
        return {}
    return {
        file["path"]: reverse("admin:videos_evidence_copy", args=[evidence.pk, index])
        for evidence in video.evidence.all()
        if evidence.source_version == video.source_version
        for index, file in enumerate(evidence.files)
    }


def snapshots(video: Video, copies: Mapping[str, str]) -> list[str]:
    """URLs of the copies that are kept, by `host/path`, and for the others the CDN's."""
    urls = (copies.get(path) or shown_url(video, path) for path in video.snapshots)
    return [url for url in urls if url]


def play_sources(video: Video) -> list[dict[str, Any]]:
    """What the player offers, best first: `url`, `label`; streams, then the source file."""
    return list(_sources(video))


def _sources(video: Video) -> Iterator[dict[str, Any]]:
    files = [file for file in video.files if str(file.get("format", "")).lower() not in STREAMED]
    for file in sorted(files, key=lambda file: (file["is_narrowband"], file["height"]))[::-1]:
        if url := shown_url(video, file["path"]):
            yield {"url": url, "label": _file_label(file)}
    if url := shown_url(video, video.source_path):
        yield {"url": url, "label": _("Source")}


def _file_label(file: dict[str, Any]) -> str:
    height = f"{min(file['width'], file['height'])}p" if file["height"] else file["definition"]
    return _("Narrowband HD %(height)s") % {"height": height} if file["is_narrowband"] else height
