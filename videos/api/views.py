"""The video operations of the console API."""

from collections.abc import Mapping
from time import monotonic
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.console import ConsoleView
from shortvideo.cloud import CloudRejected, vod_gateway
from shortvideo.cloud.types import VodStatus
from shortvideo.console.envelope import Envelope
from shortvideo.console.errors import Conflict, NotFound, refuse_with
from shortvideo.errors import ErrorCode
from videos.api.answers import (
    PlayInfoDocument,
    SingleVideoDocument,
    VideoListDocument,
    listed_video,
    play_info,
    signers_at,
    single_video,
    walk_facts,
)
from videos.api.parameters import (
    CreateAudit,
    CreateAuditParameters,
    DeleteVideo,
    DeleteVideoParameters,
    ListParameters,
    MediaIdParameters,
    OneVideo,
    PushObjectCache,
    PushObjectCacheParameters,
    VideoIdParameters,
)
from videos.api.rows import VideoRow, rows_by_id, visible_row
from videos.catalogue import ListQuery, page_ids
from videos.mirror.asking import ENCRYPTED, NO_STREAM, NOT_PLAYABLE
from videos.mirror.fetching import DEADLINE_SECONDS, as_unavailable, fetch_video
from videos.mirror.media import file_as_json
from videos.models import Source, TranscodeKind, Video
from videos.services import (
    PLAY_UNPUBLISHED,
    DecisionInput,
    delete_video,
    may_play,
    prefetch,
    review_video,
    submit_transcode,
    unplayable_reason,
)

# A video may be deleted between two queries of one request.
refuse_with(NotFound("There is no such video."), Video.DoesNotExist)


def _visible_video(vod_id: str, *, name: str) -> Video:
    """Return the video. Raises NotFound, which names the parameter, if unknown or deleted here."""
    video = Video.objects.visible().select_related("uploader").filter(vod_id=vod_id).first()
    if video is None:
        raise NotFound(f"There is no video with this {name}.")
    return video


def _visible_or_fetched(vod_id: str) -> Video:
    """Return the video; one unknown here is fetched from VOD.

    Raises NotFound, or CloudUnavailable if VOD cannot be reached.
    """
    video = Video.objects.select_related("uploader").filter(vod_id=vod_id).first()
    if video is None:
        video = fetch_video(vod_id)
    if video is None or video.deleted_at is not None:
        raise NotFound("There is no video with this videoId.")
    return video


def check_owner(video: Video, user_id: str) -> None:
    """Raise Conflict unless the user owns the video; '' owns a video without uploader."""
    owner = video.uploader.user_id if video.uploader else ""
    if user_id != owner:
        raise Conflict("userId does not own this video.", ErrorCode.NOT_OWNER)


class GetVideosView(ConsoleView[ListQuery]):  # GET /console/vod/getVideos
    """The videos that match all filters, newest first."""

    permission_required = "videos.view_video"
    parameters_class = ListParameters
    data_class = VideoListDocument

    def respond(self, query: ListQuery) -> Envelope:
        now = timezone.now()
        page = page_ids(query)
        signers = signers_at(now)
        listed = [
            listed_video(video, self.operator, signers[video.is_passed])
            for video in rows_by_id(page.rows, now=now)
        ]
        walk = walk_facts(query, page, now)
        return Envelope(data=VideoListDocument(total=page.total, videoList=listed, **walk))


class GetVideoByIdView(ConsoleView[OneVideo]):  # GET /console/vod/getVideoById
    """One video; one that only VOD has is fetched, stored and answered."""

    permission_required = "videos.view_video"
    parameters_class = VideoIdParameters
    data_class = SingleVideoDocument

    def respond(self, query: OneVideo) -> Envelope:
        now = timezone.now()
        video = visible_row(query.vod_id, now=now)
        if video is None:
            video = VideoRow.of_video(_visible_or_fetched(query.vod_id))
        return Envelope(data=single_video(video, self.operator, signers_at(now)[video.is_passed]))


class SubmitTranscodeView(ConsoleView[OneVideo]):  # GET or POST /console/vod/submitTranscode
    """Submit a job of the standard template group."""

    http_method_names = ["get", "post"]
    permission_required = "videos.transcode_video"
    parameters_class = MediaIdParameters
    kind = TranscodeKind.STANDARD
    success_message = "The standard transcoding job was submitted."

    def respond(self, query: OneVideo) -> Envelope:
        video = _visible_video(query.vod_id, name="mediaId")
        submit_transcode(video, kind=self.kind, operator=self.operator, request_id=self.request_id)
        return Envelope(self.success_message)


