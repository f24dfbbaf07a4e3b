"""Who may play a video's files, and why there is nothing to play."""

from collections.abc import Collection
from typing import Protocol

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from accounts.models import Operator
from shortvideo.cloud.types import VodStatus
from shortvideo.errors import ErrorCode, InvalidState
from videos.models import Video
from videos.models.media import DAMAGED, UNFINISHED

PLAY_UNPUBLISHED = "videos.play_unpublished_video"


class Reviewed(Protocol):
    """A video, or a row of it."""

    @property
    def is_passed(self) -> bool: ...


def may_play(operator: Operator | AnonymousUser, video: Reviewed) -> bool:
    """Whether the operator may have URLs of the video's streams and source."""
    return video.is_passed or operator.has_perm(PLAY_UNPUBLISHED)


def are_passed(urls: Collection[str]) -> bool:
    """Whether each `host/path` is in the folder of a passed clip, and none in another's."""
    folders = [set(url.split("/")[1:-1]) for url in urls]
    videos = Video.objects.filter(vod_id__in=set[str]().union(*folders))
    known = {video.vod_id: video.is_passed and video.deleted_at is None for video in videos}
    owners = [[known[name] for name in names & known.keys()] for names in folders]
    return all(bool(each) and all(each) for each in owners)


def check_playable(video: Video) -> None:
    """Raise InvalidState if it is known that the video has no file to play."""
    if reason := unplayable_reason(video):
        raise InvalidState(reason, ErrorCode.VIDEO_NOT_PLAYABLE)


def missing_files_reason(operator: Operator | AnonymousUser, video: Video) -> str:
    """Why an operator has nothing to play, and what to do; '' if there is something, or unknown."""
    if not may_play(operator, video):
        return _("You need the permission to play pending and blocked videos.")
    is_shut = video.status in (VodStatus.CHECKING, VodStatus.BLOCKED) and not video.is_passed
    if is_shut and not video.files and not video.source_path:
        return not_named_reason()
    return unplayable_reason(video)


def not_named_reason() -> str:
    """Why VOD names no play URL of a pending or blocked video to this server, and what to do."""
    return _(
        "VOD names the play URLs of pending and blocked clips only to review security IPs. An "
        "operator adds the address of this server under “Review IPs”."
    )


def unplayable_reason(video: Video) -> str:
    """Why there is nothing to play, and what to do; '' if that is not known."""
    if not video.is_unplayable:
        return ""
    if video.status == VodStatus.BLOCKED:
        text = _(
            "VOD does not let this video play yet: the approval is on its way. Try again soon."
        )
        return text if video.is_passed else ""
    if video.status in DAMAGED:
        return _(
            "This video has no playable file: the upload is damaged, VOD could not transcode it. "
            "Have the clip uploaded again."
        )
    if video.status in {"", VodStatus.UPLOADING}:
        return _(
            "This video has no playable file yet: the upload is not complete. Wait for its end."
        )
    if video.status in UNFINISHED:
        return _(
            "This video has no playable file yet: VOD has not finished transcoding. Wait until VOD "
            "has finished."
        )
    return _(
        "This video has no playable file: VOD has neither a stream nor the source. Submit a "
        "transcoding job, or have the clip uploaded again."
    )
