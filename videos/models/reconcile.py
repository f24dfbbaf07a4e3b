from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ReconcileRun(models.Model):
    """One comparison of the mirror with VOD, in both directions."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    state = models.CharField(_("state"), max_length=7, choices=State, default=State.RUNNING)
    is_heal = models.BooleanField(
        _("healed"), default=False, help_text=_("Whether drift was healed, or only counted.")
    )
    here_count = models.PositiveIntegerField(_("videos here"), default=0)
    there_count = models.PositiveIntegerField(_("videos in VOD"), default=0)
    counts = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("By kind of drift: an object of found, healed and left."),
    )
    examples = models.JSONField(
        default=list,
        blank=True,
        help_text=_("The first of each kind: kind, vod_id, here, there, outcome."),
    )
    left_count = models.PositiveIntegerField(
        _("drift left"), default=0, help_text=_("Differences that remain after the run.")
    )
    error = models.TextField(_("error"), blank=True)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"
