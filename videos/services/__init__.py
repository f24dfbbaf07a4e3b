"""Operations on videos: one function and one transaction each, for people and machines."""

from videos.services.attention import dismiss
from videos.services.cdn import (
    media_paths,
    prefetch,
    purge_media,
    remember_media,
    resend_task,
)
from videos.services.deletion import check_undeletable, delete_video, request_undeletion
from videos.services.review import DecisionInput, latest_human_decision, review_video
from videos.services.transcoding import retry_transcode, submit_transcode

__all__ = [
    "DecisionInput",
    "check_undeletable",
    "delete_video",
    "dismiss",
    "latest_human_decision",
    "media_paths",
    "prefetch",
    "purge_media",
    "remember_media",
    "request_undeletion",
    "resend_task",
    "retry_transcode",
    "review_video",
    "submit_transcode",
]
