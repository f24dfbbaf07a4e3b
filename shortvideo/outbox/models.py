"""Deliveries, the lanes they travel in, and work that comes round."""

from collections.abc import Collection
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    LEASED = "leased", _("Being sent")
    DONE = "done", _("Done")
    SUPERSEDED = "superseded", _("Superseded")
    GIVEN_UP = "given_up", _("Given up")


OPEN_STATES = (DeliveryState.WAITING, DeliveryState.LEASED)


# Error codes of deliveries that the outbox gave up by itself: the cloud refused none of these.
ATTEMPTS_EXHAUSTED = "AttemptsExhausted"
WORKER_LOST = "WorkerLost"
PREDECESSOR_GIVEN_UP = "PredecessorGivenUp"
NOT_RECORDED = "NotRecorded"  # and its handler could not even be told
OWN_CODES = (ATTEMPTS_EXHAUSTED, WORKER_LOST, PREDECESSOR_GIVEN_UP, NOT_RECORDED)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> Self:
        return self.filter(state=DeliveryState.WAITING)

    def open(self) -> Self:
        """Not finished: waiting, or being sent."""
        # The partial indexes are on this: SQLite proves it of no condition with parameters.
        return self.filter(finished_at=None)

    def done(self) -> Self:
        return self.filter(state=DeliveryState.DONE)

    def given_up(self) -> Self:
        return self.filter(state=DeliveryState.GIVEN_UP)

    def needing_attention(self, *, shown_elsewhere: Collection[str]) -> Self:
        """Given up, and no row of an app stands for it, as those of the kinds elsewhere do.

        What only waited for another that was given up is retried or dismissed with that one.
        """
        is_unseen = ~Q(kind__in=shown_elsewhere) | Q(error_code=NOT_RECORDED)
        return self.given_up().filter(is_unseen).exclude(error_code=PREDECESSOR_GIVEN_UP)

    def for_subject(self, subject: str) -> Self:
        return self.filter(subject=subject)

    def due(self, now: datetime) -> Self:
        """What a worker may take: waiting long enough, or left behind by a worker that is gone.

        Whether its turn has come within its subject is `in_turn()`'s question.
        """
        # due_at of a leased row has passed too: one range of the index holds all candidates.
        return self.open().filter(
            Q(state=DeliveryState.WAITING) | Q(lease_until__lte=now), due_at__lte=now
        )

    def in_turn(self) -> Self:
        """First of its kind and subject, and what it comes after is done.

        `is_held` says less than that, and keeps what waits for others out of the index that idle
        workers read twice a second, however many there are.
        """
        of_same_subject = (
            Delivery.objects.open()
            .filter(kind=OuterRef("kind"), subject=OuterRef("subject"))
            .order_by("id")
            .values("id")
        )
        # A retried row is older than a newer one that may be under way: they take turns too.
        under_way = of_same_subject.filter(state=DeliveryState.LEASED).exclude(id=OuterRef("id"))
        # Subqueries, not EXISTS: with the stale statistics of a queue PostgreSQL turns that into
        # a join which compares every open row with every other.
        return self.alias(under_way=Subquery(under_way[:1])).filter(
            Q(after=None) | Q(after__state=DeliveryState.DONE),
            is_held=False,
            id=Subquery(of_same_subject[:1]),
            under_way=None,
        )


class Delivery(models.Model):
    """One call that must reach the cloud, and what became of it."""

    kind = models.CharField(max_length=40, help_text=_("Chooses the handler."))
    subject = models.CharField(
        max_length=200, help_text=_("What it is about, such as a video's id in VOD.")
    )
    payload = models.JSONField(default=dict, blank=True)
    state = models.CharField(
        max_length=10, choices=DeliveryState, default=DeliveryState.WAITING, editable=False
    )
    due_at = models.DateTimeField()
    after = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="followers",
        help_text=_("Sent only once this one is done."),
    )
    is_held = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text=_("Let go by the end of the one before it; no worker looks at it until then."),
    )
    is_superseding = models.BooleanField(
        default=False, help_text=_("Replaces older ones of its kind and subject.")
    )

    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_token = models.UUIDField(
        null=True, blank=True, editable=False, help_text=_("Only its holder may finish the row.")
    )
    attempts = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text=_("Since it was sent or retried; throttled ones apart."),
    )
    claim_count = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("How often a worker has taken it, ever.")
    )
    broken_lease_count = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("How often its worker died or froze.")
    )
    fault_count = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text=_("Attempts in a row that failed here: faults of this program, lost workers."),
    )
    retry_count = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text=_("How often somebody had it sent once more."),
    )
    first_attempt_at = models.DateTimeField(null=True, blank=True, editable=False)

    error_code = models.CharField(max_length=100, blank=True, editable=False)
    error = models.TextField(blank=True, editable=False, help_text=_("One sentence, fit to show."))
    error_request_id = models.CharField(max_length=100, blank=True, editable=False)
    result = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        default_permissions = ("view",)
        permissions = [("retry_delivery", "Can retry a delivery that was given up")]
        indexes = [
            models.Index(
                fields=["kind", "due_at", "id"],
                condition=Q(finished_at=None, is_held=False),
                name="outbox_ready",
            ),
            models.Index(
                fields=["kind", "subject", "id"],
                condition=Q(finished_at=None),
                name="outbox_turn",
            ),
            models.Index(fields=["subject", "id"], name="outbox_subject"),
            models.Index(
                fields=["finished_at"],
                condition=Q(state=DeliveryState.GIVEN_UP),
                name="outbox_given_up",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=DeliveryState.LEASED, lease_token__isnull=False)
                | (~Q(state=DeliveryState.LEASED) & Q(lease_token__isnull=True)),
                name="outbox_lease_has_token",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_STATES, finished_at=None)
                | (~Q(state__in=OPEN_STATES) & Q(finished_at__isnull=False)),
                name="outbox_open_until_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_refused(self) -> bool:
        """Whether the cloud refused it. What the outbox gave up by itself may be in the cloud."""
        return self.state == DeliveryState.GIVEN_UP and self.error_code not in OWN_CODES

    @property
    def was_given_up(self) -> bool:
        """Given up, also where it was dismissed or replaced since: it keeps its error then."""
        return bool(self.error_code)

    @property
    def may_have_been_sent(self) -> bool:
        """Whether an earlier attempt than the present one may have reached the cloud.

        For handlers, while they deliver: an operation that must not happen twice asks the cloud
        first.
        """
        return self.claim_count > 1


class LaneQuerySet(models.QuerySet["Lane"]):
    def paused(self, now: datetime) -> Self:
        return self.filter(paused_until__gt=now)


class Lane(models.Model):
    """A whole kind of delivery, slowed down while the cloud throttles it."""

    kind = models.CharField(max_length=40, unique=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    throttled_count = models.PositiveIntegerField(
        default=0, help_text=_("In a row; the next pause grows with it.")
    )

    objects = LaneQuerySet.as_manager()

    class Meta:
        verbose_name = _("lane")
        verbose_name_plural = _("lanes")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.kind


class PeriodicTaskQuerySet(models.QuerySet["PeriodicTask"]):
    def due(self, now: datetime) -> Self:
        return self.filter(Q(lease_until=None) | Q(lease_until__lte=now), due_at__lte=now)


class PeriodicTask(models.Model):
    """Work that comes round: one runner at a time among all workers."""

    name = models.CharField(max_length=100, unique=True)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    last_run_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)

    objects = PeriodicTaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("periodic task")
        verbose_name_plural = _("periodic tasks")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name
