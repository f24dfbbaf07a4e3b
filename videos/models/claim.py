from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ReviewClaimQuerySet(models.QuerySet["ReviewClaim"]):
    def open(self) -> Self:
        """Claims that have not ended. One whose lease is over ends when another page wants it."""
        return self.filter(ended_at=None)

    def held(self) -> Self:
        """Open claims within their lease."""
        return self.open().filter(lease_until__gt=timezone.now())

    def of_page(self, page: UUID) -> Self:
        return self.filter(page=page)


class ReviewClaim(models.Model):
    """One page of the desk reviews one video: a lease, and afterwards the record of it.

    A video has one open claim at most, whatever number of tasks it has. The page, not the operator,
    is the holder: two tabs of one operator never hold the same video.
    """

    class End(models.TextChoices):
        DECIDED = "decided", _("decided")
        SKIPPED = "skipped", _("skipped")
        ESCALATED = "escalated", _("escalated")
        LEFT = "left", _("left")
        EXPIRED = "expired", _("expired")
        OVERTAKEN = "overtaken", _("decided elsewhere")

    video = models.ForeignKey("videos.Video", models.CASCADE, related_name="claims")
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="review_claims"
    )
    page = models.UUIDField(_("page"), editable=False, help_text=_("Drawn by the browser page."))
    claimed_at = models.DateTimeField(_("claimed"), default=timezone.now)
    shown_at = models.DateTimeField(
        _("shown"), null=True, blank=True, help_text=_("When the page put the clip on the screen.")
    )
    lease_until = models.DateTimeField(_("lease until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end = models.CharField(_("end"), max_length=9, choices=End, blank=True)
    decision = models.ForeignKey(
        "videos.ReviewDecision",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="claims",
        help_text=_("The decision that ended it, of this page or of somebody else."),
    )

    objects = ReviewClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                "video", name="one_open_claim_per_video", condition=Q(ended_at=None)
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, end="") | (Q(ended_at__isnull=False) & ~Q(end="")),
                name="claim_end_has_a_cause",
            ),
        ]
        indexes = [
            models.Index(fields=["page"], name="claim_page", condition=Q(ended_at=None)),
            models.Index(
                fields=["operator", "ended_at", "video"],
                name="claim_skipped_lately",
                condition=Q(end="skipped"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operator}: {self.video}"
