from typing import Any, ClassVar, NoReturn, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Operator
from shortvideo.text import isolated
from videos.models.status import CensorStatus, Decision, Source, TaskCause

REASON_BYTES = 128
COMMENT_BYTES = 480  # VOD takes 512; the rest is for our mark


class ReviewDecisionQuerySet(models.QuerySet["ReviewDecision"]):
    def by_people(self) -> Self:
        return self.filter(source__in=Source.human())

    def in_force(self) -> Self:
        """Decisions that were not undone, without the `Undo` lines. Only these count."""
        return self.exclude(decision=Decision.UNDO).filter(undone_by=None)

    def standing(self) -> Self:
        """Decisions about present sources that no later decision has replaced."""
        of_video = ReviewDecision.objects.in_force().filter(video=OuterRef("video"))
        return self.in_force().filter(
            ~Exists(of_video.filter(pk__gt=OuterRef("pk"))),
            source_version=F("video__source_version"),
            video__deleted_at=None,
        )


class ReviewDecision(models.Model):
    """One line of the log of decisions. Append-only: triggers refuse update and delete."""

    video = models.ForeignKey("videos.Video", models.PROTECT, related_name="decisions")
    source_version = models.PositiveIntegerField()
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="review_decisions",
    )
    auditor = models.CharField(
        max_length=255, blank=True, help_text=_("Who decided in the VOD console.")
    )
    decision = models.CharField(max_length=8, choices=Decision)
    source = models.CharField(max_length=8, choices=Source)
    from_status = models.CharField(max_length=8, choices=CensorStatus)
    to_status = models.CharField(max_length=8, choices=CensorStatus)
    reason = models.CharField(max_length=512, blank=True)
    comment = models.TextField(blank=True)
    template = models.ForeignKey(
        "videos.ReasonTemplate",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
        db_index=False,
        help_text=_("The template of the reason, if one was chosen."),
    )
    policy = models.CharField(
        max_length=64, blank=True, db_default="", help_text=_("The policy of the template then.")
    )
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    delivery = models.OneToOneField(
        "outbox.Delivery",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="review_decision",
        help_text=_("Carries it to VOD; none for a decision that came from VOD."),
    )

    undoes = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="undone_by",
        help_text=_("The decision that this line undoes, before it was sent to VOD."),
    )
    blocked_at_before = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("The video's earlier block: an undo restores it, and with it recommendations."),
    )

    objects = ReviewDecisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        constraints = [
            models.UniqueConstraint(
                fields=["undoes"], name="decision_undone_once", condition=Q(undoes__isnull=False)
            )
        ]
        indexes = [
            models.Index(fields=["video", "-id"], name="decision_video"),
            models.Index(fields=["operator", "-id"], name="decision_operator"),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()}: {self.video}"

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("The log of decisions is append-only.")

    @property
    def is_human(self) -> bool:
        return self.source in Source.human()

    @property
    def who(self) -> str:
        """Who decided, for a sentence: the operator or auditor, and the source."""
        name = self.operator or (isolated(self.auditor) if self.auditor else "")
        return f"{name} ({self.get_source_display()})" if name else self.get_source_display()

    @property
    def mark(self) -> str:
        """The end of the comment in VOD, which marks our own decisions in VOD's history."""
        return f"#{self.pk}"


class ReviewTaskQuerySet(models.QuerySet["ReviewTask"]):
    ORDERS: ClassVar[dict[str, tuple[Any, ...]]] = {
        "oldest": (F("priority").desc(), "opened_at", "id"),
        "riskiest": (F("risk").desc(), "opened_at", "id"),
    }

    def open(self) -> Self:
        return self.filter(closed_at=None, video__deleted_at=None)

    def in_order(self, order: str) -> Self:
        """In one of `ORDERS`. Each is an index of the open tasks."""
        return self.order_by(*self.ORDERS[order])

    def oldest_first(self) -> Self:
        return self.in_order("oldest")

    def addressed_elsewhere(self, operator: Operator) -> Self:
        """Escalated tasks for a colleague, or for a role that the operator does not have."""
        is_own = Q(for_operator=operator) | Q(for_role__in=operator.groups.all())
        return self.filter(closed_at=None, cause=TaskCause.ESCALATED).exclude(is_own)


