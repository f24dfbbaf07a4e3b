from datetime import datetime, timedelta
from typing import Any, Final, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortvideo.outbox.models import Delivery, DeliveryQuerySet
from videos.models.attention import AttentionQuerySet, NeedsAttention
from videos.models.status import CensorStatus

HITS_KEPT: Final = timedelta(days=14)  # by VOD
_IS_BLOCKED: Final = Q(video__censor_status=CensorStatus.FAIL)


class EvidenceQuerySet(AttentionQuerySet["Evidence"]):
    def kept(self) -> Self:
        return self.filter(removed_at=None)

    def expired(self, now: datetime) -> Self:
        return self.kept().filter(expires_at__lte=now)

    def of_blocks(self) -> Self:
        """Evidence of clips that were blocked, not only of the machine's hits."""
        return self.exclude(facts={}, removed_at=None)

    def needing_attention(self) -> Self:
        """Incomplete evidence of clips that are blocked, or were when they were deleted."""
        return super().needing_attention().filter(_IS_BLOCKED)

    def to_retry(self, now: datetime) -> Self:
        """Incomplete, and due for another attempt: VOD may still have the originals.

        Of a clip that is not blocked only hit pictures are missing: VOD has them for two weeks.
        """
        return (
            super()
            .needing_attention()
            .filter(
                _IS_BLOCKED | Q(attention_at__gt=now - HITS_KEPT),
                retry_at__lte=now,
                video__deleted_at=None,
                source_version=F("video__source_version"),
            )
        )


class Evidence(NeedsAttention):
    """The pictures and facts of a blocked clip, and the machine's hit pictures of any clip.

    They are kept after the clip is deleted. It waits for an operator while copies are missing of a
    blocked clip.

    `files` names the copies in the storage `evidence`, which are deleted after `EVIDENCE_DAYS`. A
    file that the storage had no longer when it was last asked has the key `is_lost`.
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
        help_text=_("A list of objects: kind (cover, first_frame, snapshot, hit), path, name."),
    )
    problem = models.TextField(
        blank=True, help_text=_("What could not be archived, in one sentence.")
    )
    archived_at = models.DateTimeField(_("archived"), default=timezone.now)
    expires_at = models.DateTimeField(
        _("kept until"), null=True, blank=True, help_text=_("Set once the clip is deleted.")
    )
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)
    retry_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the worker tries again to copy what is missing."),
    )

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
            ),
            models.Index(
                fields=["attention_at"],
                name="evidence_attention",
                condition=Q(attention_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.video)

    @property
    def is_of_block(self) -> bool:
        """As `EvidenceQuerySet.of_blocks`."""
        return bool(self.facts) or self.removed_at is not None

    @property
    def copies(self) -> list[dict[str, Any]]:
        """The files that the storage had when it was last asked."""
        return [file for file in self.files if not file.get("is_lost")]

    @property
    def shortfall(self) -> str:
        """What is missing, in one sentence or two; '' if nothing is known to be missing."""
        counts = {"lost": len(self.files) - len(self.copies), "count": len(self.files)}
        lost = _("%(lost)d of %(count)d copies are not in the storage any more.") % counts
        return " ".join(filter(None, (lost if counts["lost"] else "", self.problem)))

    @property
    def deliveries(self) -> DeliveryQuerySet:
        """The repeated archives: no step of a takedown follows them."""
        archives = Delivery.objects.filter(kind="archive_evidence", followers=None)
        return archives.for_subject(self.video.vod_id)
