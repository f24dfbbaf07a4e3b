"""Deliveries, the lanes that pause them, and periodic tasks."""

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
    GIVEN_UP = "given_up", _("Failed")


OPEN_STATES = (DeliveryState.WAITING, DeliveryState.LEASED)


# Error codes of deliveries that the outbox itself gave up: the cloud refused none of them.
ATTEMPTS_EXHAUSTED = "AttemptsExhausted"
WORKER_LOST = "WorkerLost"
PREDECESSOR_GIVEN_UP = "PredecessorGivenUp"
NOT_RECORDED = "NotRecorded"  # and `settle` failed as well
OWN_CODES = (ATTEMPTS_EXHAUSTED, WORKER_LOST, PREDECESSOR_GIVEN_UP, NOT_RECORDED)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> Self:
        return self.filter(state=DeliveryState.WAITING)

    def open(self) -> Self:
        """Waiting or leased."""
        # The condition of the partial indexes; SQLite cannot prove it from `state IN (?, ?)`.
        return self.filter(finished_at=None)

    def done(self) -> Self:
        return self.filter(state=DeliveryState.DONE)

    def given_up(self) -> Self:
        return self.filter(state=DeliveryState.GIVEN_UP)

    def needing_attention(self, *, shown_elsewhere: Collection[str]) -> Self:
        """Given-up deliveries that the inbox must list, because no other line of it does.

        Apps list the rows of the kinds in `shown_elsewhere`, but not NOT_RECORDED ones. Followers
        (PREDECESSOR_GIVEN_UP) are retried and dismissed together with their predecessor.
        """
        is_unlisted = ~Q(kind__in=shown_elsewhere) | Q(error_code=NOT_RECORDED)
        return self.given_up().filter(is_unlisted).exclude(error_code=PREDECESSOR_GIVEN_UP)

    def for_subject(self, subject: str) -> Self:
        return self.filter(subject=subject)

    def due(self, now: datetime) -> Self:
        """Waiting deliveries whose time has come, and leased ones whose lease has ended.

        `in_turn()` checks the order within the subject.
        """
        # due_at of a leased row has passed too: one range of the index holds all candidates.
        return self.open().filter(
            Q(state=DeliveryState.WAITING) | Q(lease_until__lte=now), due_at__lte=now
        )

    def in_turn(self) -> Self:
        """The first open delivery of each kind and subject whose predecessor (`after`) is done.

        `is_held` repeats a part of this in the partial index: idle workers read it twice a second,
        and it must stay small however many followers wait.
        """
        of_same_subject = (
            Delivery.objects.open()
            .filter(kind=OuterRef("kind"), subject=OuterRef("subject"))
            .order_by("id")
            .values("id")
        )
        # Row 5 is leased while an operator retries row 3 of the same subject: row 3 must wait.
        under_way = of_same_subject.filter(state=DeliveryState.LEASED).exclude(id=OuterRef("id"))
        # Subqueries, not EXISTS: the statistics of a queue are stale, and PostgreSQL then turns
        # EXISTS into a join that compares every open row with every other open row.
        return self.alias(under_way=Subquery(under_way[:1])).filter(
            Q(after=None) | Q(after__state=DeliveryState.DONE),
            is_held=False,
            id=Subquery(of_same_subject[:1]),
            under_way=None,
        )


class Delivery(models.Model):
    """One call that must reach the cloud, and its outcome."""

    kind = models.CharField(max_length=40, help_text=_("Type of call, such as create_audit."))
    subject = models.CharField(
        max_length=200, help_text=_("What the call is about, usually the video's ID in VOD.")
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
        help_text=_("Sent only after this call is done."),
    )
    is_held = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text=_("Workers skip the call until its predecessor is done."),
    )
    is_superseding = models.BooleanField(
        default=False, help_text=_("Replaces older calls of the same kind and subject.")
    )

    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_token = models.UUIDField(
        null=True, blank=True, editable=False, help_text=_("Only its holder may finish the row.")
    )
    attempts = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text=_("Since creation or the last retry, without throttled ones."),
    )
    claim_count = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("How often a worker has claimed the call.")
    )
    broken_lease_count = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("How often its worker died or froze.")
    )
    fault_count = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text=_("Consecutive faults: program errors, lost workers, unusable answers."),
    )
    retry_count = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text=_("How often an operator retried it."),
    )
    first_attempt_at = models.DateTimeField(null=True, blank=True, editable=False)

    error_code = models.CharField(max_length=100, blank=True, editable=False)
    error = models.TextField(blank=True, editable=False, help_text=_("One sentence, safe to show."))
    error_request_id = models.CharField(max_length=100, blank=True, editable=False)
    result = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("VOD call")
        verbose_name_plural = _("VOD calls")
        default_permissions = ("view",)
        permissions = [("retry_delivery", _("Can retry a delivery that was given up"))]
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
        """Whether the cloud refused it.

        False for rows the outbox itself gave up: the call may have been executed.
        """
        return self.state == DeliveryState.GIVEN_UP and self.error_code not in OWN_CODES

    @property
    def was_given_up(self) -> bool:
        """Also true after a dismissal or replacement: the row keeps its error code."""
        return bool(self.error_code)

    @property
    def may_have_been_sent(self) -> bool:
        """Whether an attempt before the current one may have reached the cloud.

        A handler whose call must not happen twice then asks the cloud first.
        """
        return self.claim_count > 1


class LaneQuerySet(models.QuerySet["Lane"]):
    def paused(self, now: datetime) -> Self:
        return self.filter(paused_until__gt=now)


class Lane(models.Model):
    """A kind of delivery, paused as a whole while the cloud throttles it."""

    kind = models.CharField(max_length=40, unique=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    throttled_count = models.PositiveIntegerField(
        default=0, help_text=_("Consecutive throttled calls; each makes the next pause longer.")
    )

    objects = LaneQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery channel")
        verbose_name_plural = _("delivery channels")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.kind


class PeriodicTaskQuerySet(models.QuerySet["PeriodicTask"]):
    def due(self, now: datetime) -> Self:
        return self.filter(Q(lease_until=None) | Q(lease_until__lte=now), due_at__lte=now)


class PeriodicTask(models.Model):
    """A periodic task; one worker at a time runs it."""

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
