from typing import Self, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from shortvideo.outbox.models import Delivery, DeliveryQuerySet

Row = TypeVar("Row", bound=models.Model)


class AttentionQuerySet(models.QuerySet[Row]):
    def needing_attention(self) -> Self:
        return self.filter(attention_at__isnull=False)


class NeedsAttention(models.Model):
    """A row that waits for an operator after a failure, until a retry or a dismissal.

    Each model has its own partial index on `attention_at`.
    """

    delivery_id: int | None  # VodEvent has none and overrides `deliveries`

    attention_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When it began to wait for an operator; empty once one has acted."),
    )

    class Meta:
        abstract = True

    @property
    def deliveries(self) -> DeliveryQuerySet:
        """The deliveries that carry it to the cloud."""
        deliveries: DeliveryQuerySet = Delivery.objects.filter(pk=self.delivery_id or 0)
        return deliveries
