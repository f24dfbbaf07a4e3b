"""Console tokens: issue, authenticate, revoke."""

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS, DatabaseError, transaction
from django.db.models import OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import journal
from accounts.backends import remember_permissions
from accounts.models import ConsoleToken, Operator
from accounts.models.token import hashed
from shortvideo.compiled import CompiledQuery, Names, Parameter
from shortvideo.database import describe, is_unavailable, without_waiting

_USE_STORED_EVERY = timedelta(minutes=1)

# What an operation needs, in the order of the model: `from_db` wants it. Django reads the others
# when they are used.
_TOKEN_FIELDS: Final = (
    "id", "operator_id", "session_hash", "created_at", "last_used_at", "expires_at"
)  # fmt: skip
_OPERATOR_FIELDS: Final = (
    "id", "password", "is_superuser", "username", "is_staff", "is_active"
)  # fmt: skip

logger = logging.getLogger(__name__)


def _tokens_with_operators() -> QuerySet[ConsoleToken, tuple[Any, ...]]:
    """The token of a hash with its operator's row and permissions, if active staff holds it."""
    operator = OuterRef(OuterRef("operator"))  # from the query set inside `granted`
    groups = Group.permissions.through.objects.filter(group__user=operator)
    own = Operator.user_permissions.through.objects.filter(operator=operator)
    granted = Permission.objects.filter(
        Q(id__in=groups.values("permission"))
        | Q(id__in=own.values("permission"))
        | Q(Exact(OuterRef("operator__is_superuser"), Value(True)))  # noqa: FBT003 - SQL
    )
    name = Concat("content_type__app_label", Value("."), "codename")
    return ConsoleToken.objects.filter(
        token_hash=Parameter("token_hash"), operator__is_active=True, operator__is_staff=True
    ).values_list(
        *_TOKEN_FIELDS,
        *(f"operator__{field}" for field in _OPERATOR_FIELDS),
        Names(granted.order_by().values(named=name)),
    )


_BY_HASH = CompiledQuery(_tokens_with_operators)


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

    The operator's permissions come with it. None for an unknown, expired or revoked token, and
    after a change of the password.
    """
    now = timezone.now()
    for row in _BY_HASH.rows(token_hash=hashed(secret)):  # one, or none
        token = _token_of(row)
        if token.ends_at > now and _is_of_current_password(token):
            _store_use(token, now)
            return token
    return None


def _token_of(row: tuple[Any, ...]) -> ConsoleToken:
    """The token of a row of `_BY_HASH`."""
    *values, permissions = row
    own_values = values[: len(_TOKEN_FIELDS)]
    token = ConsoleToken.from_db(DEFAULT_DB_ALIAS, _TOKEN_FIELDS, own_values)
    operator = Operator.from_db(DEFAULT_DB_ALIAS, _OPERATOR_FIELDS, values[len(_TOKEN_FIELDS) :])
    remember_permissions(operator, permissions.split(",") if permissions else ())
    token.operator = operator
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
