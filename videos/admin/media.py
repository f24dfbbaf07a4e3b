"""Media on the desk: signed when shown, and only from our play domains."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from shortvideo.cloud import vod_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.cloud.urls import is_on_cdn, is_picture, is_playlist, media_url
from videos.mirror.fetching import DEADLINE_SECONDS
from videos.mirror.media import file_as_json
from videos.models import Takedown, Video, VideoQuerySet
from videos.services.evidence import HIT

_UNPLAYABLE = ("mpd",)  # of VOD's formats: the desk has no script for it
_HLS = "application/vnd.apple.mpegurl"


def _shown_url(video: Video, path: str) -> str:
    """Return the signed URL of one of the video's media; '' if it is on no play domain."""
    if not is_on_cdn(path):
        return ""
    ttl_seconds = settings.MEDIA_URL_TTL
    if not video.is_passed or video.deleted_at is not None:
        ttl_seconds = min(ttl_seconds, settings.MEDIA_URL_TTL_UNPUBLISHED)
    return media_url(MediaPath(path), ttl_seconds=ttl_seconds, now=timezone.now())


def thumbnail(video: Video) -> SafeString:
    """The cover, or else the first frame; blurred if the video is blocked.

    For a blocked or deleted video it is a stored copy, of another picture if need be. Without any
    copy a mark says that the picture is gone. Operators who may not review get the mark of a copy
    that is not shown: the copy's view refuses them. Lists of videos use
    `with_pictures`; other lists prefetch `columns.PICTURES`.
    """
    path = video.cover or video.first_frame
    copies = copies_of(video)
    url = copies.get(path) or next(iter(copies.values()), "") or cdn_picture(video, path)
    if not url and path and _is_purged(video):
        return format_html(
            '<span class="thumb"><span class="thumb-gone">{}</span></span>', _mark(has_copy=False)
        )
    if not url:
        return format_html('<span class="thumb thumb-empty" title="{}"></span>', _("No picture"))
    return format_html(
        '<span class="thumb{}"{}><img src="{}" alt="" loading="lazy" decoding="async"></span>',
        " is-blurred" if video.is_blocked else "",
        format_html(' data-gone="{}"', _mark(has_copy=bool(copies))) if video.is_closed else "",
        url,
    )


def _mark(*, has_copy: bool) -> str:
    """The words in place of a picture of a closed video that is not on the CDN any more.

    They are true for each role, and for a copy that the storage does not have any more.
    """
    return _("Copy not shown") if has_copy else _("Gone, no copy")


def copies_of(video: Video) -> dict[str, str]:
    """Return the URLs of stored copies of a blocked or deleted video, by `host/path`.

    Operators who may review can open them.
    """
    return _copies(video, are_hits=False) if video.is_closed else {}


def hit_copies(video: Video) -> dict[str, str]:
    """Return the URLs of stored copies of the machine's hit pictures, by `host/path`.

    Operators who may review can open them.
    """
    return _copies(video, are_hits=True)


def _copies(video: Video, *, are_hits: bool) -> dict[str, str]:
    return {
        file["path"]: reverse("admin:videos_evidence_copy", args=[evidence.pk, index])
        for evidence in video.evidence.all()
        if evidence.source_version == video.source_version
        for index, file in enumerate(evidence.files)
        if (file["kind"] == HIT) is are_hits and not file.get("is_lost")
    }


def with_pictures(videos: VideoQuerySet) -> VideoQuerySet:
    """The videos with what `thumbnail` reads, for a list."""
    verified = Takedown.objects.filter(video=OuterRef("pk"), state=Takedown.State.VERIFIED)
    return videos.annotate(has_verified_takedown=Exists(verified)).prefetch_related("evidence")


def _is_purged(video: Video) -> bool:
    """Whether the CDN was proven to serve none of the files of a blocked or deleted video."""
    if not video.is_closed:
        return False
    if hasattr(video, "has_verified_takedown"):  # of `with_pictures`
        return bool(video.has_verified_takedown)
    return any(row.state == Takedown.State.VERIFIED for row in video.takedowns.all())


def cdn_picture(video: Video, path: str) -> str:
    """Return the URL of a picture on the CDN.

    '' if it was purged, for another kind of file, and for a picture of another video.
    """
    if _is_purged(video) or not is_picture(path) or video.is_foreign(path):
        return ""
    return _shown_url(video, path)


def snapshots(video: Video, *, may_see_copies: bool) -> list[dict[str, str]]:
    """Return `url` and `mark` of each snapshot: the stored copy, or else the CDN's file.

    The mark stands in place of a picture of a closed video without a URL, or that fails to load.
    """
    copies = copies_of(video)
    paths = [path for path in video.snapshots if path in copies or is_on_cdn(path)]
    return [
        {
            "url": (copies.get(path) if may_see_copies else "") or cdn_picture(video, path),
            "mark": _mark(has_copy=path in copies) if video.is_closed else "",
        }
        for path in paths
    ]


def play_sources(video: Video) -> list[dict[str, str]]:
    """Return `url`, `label` and `type` of the playable files, best first; HLS after the source.

    `type` is the media type of HLS, which most browsers play by a script, and '' of other files.
    """
    source = {"url": _shown_url(video, video.source_path), "label": _("Source"), "type": ""}
    streams = [_stream_source(file, _shown_url(video, file["path"])) for file in _best(video.files)]
    listed = [each for each in (*streams, source) if each["url"]]
    return sorted(listed, key=lambda each: each["type"] == _HLS)


def fetch_sources(video: Video) -> list[dict[str, str]]:
    """Ask VOD for sources like those of `play_sources`, by VOD's own URLs.

    To a review security IP VOD gives URLs that play pending, blocked and purged videos. Waits at
    most three seconds. Raises CloudRejected, CloudUnavailable.
    """
    gateway = vod_gateway().with_deadline(DEADLINE_SECONDS)
    found = gateway.play_files(video.vod_id, url_ttl_seconds=settings.MEDIA_URL_TTL_UNPUBLISHED)
    files = [{**file_as_json(file), "url": file.url} for file in found if is_on_cdn(file.path)]
    streams = [_stream_source(file, _our_scheme(file["url"])) for file in _best(files)]
    return sorted(streams, key=lambda each: each["type"] == _HLS)


def _best(files: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    playable = [file for file in files if _format(file) not in _UNPLAYABLE]
    return sorted(playable, key=lambda file: (file["is_narrowband"], file["height"]))[::-1]


def _stream_source(file: Mapping[str, Any], url: str) -> dict[str, str]:
    return {"url": url, "label": _file_label(file), "type": _HLS if _is_hls(file) else ""}


def _is_hls(file: Mapping[str, Any]) -> bool:
    return _format(file) == "m3u8" or is_playlist(file["path"])


def _format(file: Mapping[str, Any]) -> str:
    return str(file.get("format", "")).lower()


def _our_scheme(url: str) -> str:
    """The pages' policy allows the scheme of MEDIA_URL_SCHEME only; VOD may write another."""
    return f"{settings.MEDIA_URL_SCHEME}://{url.partition('://')[2]}"


def _file_label(file: Mapping[str, Any]) -> str:
    height = f"{min(file['width'], file['height'])}p" if file["height"] else file["definition"]
    height = f"{height} HLS" if _is_hls(file) else height
    return _("Narrowband HD %(height)s") % {"height": height} if file["is_narrowband"] else height