class ReviewTask(models.Model):
    """Why a person must review a video. The open tasks are the review queue."""

    video = models.ForeignKey("videos.Video", models.CASCADE, related_name="review_tasks")
    cause = models.CharField(_("cause"), max_length=16, choices=TaskCause)
    priority = models.SmallIntegerField(_("priority"), default=0)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    # Unused. The release before names them while it runs beside an upgrade; the next drops them.
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    risk = models.PositiveSmallIntegerField(
        _("risk"), default=0, db_default=0, help_text=_("The highest score of the AI review.")
    )
    for_operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("for"),
        help_text=_("The colleague to whom it was escalated."),
    )
    for_role = models.ForeignKey(
        "auth.Group",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("for the role"),
        help_text=_("The role to which it was escalated."),
    )

    objects = ReviewTaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("review task")
        verbose_name_plural = _("review tasks")
        constraints = [
            models.UniqueConstraint(
                "video", "cause", name="one_open_task_per_cause", condition=Q(closed_at=None)
            )
        ]
        indexes = [
            models.Index(
                F("priority").desc(),
                "opened_at",
                "id",
                name="task_open_oldest",
                condition=Q(closed_at=None),
            ),
            models.Index(
                F("risk").desc(),
                "opened_at",
                "id",
                name="task_open_riskiest",
                condition=Q(closed_at=None),
            ),
            models.Index(
                fields=["video"],
                name="task_escalated",
                condition=Q(closed_at=None, cause=TaskCause.ESCALATED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_cause_display()}: {self.video}"


def fits_reason(text: str) -> None:
    """Raise ValidationError for more than 128 bytes of UTF-8: VOD counts bytes."""
    length = len(text.encode())
    if length > REASON_BYTES:
        raise ValidationError(
            _("This is %(length)d bytes of UTF-8; a reason has at most %(limit)d."),
            params={"length": length, "limit": REASON_BYTES},
        )


class ReasonTemplate(models.Model):
    """A reason for blocking that moderators choose instead of typing it."""

    class Severity(models.IntegerChoices):
        LOW = 1, _("low")
        MEDIUM = 2, _("medium")
        HIGH = 3, _("high")
        CRITICAL = 4, _("critical")

    policy = models.CharField(
        _("policy"),
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text=_("The rule that the clip breaks, such as “violence”. Reports count by it."),
    )
    severity = models.PositiveSmallIntegerField(
        _("severity"), choices=Severity, default=Severity.MEDIUM, db_default=Severity.MEDIUM
    )
    text = models.CharField(
        _("reason in English"), max_length=REASON_BYTES, blank=True, validators=[fits_reason]
    )
    text_zh_hans = models.CharField(
        _("reason in Chinese"),
        max_length=REASON_BYTES,
        blank=True,
        default="",
        db_default="",
        validators=[fits_reason],
    )
    is_urgent = models.BooleanField(
        _("urgent"),
        default=False,
        db_default=False,
        help_text=_("VOD is told at once: a block with this reason cannot be undone."),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("reason template")
        verbose_name_plural = _("reason templates")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.text_in(get_language() or "")

    def text_in(self, language: str) -> str:
        """The reason in "en" or "zh-hans"; in the other language where this one is empty."""
        texts = (self.text, self.text_zh_hans)
        first, second = texts[::-1] if language.startswith("zh") else texts
        return first or second

    @property
    def text_for_vod(self) -> str:
        """The reason as VOD gets it: see `VOD_REASON_LANGUAGE`."""
        return self.text_in(settings.VOD_REASON_LANGUAGE)


class ReviewNote(models.Model):
    """What a moderator writes for colleagues about a video, without deciding."""

    video = models.ForeignKey("videos.Video", models.CASCADE, related_name="notes")
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="review_notes"
    )
    text = models.CharField(_("note"), max_length=2000)
    created_at = models.DateTimeField(_("written"), default=timezone.now)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["video", "-id"], name="note_video")]

    def __str__(self) -> str:
        return f"{self.operator}: {self.video}"
