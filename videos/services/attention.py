"""Failed rows that wait for an operator: jobs, CDN tasks and events leave the inbox here."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Operator
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import DeliveryState
from videos.models import NeedsAttention, Video


def check_dismissible(row: NeedsAttention) -> None:
    """Raise InvalidState if the row does not wait for an operator."""
    if row.attention_at is None:
        raise InvalidState(_("It does not need attention."))


@transaction.atomic
def dismiss(row: NeedsAttention, *, operator: Operator | None = None, request_id: str = "") -> None:
    """Take a failed row out of the inbox; what it shows stays. Raises InvalidState."""
    video_id = getattr(row, "video_id", None)
    if video_id is not None:  # every writer locks the video before its other rows
        Video.objects.select_for_update().get(pk=video_id)
    row = type(row)._default_manager.select_for_update().get(pk=row.pk)
    check_dismissible(row)
    close(row)
    action = f"dismiss {getattr(row, 'kind', '')}".strip()
    journal.log_action(operator, row, action, request_id=request_id)


def close(row: NeedsAttention) -> None:
    """End the wait for an operator. A delivery that was given up is dismissed with it."""
    row.attention_at = None
    row.save(update_fields=["attention_at"])
    for delivery in row.deliveries.filter(state=DeliveryState.GIVEN_UP):
        outbox.dismiss(delivery)
