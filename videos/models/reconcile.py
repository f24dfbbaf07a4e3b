from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from videos.models.run import Run


class ReconcileRunQuerySet(models.QuerySet["ReconcileRun"]):
    def needing_attention(self) -> Self:
        """Return the latest ended run if it failed, left drift, or could not compare some files."""
        state = ReconcileRun.State
        ended = self.filter(state__in=[state.DONE, state.FAILED]).order_by("-id")
        return self.filter(pk__in=ended.values("pk")[:1]).filter(
            Q(state=state.FAILED) | Q(left_count__gt=0) | ~Q(open_files=[])
        )


class ReconcileRun(Run):
    """One comparison of the mirror with VOD, in both directions.

    One is running at a time, and one may be requested.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", _("requested")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    state = models.CharField(_("state"), max_length=9, choices=State, default=State.RUNNING)
    is_heal = models.BooleanField(
        _("heals"), default=False, help_text=_("Whether drift is healed, or only counted.")
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    here_count = models.PositiveIntegerField(_("videos here"), default=0)
    there_count = models.PositiveIntegerField(_("videos in VOD"), default=0)
    counts = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("By kind of drift: an object of found, healed, under_way and left."),
    )
    examples = models.JSONField(
        default=list,
        blank=True,
        help_text=_("The first of each kind: kind, vod_id, here, there, outcome, note."),
    )
    found_count = models.PositiveIntegerField(_("drift found"), default=0)
    left_count = models.PositiveIntegerField(
        _("drift left"),
        default=0,
        help_text=_("Differences that remain after the run, those under way included."),
    )
    file_turns = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text=_("Ended comparisons of a share of the files, this one and those before it."),
    )
    open_files = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text=_(
            "The ids in VOD of the videos whose files this run or one before it found to differ, "
            "and none has seen mended. Kept with the latest run that has ended well."
        ),
    )
    error = models.TextField(_("error"), blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = ReconcileRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["state"],
                name="one_reconciliation_at_a_time",
                condition=Q(state__in=["requested", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.started_at):%Y-%m-%d %H:%M}"
