from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

HIGHEST_SCORE = 100


class LabelThreshold(models.Model):
    """What the console does with a label of the AI review, by the score of its highest hit."""

    label = models.CharField(
        _("label"), max_length=64, unique=True, help_text=_("As the AI names it, such as “weapon”.")
    )
    review_at = models.PositiveSmallIntegerField(
        _("review from"),
        validators=[MaxValueValidator(HIGHEST_SCORE)],
        help_text=_("Clips below this score (0 to 100) are approved as far as this label goes."),
    )
    block_at = models.PositiveSmallIntegerField(
        _("block from"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(HIGHEST_SCORE)],
        help_text=_("Clips from this score on are blocked. Empty: a person decides."),
    )

    class Meta:
        verbose_name = _("AI threshold")
        verbose_name_plural = _("AI thresholds")
        ordering = ["label"]
        constraints = [
            models.CheckConstraint(
                condition=Q(block_at=None) | Q(block_at__gte=F("review_at")),
                name="threshold_block_above_review",
            )
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        review_at: int | None = self.review_at  # None: the form refused it
        if review_at is not None and self.block_at is not None and self.block_at < review_at:
            raise ValidationError({"block_at": _("It must not be below “review from”.")})
