"""Operators' actions in Django's admin log, which the history pages of the desk show."""

import json

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from accounts.models import Operator


def log_action(operator: Operator | None, row: Model, action: str, *, request_id: str = "") -> None:
    """Log an operator's action on a row. Logs nothing without an operator: the row shows it."""
    if operator is None:
        return
    LogEntry.objects.create(
        user_id=operator.pk,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=CHANGE,
        change_message=json.dumps({"action": action, "requestId": request_id}),
    )
