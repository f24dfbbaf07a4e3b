"""Console tokens: made at login, checked with every request, revoked."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import journal
from accounts.models import ConsoleToken, Operator
from accounts.models.token import hashed

USE_IS_NOTED_EVERY = timedelta(minutes=1)


def issue_token(operator: Operator, *, service: str = "", request_id: str = "") -> str:
    """Make a token and return its secret, which is stored nowhere; the operator's dead ones go."""
    ConsoleToken.objects.filter(operator=operator).expired(timezone.now()).delete()
    secret = ConsoleToken.new_secret()
    ConsoleToken.objects.create(
        operator=operator,
        token_hash=hashed(secret),
        session_hash=operator.get_session_auth_hash(),
        service=service,
        request_id=request_id,
    )
    return secret


def authenticate_token(secret: str) -> ConsoleToken | None:
    """The living token of an active staff member, its operator with it: one query.

    None for an unknown, expired or revoked one, and after a change of password.
    """
    now = timezone.now()
    token = (
        ConsoleToken.objects.unexpired(now)
        .filter(token_hash=hashed(secret), operator__is_active=True, operator__is_staff=True)
        .select_related("operator")
        .first()
    )
    if token is None or not _is_of_current_password(token):
        return None
    _note_use(token, now)
    return token


def _is_of_current_password(token: ConsoleToken) -> bool:
    """Also while SECRET_KEY is being changed (SECRET_KEY_FALLBACKS)."""
    operator = token.operator
    hashes = [operator.get_session_auth_hash(), *operator.get_session_auth_fallback_hash()]
    return any(constant_time_compare(token.session_hash, known) for known in hashes)


def _note_use(token: ConsoleToken, now: datetime) -> None:
    """Keep the token alive; at most one write a minute."""
    if now - token.last_used_at < USE_IS_NOTED_EVERY:
        return
    with transaction.atomic():  # on SQLite only these wait fairly
        ConsoleToken.objects.filter(pk=token.pk).update(
            last_used_at=now, session_hash=token.operator.get_session_auth_hash()
        )


def find_token(secret: str) -> ConsoleToken | None:
    """The token with its operator, whether it still opens anything or not."""
    return ConsoleToken.objects.select_related("operator").filter(token_hash=hashed(secret)).first()


@transaction.atomic
def revoke_token(token: ConsoleToken, *, operator: Operator, request_id: str = "") -> None:
    """End one token; `operator` is who wants it so."""
    journal.log_action(operator, token, "revoke", request_id=request_id)
    ConsoleToken.objects.filter(pk=token.pk).delete()


@transaction.atomic
def revoke_personal_tokens(operator: Operator, *, request_id: str = "") -> None:
    """All that came from logins; those of services stay."""
    journal.log_action(operator, operator, "revoke all tokens", request_id=request_id)
    ConsoleToken.objects.filter(operator=operator).personal().delete()
