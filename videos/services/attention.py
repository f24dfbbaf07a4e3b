"""Failed jobs, CDN tasks and events: take them out of the inbox."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Operator
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import DeliveryState
from videos.models import NeedsAttention, Video


def check_dismissible(row: NeedsAttention) -> None:
    """Raise InvalidState unless the row waits for an operator."""
    if row.attention_at is None:
        raise InvalidState(_("It does not need attention."))


@transaction.atomic
def dismiss(row: NeedsAttention, *, operator: Operator | None = None, request_id: str = "") -> None:
    """Take a failed row out of the inbox; its state stays. Raises InvalidState."""
    lock_video(getattr(row, "video_id", None))
    row = type(row)._default_manager.select_for_update().get(pk=row.pk)
    check_dismissible(row)
    close(row)
    action = f"dismiss {getattr(row, 'kind', '')}".strip()
    journal.log_action(operator, row, action, request_id=request_id)


def lock_video(video_id: int | None) -> None:
    """Lock a row's video, if it has one: every writer locks it before the video's other rows."""
    if video_id is not None:
        Video.objects.select_for_update().get(pk=video_id)


def close(row: NeedsAttention) -> None:
    """Mark that no operator need act any more. Dismisses a delivery that was given up."""
    row.attention_at = None
    row.save(update_fields=["attention_at"])
    for delivery in row.deliveries.filter(state=DeliveryState.GIVEN_UP):
        outbox.dismiss(delivery)
