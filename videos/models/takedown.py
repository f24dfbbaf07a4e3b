from datetime import timedelta
from typing import Final, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortvideo.outbox.models import DeliveryState

OVERDUE_AFTER: Final = timedelta(minutes=30)  # well beyond what a purge takes


class TakedownQuerySet(models.QuerySet["Takedown"]):
    def of_block(self) -> Self:
        return self.exclude(cause=Takedown.Cause.DELETION)

    def under_way(self) -> Self:
        return self.filter(state=Takedown.State.UNDER_WAY)

    def in_force(self) -> Self:
        """Neither reversed nor replaced; the latest of a video first."""
        return self.exclude(state__in=Takedown.OVER).order_by("-id")

    def failed(self) -> Self:
        """A step was refused, or the clip is still served."""
        return self.filter(state=Takedown.State.FAILED)

    def needing_attention(self) -> Self:
        """Failed and neither retried nor dismissed since, or under way for too long."""
        failed = Q(state=Takedown.State.FAILED, verification__state=DeliveryState.GIVEN_UP)
        latest = timezone.now() - OVERDUE_AFTER
        overdue = Q(state=Takedown.State.UNDER_WAY, verification__created_at__lt=latest)
        # The planner uses the index only for a condition on `state` alone.
        return self.filter(state__in=Takedown.UNFINISHED).filter(failed | overdue)


class Takedown(models.Model):
    """The takedown of one clip, from its block or deletion to the proof that it is offline.

    The other steps have rows of their own: the delivery of the decision or the deletion, the
    evidence, the purges (`cdn_tasks`).
    """

    class Cause(models.TextChoices):
        BLOCK = "block", _("blocked")
        DELETION = "deletion", _("deleted")
        VOD = "vod", _("blocked by VOD")

    class State(models.TextChoices):
        UNDER_WAY = "under_way", _("under way")
        VERIFIED = "verified", _("verified")
        FAILED = "failed", _("failed")
        REVERSED = "reversed", _("reversed")
        REPLACED = "replaced", _("replaced by a later one")

    UNFINISHED = (State.UNDER_WAY, State.FAILED)
    OVER = (State.REVERSED, State.REPLACED)

    video = models.ForeignKey("videos.Video", models.CASCADE, related_name="takedowns")
    cause = models.CharField(_("cause"), max_length=8, choices=Cause)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.UNDER_WAY)
    decision = models.OneToOneField(
        "videos.ReviewDecision", models.PROTECT, null=True, blank=True, related_name="takedown"
    )
    deletion = models.OneToOneField(
        "videos.VideoDeletion", models.PROTECT, null=True, blank=True, related_name="takedown"
    )
    problem = models.TextField(_("problem"), blank=True, help_text=_("One sentence, safe to show."))
    created_at = models.DateTimeField(_("started"), default=timezone.now)
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)
    verification = models.OneToOneField(
        "outbox.Delivery",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="takedown",
        help_text=_("The delivery that checks what VOD and the CDN still show."),
    )

    check_count = models.PositiveSmallIntegerField(
        default=0,
        editable=False,
        help_text=_("Checks in a row in which VOD did not show the clip as gone."),
    )
    served_counts = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        editable=False,
        help_text=_("By host/path: checks that found a purged file still served."),
    )

    objects = TakedownQuerySet.as_manager()

    class Meta:
        verbose_name = _("takedown")
        verbose_name_plural = _("takedowns")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["state", "id"], name="takedown_state"),
        ]

    def __str__(self) -> str:
        return f"{self.get_cause_display()}: {self.video}"

    def restart_checks(self) -> list[str]:
        """Set it under way with new checks, in memory. Returns the names of the fields to save."""
        self.state, self.problem, self.verified_at = self.State.UNDER_WAY, "", None
        self.check_count, self.served_counts = 0, {}
        return ["state", "problem", "verified_at", "check_count", "served_counts"]

    @property
    def is_over(self) -> bool:
        """Whether it was reversed or replaced: nothing more is sent."""
        return self.state in self.OVER
