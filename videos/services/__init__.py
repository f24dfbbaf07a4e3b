"""Operations on videos: one function and one transaction each, for people and machines."""

from videos.services.attention import check_dismissible, dismiss
from videos.services.cdn import (
    check_resendable,
    media_paths,
    prefetch,
    purge_media,
    remember_media,
    resend_task,
)
from videos.services.deletion import (
    check_undeletable,
    delete_video,
    is_undeletable,
    request_undeletion,
)
from videos.services.review import DecisionInput, latest_human_decision, review_video
from videos.services.transcoding import (
    check_retryable,
    check_submittable,
    retry_transcode,
    submit_transcode,
)
from videos.services.undo import undo_review, undoable_decision

__all__ = [
    "DecisionInput",
    "check_dismissible",
    "check_resendable",
    "check_retryable",
    "check_submittable",
    "check_undeletable",
    "delete_video",
    "dismiss",
    "is_undeletable",
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
    "undo_review",
    "undoable_decision",
]
