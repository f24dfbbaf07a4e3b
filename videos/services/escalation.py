"""Notes for colleagues, and clips that a moderator gives to somebody else."""

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Operator
from shortvideo.errors import InvalidState
from videos.models import ReviewClaim, ReviewNote, ReviewTask, TaskCause, Video
from videos.services.claim import end_claims


def add_note(video: Video, *, operator: Operator, text: str) -> ReviewNote:
    """Write a note about a video, without deciding."""
    return ReviewNote.objects.create(video=video, operator=operator, text=text)


@transaction.atomic
def escalate_video(
    video: Video,
    *,
    operator: Operator,
    note: str,
    to: Operator | Group,
    request_id: str = "",
) -> ReviewTask:
    """Give a video to a colleague or a role, with a note. The status stays.

    Until somebody decides, the queue hands the video to them only. Its claims end. A second
    escalation replaces the first. Raises InvalidState if nobody there may review, and
    Video.DoesNotExist if the video was deleted.
    """
    video = Video.objects.visible().select_for_update().get(pk=video.pk)
    people = [to] if isinstance(to, Operator) else Operator.objects.filter(groups=to)
    if not any(each.is_active and each.has_perm("videos.review_video") for each in people):
        raise InvalidState(_("Nobody there may review: %s.") % to)
    addressee = {"for_operator": to} if isinstance(to, Operator) else {"for_role": to}
    task, _is_new = ReviewTask.objects.update_or_create(
        video=video,
        cause=TaskCause.ESCALATED,
        closed_at=None,
        defaults={"for_operator": None, "for_role": None, "opened_at": timezone.now(), **addressee},
    )
    add_note(video, operator=operator, text=note)
    end_claims(ReviewClaim.objects.filter(video=video), ReviewClaim.End.ESCALATED)
    journal.log_action(operator, video, f"escalate to {to}", request_id=request_id)
    return task
