"""Console tokens: issue, authenticate, revoke."""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import journal
from accounts.models import ConsoleToken, Operator
from accounts.models.token import hashed
from shortvideo.database import describe, is_unavailable, without_waiting

_USE_STORED_EVERY = timedelta(minutes=1)

logger = logging.getLogger(__name__)


def issue_token(
    operator: Operator,
    *,
    service: str = "",
    expires_at: datetime | None = None,
    request_id: str = "",
) -> str:
    """Create a token and delete the operator's expired ones. Returns the secret, stored nowhere."""
    ConsoleToken.objects.filter(operator=operator).expired(timezone.now()).delete()
    secret = ConsoleToken.new_secret()
    ConsoleToken.objects.create(
        operator=operator,
        token_hash=hashed(secret),
        session_hash=operator.get_session_auth_hash(),
        service=service,
        expires_at=expires_at,
        request_id=request_id,
    )
    return secret


def authenticate_token(secret: str) -> ConsoleToken | None:
    """Return the valid token of an active staff member with its operator, in one query.

    None for an unknown, expired or revoked token, and after a change of the password.
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
    _store_use(token, now)
    return token


def _is_of_current_password(token: ConsoleToken) -> bool:
    """Whether the password is unchanged. Accepts old secret keys (SECRET_KEY_FALLBACKS)."""
    operator = token.operator
    hashes = [operator.get_session_auth_hash(), *operator.get_session_auth_fallback_hash()]
    return any(constant_time_compare(token.session_hash, known) for known in hashes)


def _store_use(token: ConsoleToken, now: datetime) -> None:
    """Extend the token's idle time; writes at most once a minute, and not while a lock is held.

    A read must neither wait for this nor fail by it: the next request stores the use.
    """
    if now - token.last_used_at < _USE_STORED_EVERY:
        return
    try:
        with without_waiting():
            ConsoleToken.objects.filter(pk=token.pk).update(
                last_used_at=now, session_hash=token.operator.get_session_auth_hash()
            )
    except DatabaseError as error:
        if not is_unavailable(error):
            raise
        logger.warning("a token's use is not stored", extra={"cause": describe(error)})


def find_token(secret: str) -> ConsoleToken | None:
    """Return the token with its operator, valid or not; None if it is unknown."""
    return ConsoleToken.objects.select_related("operator").filter(token_hash=hashed(secret)).first()


@transaction.atomic
def revoke_token(token: ConsoleToken, *, operator: Operator, request_id: str = "") -> None:
    """Delete one token; `operator` is who revokes it."""
    journal.log_action(operator, token, "revoke", request_id=request_id)
    ConsoleToken.objects.filter(pk=token.pk).delete()


@transaction.atomic
def revoke_personal_tokens(operator: Operator, *, request_id: str = "") -> None:
    """Delete all tokens from logins; tokens of services stay."""
    journal.log_action(operator, operator, "revoke all tokens", request_id=request_id)
    ConsoleToken.objects.filter(operator=operator).personal().delete()
