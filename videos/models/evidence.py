from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def kept(self) -> Self:
        return self.filter(removed_at=None)

    def expired(self, now: datetime) -> Self:
        return self.kept().filter(expires_at__lte=now)


class Evidence(models.Model):
    """The pictures and facts of a blocked clip, kept after the clip is deleted.

    `files` names the copies in the storage `evidence`, which are deleted after `EVIDENCE_DAYS`.
    """

    video = models.ForeignKey("videos.Video", models.PROTECT, related_name="evidence")
    source_version = models.PositiveIntegerField()
    facts = models.JSONField(
        default=dict,
        help_text=_("The clip as it was: title, description, tags, uploader, duration, size."),
    )
    machine_review = models.JSONField(default=dict, blank=True)
    files = models.JSONField(
        default=list,
        blank=True,
        help_text=_("A list of objects: kind (cover, first_frame, snapshot), path, name."),
    )
    problem = models.TextField(
        blank=True, help_text=_("What could not be archived, in one sentence.")
    )
    archived_at = models.DateTimeField(_("archived"), default=timezone.now)
    expires_at = models.DateTimeField(
        _("kept until"), null=True, blank=True, help_text=_("Set once the clip is deleted.")
    )
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint("video", "source_version", name="one_evidence_per_version")
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], name="evidence_expiry", condition=Q(removed_at=None)
            )
        ]

    def __str__(self) -> str:
        return str(self.video)
