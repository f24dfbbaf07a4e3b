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
from videos.services.claim import (
    COUNTED,
    check_unclaimed,
    claim_clip,
    claim_clips,
    describe_claim,
    end_claims,
    holder,
    renew_claims,
    waiting_count,
)
from videos.services.deletion import (
    check_undeletable,
    delete_video,
    is_undeletable,
    request_undeletion,
)
from videos.services.escalation import add_note, escalate_video
from videos.services.media import (
    PLAY_UNPUBLISHED,
    are_passed,
    check_playable,
    may_play,
    missing_files_reason,
    not_named_reason,
    unplayable_reason,
)
from videos.services.preferences import choose_for_review, review_preferences
from videos.services.review import DecisionInput, latest_human_decision, review_video
from videos.services.standing import (
    Seen,
    Standing,
    check_seen,
    describe_review,
    last_own_decision,
)
from videos.services.takedown import archive_again, archive_hits, check_archivable
from videos.services.threshold import Preview, preview_threshold
from videos.services.transcoding import (
    check_retryable,
    check_submittable,
    retry_transcode,
    submit_transcode,
)
from videos.services.undo import undo_milliseconds, undo_review, undoable_decision
