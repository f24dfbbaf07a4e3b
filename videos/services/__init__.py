"""What people and machines do to videos: one function an operation, one transaction each."""

from videos.services.cdn import (
    dismiss_cdn_task,
    media_paths,
    prefetch,
    prefetch_again,
    purge_again,
    purge_media,
    remember_media,
)
from videos.services.deletion import delete_video, request_undeletion
from videos.services.review import latest_human_decision, review_video
from videos.services.transcoding import dismiss_job, retry_transcode, submit_transcode

__all__ = [
    "delete_video",
    "dismiss_cdn_task",
    "dismiss_job",
    "latest_human_decision",
    "media_paths",
    "prefetch",
    "prefetch_again",
    "purge_again",
    "purge_media",
    "remember_media",
    "request_undeletion",
    "retry_transcode",
    "review_video",
    "submit_transcode",
]
