"""Operations on the recommended list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import journal
from accounts.models import Operator
from recommendations.models import Recommendation
from shortvideo.cloud.urls import is_on_cdn
from shortvideo.errors import ErrorCode, InvalidState
from shortvideo.text import folded
from videos.models import CdnTask, CensorStatus, TranscodeKind, TranscodeStatus, Video
from videos.services import check_playable, prefetch, remember_media, submit_transcode

_DISPLAY_FIELDS = ("title", "description", "tags", "cate_name", "cover", "first_frame")
_EDITABLE_FIELDS = (*_DISPLAY_FIELDS, "position", "starts_at", "ends_at")


@dataclass(frozen=True, slots=True)
class Options:
    """Options of recommend_video."""

    overrides: Mapping[str, str] = field(default_factory=dict)  # by the names of display fields
    narrowband: bool = False
    prefetch: bool = False


@transaction.atomic
def recommend_video(
    video: Video,
    *,
    operator: Operator | None = None,
    options: Options = Options(),
    request_id: str = "",
) -> Recommendation:
    """Add a passed video to the list, or update its item, which keeps its place.

    Media in `options.overrides` are `host/path`. An override equal to the video's own value is
    cleared; an absent one stays as it is. Raises InvalidState if the video is not passed, or is
    known to have no file to play.
    """
    video = Video.objects.visible().select_for_update().get(pk=video.pk)
    if not video.is_passed:
        raise InvalidState(
            f"Only a video that passed review can be recommended; its status is "
            f"{video.censor_status}.",
            ErrorCode.VIDEO_BLOCKED
            if video.censor_status == CensorStatus.FAIL
            else ErrorCode.VIDEO_NOT_PASSED,
        )
    check_playable(video)
    now = timezone.now()
    item, _ = Recommendation.objects.get_or_create(
        video=video, defaults={"recommended_by": operator, "recommended_at": now}
    )
    if video.blocked_at is not None and item.recommended_at <= video.blocked_at:
        _reset(item, operator=operator, now=now)
    _clear_expired_times(item, now)
    _set_overrides(item, options.overrides)
    item.request_id, item.changed_at = request_id, now
    item.save()
    _remember_pictures(item)
    Video.objects.filter(pk=video.pk).update(changed_at=now)
    _submit_extras(video, item, operator=operator, options=options, request_id=request_id)
    journal.log_action(operator, video, "recommend", request_id=request_id)
    return item


def _reset(item: Recommendation, *, operator: Operator | None, now: datetime) -> None:
    """Clear all that was set before a block ended the item."""
    for name in _DISPLAY_FIELDS:
        setattr(item, name, "")
    item.position = item.starts_at = item.ends_at = None
    item.recommended_at, item.recommended_by = now, operator


def _clear_expired_times(item: Recommendation, now: datetime) -> None:
    """Clear a start in the future and an end in the past."""
    if item.starts_at is not None and item.starts_at > now:
        item.starts_at = None
    if item.ends_at is not None and item.ends_at <= now:
        item.ends_at = None


def _set_overrides(item: Recommendation, values: Mapping[str, str]) -> None:
    for name in _DISPLAY_FIELDS:
        if value := values.get(name, ""):
            setattr(item, name, "" if value == getattr(item.video, name) else value)
    item.title_search = folded(item.title)


def _remember_pictures(item: Recommendation) -> None:
    """Store pictures of overrides with the video: a takedown purges them, even without the item."""
    pictures = {name: getattr(item, name) for name in ("cover", "first_frame")}
    if any(pictures.values()):
        remember_media(item.video, pictures)


def _submit_extras(
    video: Video,
    item: Recommendation,
    *,
    operator: Operator | None,
    options: Options,
    request_id: str,
) -> None:
    running_or_done = (TranscodeStatus.ON_TRANSCODE, TranscodeStatus.SUCCESS)
    if options.narrowband and video.narrow_transcode_status not in running_or_done:
        submit_transcode(
            video, kind=TranscodeKind.NARROWBAND, operator=operator, request_id=request_id
        )
    if options.prefetch:
        prefetch_recommendation(item, operator=operator, request_id=request_id)


def prefetch_recommendation(
    item: Recommendation, *, operator: Operator | None = None, request_id: str = ""
) -> CdnTask | None:
    """Prefetch the item's first frame and cover and the file that plays.

    Skips media on other hosts than our play domains. Returns None if nothing is left.
    """
    video = item.video
    file = video.file_to_prefetch()
    paths = [item.first_frame or video.first_frame, item.cover or video.cover]
    paths += [file["path"]] if file else []
    return prefetch(
        [path for path in paths if is_on_cdn(path)],
        operator=operator,
        video=video,
        request_id=request_id,
    )


@transaction.atomic
def edit_recommendation(
    item: Recommendation, *, values: Mapping[str, Any], request_id: str = ""
) -> Recommendation:
    """Change an item's position, times or display fields, given by name.

    Raises ValueError for other names.
    """
    if unknown := set(values) - set(_EDITABLE_FIELDS):
        raise ValueError(f"Not editable: {', '.join(sorted(unknown))}.")
    for name, value in values.items():
        setattr(item, name, value)
    item.title_search = folded(item.title)
    item.request_id, item.changed_at = request_id, timezone.now()
    item.save(update_fields=[*values, "title_search", "request_id", "changed_at"])
    _remember_pictures(item)
    Video.objects.filter(pk=item.video_id).update(changed_at=item.changed_at)
    return item


@transaction.atomic
def remove_recommendation(
    item: Recommendation, *, operator: Operator | None = None, request_id: str = ""
) -> None:
    """Delete an item and its overrides."""
    journal.log_action(operator, item.video, "remove recommendation", request_id=request_id)
    Video.objects.filter(pk=item.video_id).update(changed_at=timezone.now())
    item.delete()
