from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortvideo.outbox.models import Delivery, DeliveryQuerySet
from videos.models.attention import AttentionQuerySet, NeedsAttention


class VodEvent(NeedsAttention):
    """One callback of VOD, stored when it came and processed after the answer."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("processed")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("not processed: unknown type")

    event_type = models.CharField(_("type"), max_length=64)
    media_id = models.CharField(_("video id"), max_length=64, blank=True)
    event_time = models.DateTimeField(null=True, blank=True)
    dedupe_key = models.CharField(max_length=64, unique=True, editable=False)
    body = models.JSONField()
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.WAITING)
    error = models.TextField(blank=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    processed_at = models.DateTimeField(null=True, blank=True)

    objects = AttentionQuerySet["VodEvent"].as_manager()

    class Meta:
        verbose_name = _("VOD callback")
        verbose_name_plural = _("VOD callbacks")
        permissions = [("replay_vodevent", _("Can replay events of VOD"))]
        indexes = [
            models.Index("media_id", "id", name="event_media"),
            models.Index("state", "id", name="event_state"),
            models.Index(
                fields=["attention_at"],
                name="event_attention",
                condition=Q(attention_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.media_id}"

    @property
    def deliveries(self) -> DeliveryQuerySet:
        of_video: DeliveryQuerySet = Delivery.objects.for_subject(self.media_id)
        return of_video.filter(kind="process_event", payload__event=self.pk)
