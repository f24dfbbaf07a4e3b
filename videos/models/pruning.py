from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class LogPruning(models.Model):
    """One batch that `prune_log` removed from the log of decisions."""

    before = models.DateTimeField(_("before"), help_text=_("Only older decisions were removed."))
    decision_count = models.PositiveIntegerField(_("decisions"))
    first_id = models.BigIntegerField(help_text=_("The lowest number of a removed decision."))
    last_id = models.BigIntegerField(help_text=_("The highest number of a removed decision."))
    run_by = models.CharField(
        _("run by"), max_length=150, blank=True, help_text=_("The user name on the machine.")
    )
    created_at = models.DateTimeField(_("removed"), default=timezone.now)

    class Meta:
        verbose_name = _("log clean-up")
        verbose_name_plural = _("log clean-ups")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{timezone.localtime(self.before):%Y-%m-%d}: {self.decision_count}"
