from datetime import datetime
from typing import Any, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from videos.models.attention import AttentionQuerySet, NeedsAttention
from videos.models.video import Video


class CdnTaskQuerySet(AttentionQuerySet["CdnTask"]):
    def prefetches(self) -> Self:
        return self.filter(kind=CdnTask.Kind.PREFETCH)

    def purges(self) -> Self:
        return self.filter(kind=CdnTask.Kind.PURGE)

    def late_purges(self) -> Self:
        """Purges that failed and still wait: the CDN may serve media of closed videos."""
        return self.purges().filter(state=CdnTask.State.WAITING).exclude(error_message="")

    def withdrawn(self) -> Self:
        """Tasks of blocked or deleted videos: the CDN should not have their media."""
        # Not `video__in`: SQLite would list all closed videos first.
        return self.filter(Exists(Video.objects.closed().filter(pk=OuterRef("video"))))

    def on_their_way(self) -> Self:
        """Waiting to be sent, or running."""
        return self.filter(state__in=(CdnTask.State.WAITING, CdnTask.State.SUBMITTED))


class CdnTask(NeedsAttention):
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

    FAILED = (State.FAIL, State.REFUSED)
    END = ("state", "error_message", "finished_at", "attention_at")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    urls = models.JSONField(_("URLs"), help_text=_("A list of host/path, at most 100."))
    takedown = models.ForeignKey(
        "videos.Takedown",
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="cdn_tasks",
    )
    part_of = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="parts",
        help_text=_("The task whose remaining URLs this task sends."),
    )
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

    objects = CdnTaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("CDN task")
        verbose_name_plural = _("CDN tasks")
        indexes = [
            models.Index("state", "id", name="cdn_task_state"),
            models.Index(
                fields=["takedown"], name="cdn_task_takedown", condition=Q(takedown__isnull=False)
            ),
            models.Index(
                fields=["attention_at"],
                name="cdn_task_attention",
                condition=Q(attention_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {len(self.urls)} URLs"

    def finish(self, state: State, error_message: str = "") -> None:
        """Set the fields `END`, which the caller saves.

        A failed task waits for an operator, except where the inbox shows it elsewhere: a purge of
        a takedown as the takedown, a refused purge as its given-up delivery.
        """
        self.state, self.error_message, self.finished_at = state, error_message, timezone.now()
        is_purge = self.kind == self.Kind.PURGE
        is_shown_elsewhere = is_purge and (state == self.State.REFUSED or self.takedown_id)
        needs_attention = state in self.FAILED and not is_shown_elsewhere
        self.attention_at = self.finished_at if needs_attention else None

    @property
    def is_withdrawn(self) -> bool:
        """Whether its video was blocked or deleted: the CDN should not have its media."""
        return self.video is not None and self.video.is_closed

    @property
    def refused_urls(self) -> list[str]:
        """The URLs that the CDN refused; the others are fetched or purged."""
        refused: list[str] = self._sending.get("refused", [])
        return refused

    @property
    def sent_urls(self) -> set[str]:
        left_out = (*self.refused_urls, *self._sending.get("closed", []))
        return set(self.urls).difference(left_out)

    @property
    def left_out_note(self) -> str:
        """Which URLs were not sent and why; "" if all were."""
        notes = [self._sending.get("refusal", "")]
        if closed := self._sending.get("closed", []):
            notes.append(f"{len(closed)} URLs of blocked or deleted videos were left out.")
        return " ".join(filter(None, notes))

    @property
    def _sending(self) -> dict[str, Any]:
        """The result of its delivery."""
        return self.delivery.result if self.delivery is not None else {}

    @property
    def submitted_at(self) -> datetime:
        """When the CDN took it. The CDN remembers a task for 3 days from then."""
        sent_at = self.delivery.finished_at if self.delivery is not None else None
        return sent_at or self.created_at


class CdnQuotaQuerySet(models.QuerySet["CdnQuota"]):
    def known(self) -> "CdnQuota | None":
        """The quota that was read last; None before the first reading."""
        return self.filter(pk=CdnQuota.ONLY, read_at__isnull=False).first()


class CdnQuota(models.Model):
    """The CDN's last answer about the day's quotas; one row, `ONLY`."""

    ONLY: Final = 1  # its primary key

    prefetch_limit = models.PositiveIntegerField(default=0)
    prefetch_left = models.PositiveIntegerField(default=0)
    purge_limit = models.PositiveIntegerField(default=0)
    purge_left = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField(
        _("read"), null=True, blank=True, help_text=_("Empty before the first reading.")
    )

    objects = CdnQuotaQuerySet.as_manager()

    class Meta:
        verbose_name = _("CDN quota")
        verbose_name_plural = _("CDN quotas")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.prefetch_left}/{self.prefetch_limit}, {self.purge_left}/{self.purge_limit}"
