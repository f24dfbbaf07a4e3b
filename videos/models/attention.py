from typing import Self, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from shortvideo.outbox.models import DeliveryQuerySet

Row = TypeVar("Row", bound=models.Model)


class AttentionQuerySet(models.QuerySet[Row]):
    def needing_attention(self) -> Self:
        return self.filter(attention_at__isnull=False)


class NeedsAttention(models.Model):
    """A row that waits for an operator once it has failed, and until one retries or dismisses it.

    Each model has its own partial index on `attention_at`.
    """

    attention_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("Since when it waits for an operator; empty once one has acted."),
    )

    class Meta:
        abstract = True

    @property
    def deliveries(self) -> DeliveryQuerySet:
        """The deliveries that carry it to the cloud."""
        raise NotImplementedError
