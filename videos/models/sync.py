from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from videos.models.run import Run


class SyncRun(Run):
    """One walk through VOD's videos.

    `checkpoint` is a CreationTime in a full run, a ModificationTime in an incremental run. The
    process that walks knows the `claim`; a process that takes the run over replaces it.
    """

    class Kind(models.TextChoices):
        FULL = "full", _("full")
        INCREMENTAL = "incremental", _("incremental")

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    kind = models.CharField(_("kind"), max_length=11, choices=Kind)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.RUNNING)
    is_dry_run = models.BooleanField(_("dry run"), default=False)
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField()
    checkpoint = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("Everything created (modified, in an incremental run) before it was read."),
    )
    expected_count = models.PositiveIntegerField(default=0)
    seen_count = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    claim = models.UUIDField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("sync run")
        verbose_name_plural = _("sync runs")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {timezone.localtime(self.started_at):%Y-%m-%d %H:%M}"
