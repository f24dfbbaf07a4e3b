from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class MachineReview(models.Model):
    """The machine's verdict about one version of a source."""

    class Suggestion(models.TextChoices):
        PASS = "pass", _("approve")
        REVIEW = "review", _("needs human review")
        BLOCK = "block", _("block")
        ERROR = "error", _("failed")

    video = models.ForeignKey("videos.Video", models.CASCADE, related_name="machine_reviews")
    source_version = models.PositiveIntegerField()
    job_id = models.CharField(max_length=64, blank=True)  # of a failure: VOD's verdicts have none
    suggestion = models.CharField(
        max_length=6, choices=Suggestion, help_text=_("VOD's, as far as no threshold decides.")
    )
    vod_suggestion = models.CharField(
        max_length=6, choices=Suggestion, blank=True, db_default="", help_text=_("VOD's own.")
    )
    labels = models.JSONField(default=list, help_text=_("Labels that are not normal."))
    hits = models.JSONField(
        default=list,
        help_text=_("A list of objects: label, score (0-100), timestamp_ms, module."),
    )
    abnormal_modules = models.CharField(max_length=255, blank=True)
    result = models.JSONField(default=dict, help_text=_("VOD's MediaAuditResult as it came."))
    error_code = models.CharField(max_length=128, blank=True)
    error_message = models.TextField(blank=True)
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("AI review")
        verbose_name_plural = _("AI reviews")
        constraints = [
            models.UniqueConstraint(
                "video", "source_version", name="one_machine_review_per_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_suggestion_display()}: {self.video}"
