from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ReviewPreferences(models.Model):
    """What an operator chose for the review page; None: as the team's setting says."""

    class Speed(models.IntegerChoices):
        NORMAL = 100, "1×"
        QUARTER = 125, "1.25×"
        HALF = 150, "1.5×"
        DOUBLE = 200, "2×"

    class Order(models.TextChoices):
        """The names of `ReviewTaskQuerySet.ORDERS`."""

        OLDEST = "oldest", _("Oldest first")
        RISKIEST = "riskiest", _("Highest risk first")

    operator = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="review_preferences",
    )
    is_blurred = models.BooleanField(
        _("blurred until revealed"), null=True, blank=True, default=None
    )
    is_grey = models.BooleanField(
        _("without colours until revealed"), null=True, blank=True, default=None
    )
    is_muted = models.BooleanField(_("muted at the start"), default=True, db_default=True)
    speed_percent = models.PositiveSmallIntegerField(
        _("speed"), choices=Speed, default=Speed.NORMAL, db_default=Speed.NORMAL
    )
    order = models.CharField(
        _("order"), max_length=8, choices=Order, default=Order.OLDEST, db_default=Order.OLDEST
    )
    has_single_keys = models.BooleanField(
        _("keys are on"),
        default=True,
        db_default=True,
        help_text=_("Off: the keys below do nothing on the review page; its buttons do."),
    )
    keys = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text=_("The operator’s own key of a command, where it is not the default."),
    )

    class Meta:
        verbose_name = _("preferences of the review page")
        verbose_name_plural = _("preferences of the review page")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.operator)

    @property
    def blurs(self) -> bool:
        return settings.REVIEW_BLUR if self.is_blurred is None else self.is_blurred

    @property
    def greys(self) -> bool:
        return settings.REVIEW_GREYSCALE if self.is_grey is None else self.is_grey
