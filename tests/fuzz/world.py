"""At least one row of each model of the desk, and the values that no page may show."""

from typing import Any
from uuid import uuid4

from django.contrib import admin
from django.db.models import Field, ForeignKey, Model, prefetch_related_objects
from django.utils import timezone

from accounts.models import ConsoleToken, Operator
from accounts.roles import ROLES
from accounts.tokens import issue_token
from shortvideo.webhooks import services as webhooks
from shortvideo.webhooks.models import Endpoint
from shortvideo.webhooks.signing import new_secret
from tests.factories import make_operator, make_video
from videos.admin.seen import shown_standing, standing_lookups
from videos.models import CensorStatus, Decision, ReviewClaim, Source
from videos.services import DecisionInput, claim_clip, delete_video, review_video


def make_operators() -> dict[str, Operator]:
    """One operator of each role, and one without."""
    return {role or "none": make_operator(role) for role in (*ROLES, "")}


def make_rows(operator: Operator) -> None:
    """Fill every list of the desk."""
    endpoint = Endpoint.objects.create(
        name="backend", url="http://127.0.0.1:9/", secret=new_secret(), event_types=["ping"]
    )
    webhooks.send_test(endpoint)
    issue_token(operator, service="app-backend")
    make_video(recommended=True)
    waiting, blocked, deleted = (make_video(censor_status=CensorStatus.CHECK) for _ in range(3))
    waiting.review_tasks.create(cause="machine_verdict", opened_at=timezone.now())
    block = DecisionInput(Decision.BLOCKED, Source.ADMIN, operator=operator, reason="violence")
    review_video(blocked, block)
    delete_video(deleted, operator=operator, request_id="")
    claim_clip(operator, uuid4(), waiting)
    for model in admin.site._registry:
        _any_row(model)


def review_call() -> dict[str, str]:
    """Good values of all that the script of the review page sends."""
    claim = ReviewClaim.objects.latest("pk")
    prefetch_related_objects([claim.video], *standing_lookups())
    seen = str(shown_standing(claim.video).seen)
    return {
        "page": str(claim.page), "claim": f"{claim.pk}", "claims": f"{claim.pk}", "seen": seen,
        "limit": "5", "order": "oldest", "skipped_since": "2026-01-01T00:00:00Z",
        "idle_seconds": "1", "shown_seconds": "1", "decision": "Normal", "template": "1",
        "reason": "r", "comment": "c", "is_confirmed": "1", "is_left": "1", "text": "note",
        "speed_percent": "100", "operator": f"{claim.operator_id}", "role": "1",
    }  # fmt: skip


def secrets() -> list[str]:
    """Values that no answer holds."""
    return [
        *Endpoint.objects.values_list("secret", flat=True),
        *ConsoleToken.objects.values_list("token_hash", flat=True),
        *Operator.objects.values_list("password", flat=True),
    ]


def _any_row(model: type[Model]) -> Model:
    """The first row of the model, made if there is none."""
    rows = model._default_manager
    found = rows.order_by("pk").first()
    return found or rows.create(
        **{
            field.name: _any_value(field)
            for field in model._meta.concrete_fields
            if not (field.primary_key or field.has_default() or field.null or field.blank)
        }
    )


def _any_value(field: "Field[Any, Any]") -> Any:
    if isinstance(field, ForeignKey):
        return _any_row(field.related_model)
    if field.choices:
        return field.flatchoices[0][0]
    return {
        "DateTimeField": timezone.now(),
        "TextField": "text",
        "CharField": "text",
        "UUIDField": "00000000-0000-4000-8000-000000000000",
    }.get(field.get_internal_type(), 1)
