import secrets
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from videos.models.attention import AttentionQuerySet, NeedsAttention
from videos.models.status import TranscodeKind, TranscodeStatus


def new_session_key() -> str:
    return secrets.token_hex(6)


class TranscodeJobQuerySet(AttentionQuerySet["TranscodeJob"]):
    def running(self) -> Self:
        return self.filter(state__in=TranscodeJob.RUNNING)

    def followed(self) -> Self:
        """Jobs whose end VOD has not reported yet, the stuck ones included."""
        return self.filter(state__in=TranscodeJob.FOLLOWED)

    def of_kind(self, kind: TranscodeKind) -> Self:
        return self.filter(kind=kind)

    def of_unknown_submission(self) -> Self:
        """Jobs that VOD may have: every attempt to submit them was lost."""
        return self.filter(state=TranscodeJob.State.STUCK, task_id="")


class TranscodeJob(NeedsAttention):
    """One submission of ours: all streams of one template group."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be submitted")
        SUBMITTED = "submitted", _("running in VOD")
        SUCCESS = "success", _("done")
        FAIL = "fail", _("failed")
        REFUSED = "refused", _("refused by VOD")
        STUCK = "stuck", _("stuck: no update from VOD")

    RUNNING = (State.WAITING, State.SUBMITTED)
    FOLLOWED = (*RUNNING, State.STUCK)
    END = ("state", "error_code", "error_message", "checked_at", "finished_at", "attention_at")

    video = models.ForeignKey("videos.Video", models.CASCADE, related_name="transcode_jobs")
    source_version = models.PositiveIntegerField(default=1)
    kind = models.CharField(_("kind"), max_length=10, choices=TranscodeKind)
    template_group_id = models.CharField(max_length=64)
    previous_status = models.CharField(
        max_length=11, choices=TranscodeStatus, blank=True, default=TranscodeStatus.NONE
    )
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.WAITING)
    task_id = models.CharField(max_length=64, blank=True)
    job_ids = models.JSONField(default=list, blank=True, help_text=_("VOD's ids, one per stream."))
    progress = models.PositiveSmallIntegerField(_("progress"), default=0, help_text=_("Percent."))
    streams = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text=_("VOD's last answer: a list of objects: job_id, status, progress."),
    )
    error_code = models.CharField(max_length=128, blank=True)
    error_message = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True, blank=True)
    news_at = models.DateTimeField(
        _("last update"),
        null=True,
        blank=True,
        help_text=_("When VOD last reported a change; before the first, when it was submitted."),
    )
    session_key = models.CharField(
        max_length=12,
        blank=True,
        default=new_session_key,
        db_default="",
        editable=False,
        help_text=_("Random: another or a restored database may use the primary key again."),
    )
    retry_of = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="retried_by",
        help_text=_("The failed or stuck job that this one repeats."),
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    delivery = models.OneToOneField(
        "outbox.Delivery", models.PROTECT, null=True, blank=True, related_name="transcode_job"
    )

    objects = TranscodeJobQuerySet.as_manager()

    class Meta:
        verbose_name = _("transcoding job")
        verbose_name_plural = _("transcoding jobs")
        constraints = [
            models.UniqueConstraint(
                "video",
                "kind",
                name="one_running_job_per_kind",
                condition=Q(state__in=["waiting", "submitted"]),
            ),
            models.UniqueConstraint(
                fields=["retry_of"],
                name="transcode_retried_once",
                condition=Q(retry_of__isnull=False),
            ),
        ]
        indexes = [
            models.Index("task_id", name="transcode_task"),
            models.Index(
                fields=["attention_at"],
                name="transcode_attention",
                condition=Q(attention_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.video}"

    @property
    def session_id(self) -> str:
        """VOD refuses a second submission with this id for 7 days; at most 50 characters."""
        return f"svc-{self.pk}-{self.session_key}" if self.session_key else f"svc-{self.pk}"
