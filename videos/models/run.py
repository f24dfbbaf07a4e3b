from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Run(models.Model):
    """Long work of one process, which saves it often; `videos.services.runs` has the rules."""

    started_at = models.DateTimeField(_("started"), default=timezone.now)
    saved_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True
