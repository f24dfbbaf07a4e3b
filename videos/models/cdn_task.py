from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class CdnTask(models.Model):
    """One batch of URLs to prefetch to, or to purge from, the CDN."""

    class Kind(models.TextChoices):
        PREFETCH = "prefetch", _("prefetch")
        PURGE = "purge", _("purge")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be sent")
        SUBMITTED = "submitted", _("running")
        SUCCESS = "success", _("done")
        FAIL = "fail", _("failed")
        REFUSED = "refused", _("refused by the CDN")
        SUPERSEDED = "superseded", _("no longer needed")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    urls = models.JSONField(_("URLs"), help_text=_("A list of host/path, at most 100."))
    video = models.ForeignKey(
        "videos.Video", models.SET_NULL, null=True, blank=True, related_name="cdn_tasks"
    )
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    task_ids = models.JSONField(default=list, blank=True)
    progress = models.PositiveSmallIntegerField(_("progress"), default=0, help_text=_("Percent."))
    error_message = models.TextField(blank=True)
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    checked_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    delivery = models.OneToOneField(
        "outbox.Delivery", models.PROTECT, null=True, blank=True, related_name="cdn_task"
    )

    class Meta:
        verbose_name = _("CDN task")
        verbose_name_plural = _("CDN tasks")
        indexes = [models.Index("state", "id", name="cdn_task_state")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {len(self.urls)} URLs"
