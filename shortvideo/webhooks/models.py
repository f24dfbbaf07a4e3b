"""Endpoints, events, which endpoint gets which event, and the log of attempts."""

from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortvideo.outbox.models import DeliveryState

URL_LENGTH = 500
ERROR_LENGTH = 255


def as_text(moment: datetime) -> str:
    """A time in UTC, as events carry it: `2026-11-23T14:05:09.120000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class EventType(models.TextChoices):
    """The documented names; the desk shows them unchanged."""

    DECIDED = "video.decided", "video.decided"
    PUBLISHED = "video.published", "video.published"
    UNPUBLISHED = "video.unpublished", "video.unpublished"
    TRANSCODED = "video.transcoded", "video.transcoded"
    DELETED = "video.deleted", "video.deleted"
    RESTORED = "video.restored", "video.restored"
    PING = "ping", "ping"

    @property
    def description(self) -> str | Promise:
        return {
            self.DECIDED: _("approved, blocked, sent back to review, or undone"),
            self.PUBLISHED: _("the video may be shown from now on"),
            self.UNPUBLISHED: _("the video may not be shown any more"),
            self.TRANSCODED: _("transcoding succeeded or failed"),
            self.DELETED: _("deleted here or missing in VOD"),
            self.RESTORED: _("VOD refused the deletion, or has the video again"),
            self.PING: _("a test event"),
        }[self]

    @classmethod
    def subscribable(cls) -> list["EventType"]:
        """The types that an endpoint can choose: all but the test event."""
        return [member for member in cls if member is not cls.PING]


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def subscribed_to(self, event_type: EventType) -> list["Endpoint"]:
        """Active endpoints that chose this type. They are few, and SQLite cannot search JSON."""
        active = self.filter(is_active=True).order_by("pk")
        return [row for row in active if event_type in row.event_types]


class Endpoint(models.Model):
    """A URL of the backend, and the event types that it gets."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    url = models.CharField(_("URL"), max_length=URL_LENGTH)
    # In the clear, because calls are signed with it. Shown once, on creation.
    secret = models.CharField(max_length=100, editable=False)
    previous_secret = models.CharField(max_length=100, blank=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    event_types = models.JSONField(_("event types"), default=list)
    is_active = models.BooleanField(_("active"), default=True)
    switched_off_reason = models.CharField(max_length=ERROR_LENGTH, blank=True, editable=False)

    failure_count = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text=_("Consecutive failures; each makes the next pause longer."),
    )
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True, editable=False)
    last_failure_at = models.DateTimeField(_("last failure"), null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=ERROR_LENGTH, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        default_permissions = ("add", "change", "view")  # switched off, never deleted

    def __str__(self) -> str:
        return self.name

    def reset_failures(self) -> list[str]:
        """Reset the failures without saving; returns the names of the fields to save."""
        self.failure_count, self.paused_until, self.switched_off_reason = 0, None, ""
        return ["failure_count", "paused_until", "switched_off_reason"]

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and self.paused_until > now

    def secrets(self, now: datetime) -> list[str]:
        """The secrets that sign a call: two for a while after a change."""
        is_rotating = self.previous_secret_until is not None and self.previous_secret_until > now
        return [self.secret, self.previous_secret] if is_rotating else [self.secret]


class EventQuerySet(models.QuerySet["Event"]):
    def prunable(self) -> Self:
        """Events that no endpoint waits for and that are no dead letters."""
        return self.exclude(pk__in=Dispatch.objects.unfinished_or_dead().values("event"))


class Event(models.Model):
    """Something that happened. Its id is the `sequence`, which grows with each event of a video."""

    uid = models.UUIDField(_("event id"), unique=True, default=uuid4, editable=False)
    type = models.CharField(_("type"), max_length=20, choices=EventType)
    subject = models.CharField(
        _("video"), max_length=64, blank=True, help_text=_("The video's id in VOD.")
    )
    data = models.JSONField(_("data"), default=dict)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        default_permissions = ("view",)
        indexes = [
            models.Index("subject", name="webhook_event_subject"),
            models.Index("created_at", name="webhook_event_created"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}".rstrip()

    def as_json(self) -> dict[str, Any]:
        """The body of a call: the same at every attempt."""
        return {
            "id": str(self.uid),
            "type": self.type,
            "sequence": self.pk,
            "createdAt": as_text(self.created_at),
            "videoId": self.subject,
            "data": self.data,
        }


_DEAD = Q(delivery__state=DeliveryState.GIVEN_UP) & ~Q(event__type=EventType.PING)


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    def unfinished_or_dead(self) -> Self:
        return self.filter(Q(delivery__finished_at=None) | _DEAD)

    def waiting(self) -> Self:
        return self.filter(delivery__finished_at=None)

    def dead(self) -> Self:
        """Dead letters: given up. A test event is none, because its failure is its result."""
        return self.filter(_DEAD)


class Dispatch(models.Model):
    """One event for one endpoint; its state is that of its delivery."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="dispatches")
    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="dispatches")
    delivery = models.OneToOneField(
        "outbox.Delivery", models.PROTECT, related_name="webhook_dispatch"
    )

    objects = DispatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        default_permissions = ("view",)
        permissions = [("replay_dispatch", _("Can send again what was given up"))]
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="webhook_dispatched_once")
        ]

    def __str__(self) -> str:
        return f"{self.event} → {self.endpoint}"


class Attempt(models.Model):
    """One call of an endpoint. Deleted after `WEBHOOK_LOG_DAYS`."""

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField(_("attempt"))
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    milliseconds = models.PositiveIntegerField(_("milliseconds"))
    error = models.CharField(_("error"), max_length=ERROR_LENGTH, blank=True)
    created_at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("webhook attempt")
        verbose_name_plural = _("webhook attempts")
        default_permissions = ("view",)
        indexes = [models.Index("created_at", name="webhook_attempt_created")]

    def __str__(self) -> str:
        return f"{self.dispatch}, {self.number}"

    @property
    def answered(self) -> str:
        return str(self.status) if self.status is not None else gettext("none")
