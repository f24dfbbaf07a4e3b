import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

TOKEN_LENGTH = 32


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_unexpired(now: datetime) -> Q:
    is_in_use = Q(last_used_at__gt=now - timedelta(seconds=settings.CONSOLE_TOKEN_TTL))
    oldest = now - timedelta(seconds=settings.CONSOLE_TOKEN_MAX_AGE)
    return is_in_use & (Q(expires_at__gt=now) | Q(expires_at=None, created_at__gt=oldest))


class ConsoleTokenQuerySet(models.QuerySet["ConsoleToken"]):
    def expired(self, now: datetime) -> Self:
        return self.exclude(_is_unexpired(now))

    def personal(self) -> Self:
        return self.filter(service="")


class ConsoleToken(models.Model):
    """A token for `/console/...`, stored only as a hash.

    Expires `CONSOLE_TOKEN_TTL` seconds after its last use, and at the latest at `expires_at`, or
    without one `CONSOLE_TOKEN_MAX_AGE` seconds after its creation. Expires too with a change of the
    operator's password: `session_hash` is Django's session hash of it.
    """

    operator = models.ForeignKey("accounts.Operator", models.CASCADE, related_name="console_tokens")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    session_hash = models.CharField(max_length=64, editable=False)
    service = models.CharField(
        _("service"),
        max_length=64,
        blank=True,
        help_text=_("A token of a service stays valid when its operator signs out."),
    )
    request_id = models.CharField(max_length=36, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ConsoleTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("console token")
        verbose_name_plural = _("console tokens")

    def __str__(self) -> str:
        created_at = timezone.localtime(self.created_at)
        return self.service or f"{self.operator}, {created_at:%Y-%m-%d %H:%M}"

    @property
    def ends_at(self) -> datetime:
        """When the token expires if it is not used again."""
        latest = self.created_at + timedelta(seconds=settings.CONSOLE_TOKEN_MAX_AGE)
        unused = self.last_used_at + timedelta(seconds=settings.CONSOLE_TOKEN_TTL)
        return min(unused, self.expires_at or latest)

    @staticmethod
    def new_secret() -> str:
        """Return 32 URL-safe characters, 192 random bits."""
        return secrets.token_urlsafe(TOKEN_LENGTH * 3 // 4)