class SubmitTabTranscodeView(SubmitTranscodeView):  # GET or POST /console/vod/submitTabTranscode
    """Submit a job of the Narrowband HD template group."""

    kind = TranscodeKind.NARROWBAND
    success_message = "The Narrowband HD transcoding job is submitted."


class CreateAuditView(ConsoleView[CreateAudit]):  # GET or POST /console/vod/createAudit
    """Pass or block a video."""

    http_method_names = ["get", "post"]
    permission_required = "videos.review_video"
    parameters_class = CreateAuditParameters

    def respond(self, query: CreateAudit) -> Envelope:
        new = DecisionInput(
            query.decision,
            Source.API,
            operator=self.operator,
            reason=query.reason,
            comment=query.comment,
            request_id=self.request_id,
        )
        video = _visible_video(query.vod_id, name="mediaId")
        review_video(video, new, seen=query.if_censor_status)
        return Envelope("The review is complete.")


class PushObjectCacheView(ConsoleView[PushObjectCache]):  # POST /console/vod/pushObjectCache
    """Prefetch files to the CDN's nodes."""

    http_method_names = ["post"]
    permission_required = "videos.prefetch_video"
    parameters_class = PushObjectCacheParameters

    def respond(self, query: PushObjectCache) -> Envelope:
        prefetch(query.paths, operator=self.operator, request_id=self.request_id)
        return Envelope("The prefetch is complete.")


class DeleteVideoByIdView(ConsoleView[DeleteVideo]):  # POST /console/vod/deleteVideoById
    """Delete a video, here at once and in VOD soon after."""

    http_method_names = ["post"]
    permission_required = "videos.delete_video"
    parameters_class = DeleteVideoParameters

    def respond(self, query: DeleteVideo) -> Envelope:
        # Includes deleted videos: repeating a deletion answers 200.
        video = Video.objects.select_related("uploader").filter(vod_id=query.vod_id).first()
        if video is None:
            raise NotFound("There is no video with this videoId.")
        check_owner(video, query.user_id)
        delete_video(video, operator=self.operator, request_id=self.request_id)
        return Envelope("The deletion is complete.")


class PlayVideoView(ConsoleView[OneVideo]):  # GET /vodVideo/getVideoById
    """The playable files: from the mirror, or from VOD if the video is not published."""

    permission_required = "videos.view_video"
    parameters_class = VideoIdParameters
    data_class = PlayInfoDocument

    def respond(self, query: OneVideo) -> Envelope:
        deadline = monotonic() + DEADLINE_SECONDS
        video = _visible_or_fetched(query.vod_id)
        if not may_play(self.operator, video):
            self.require(PLAY_UNPUBLISHED)
        files = video.playable_files if video.is_public else []
        files = files or _play_files(video, deadline=deadline)
        return Envelope(data=play_info(files, signers_at(timezone.now())[video.is_passed]))


def _play_files(video: Video, *, deadline: float) -> list[Mapping[str, Any]]:
    """Ask VOD for files that this server may play, until a deadline on the monotonic clock.

    Each has VOD's own `url`: only that plays a file which was purged from the CDN.

    Raises Conflict if VOD lets none play, NotFound if VOD has no such video any more, and
    CloudUnavailable.
    """
    seconds_left = max(deadline - monotonic(), 0.001)
    try:
        files = (
            vod_gateway()
            .with_deadline(seconds_left)
            .play_files(video.vod_id, url_ttl_seconds=settings.MEDIA_URL_TTL_UNPUBLISHED)
        )
        return [{**file_as_json(file), "url": file.url} for file in files]
    except CloudRejected as error:
        if error.code not in NOT_PLAYABLE:
            if error.is_not_found:
                raise NotFound("VOD has no video with this videoId any more.") from error
            raise as_unavailable(error) from error
        reason = _no_play_reason(video, error.code)
        raise Conflict(reason, ErrorCode.VIDEO_NOT_PLAYABLE) from error


def _no_play_reason(video: Video, code: str) -> str:
    """Why VOD plays no file of a video, and what to do, by the code of its refusal."""
    if code == ENCRYPTED:
        return "The files of this video are encrypted: only VOD's own player plays them."
    if reason := unplayable_reason(video):
        return reason
    if code == NO_STREAM:
        return "VOD has no playable file of this video. Submit a transcoding job."
    if video.is_passed and video.status == VodStatus.CHECKING:
        return "VOD does not let this video play yet: the approval is on its way. Try again soon."
    if video.is_passed:
        return "VOD does not let this video play now: it has changed there. Try again soon."
    return (
        "VOD does not let this video play here; for one that is not published VOD must list this "
        "server among the security IPs of review."
    )
