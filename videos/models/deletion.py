from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class VideoDeletion(models.Model):
    """One deletion, from the tombstone to VOD's confirmation."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be sent")
        DONE = "done", _("deleted in VOD")
        REFUSED = "refused", _("refused by VOD")

    video = models.ForeignKey("videos.Video", models.CASCADE, related_name="deletions")
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.WAITING)
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    delivery = models.OneToOneField(
        "outbox.Delivery", models.PROTECT, null=True, blank=True, related_name="video_deletion"
    )

    class Meta:
        verbose_name = _("deletion")
        verbose_name_plural = _("deletions")
        constraints = [
            models.UniqueConstraint(
                "video", name="one_deletion_under_way", condition=Q(state="waiting")
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.video}"
