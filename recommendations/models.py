from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortvideo.compiled import Parameter
from shortvideo.text import NamedOutside, is_blank, isolated
from videos.models import CensorStatus, Video
from videos.models.media import unplayable


class RecommendationQuerySet(models.QuerySet["Recommendation"]):
    def published(self, at: datetime | Parameter | None = None) -> Self:
        """Items that the API lists: active, started, not ended, and not without a file to play.

        `at` is a moment, by default now.
        """
        now = at or timezone.now()
        return self.active().filter(
            Q(starts_at=None) | Q(starts_at__lte=now),
            Q(ends_at=None) | Q(ends_at__gt=now),
            ~unplayable("video__"),
        )

    def active(self) -> Self:
        """Items of passed videos, not ended by a block. Times or a missing file may hide them."""
        return self.filter(
            Q(video__blocked_at=None) | Q(recommended_at__gt=F("video__blocked_at")),
            video__censor_status=CensorStatus.SUCCESS,
            video__deleted_at=None,
        )

    def in_order(self) -> Self:
        """Positioned items by position, then the newest recommendation first."""
        return self.order_by(F("position").asc(nulls_last=True), "-recommended_at", "-id")


class Recommendation(NamedOutside, models.Model):
    """A video's place on the recommended list.

    Display fields override the video's own values; an empty one overrides nothing.
    """

    video = models.OneToOneField(Video, models.CASCADE, related_name="recommendation")
    position = models.PositiveIntegerField(_("position"), null=True, blank=True)
    title = models.CharField(_("title"), max_length=512, blank=True)
    title_search = models.TextField(blank=True, editable=False)
    description = models.TextField(_("description"), blank=True)
    tags = models.CharField(_("tags"), max_length=1024, blank=True)
    cate_name = models.CharField(_("category"), max_length=255, blank=True)
    cover = models.CharField(_("cover"), max_length=1024, blank=True)
    first_frame = models.CharField(_("first frame"), max_length=1024, blank=True)
    recommended_at = models.DateTimeField(_("recommended"), default=timezone.now)
    recommended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    request_id = models.CharField(max_length=36, blank=True, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RecommendationQuerySet.as_manager()

    class Meta:
        verbose_name = _("recommendation")
        verbose_name_plural = _("recommendations")
        permissions = [("recommend_video", _("Can recommend videos"))]
        indexes = [
            # PostgreSQL sorts nulls last in an ascending index, as in_order() does.
            models.Index(fields=["position", "-recommended_at", "-id"], name="recommended_order")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="recommendation_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return isolated(self.label)

    @property
    def label(self) -> str:
        return self.video.label if is_blank(self.title) else self.title
