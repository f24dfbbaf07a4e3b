from collections.abc import Collection
from typing import Any, ClassVar, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.models import AbstractUser, Group, UserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from shortvideo.text import check_name


class _OperatorManager(UserManager["Operator"]):
    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> "Operator":
        """Return the operator with this name, which is stored normalised (NFKC)."""
        return super().get_by_natural_key(self.model.normalize_username(username))


class Operator(AbstractUser):
    """A user of the console, person or service.

    Operators are deactivated, never deleted: the log of decisions points to them.
    """

    # Django's own fields, with the words of the desk.
    is_staff = models.BooleanField(
        _("can log in to the desk"),
        default=True,
        help_text=_("Also required for the console API."),
    )
    groups = models.ManyToManyField(  # type: ignore[assignment]  # Django's is of any model
        Group,
        verbose_name=_("roles"),
        blank=True,
        help_text=_("An operator has the permissions of all their roles."),
        related_name="user_set",
        related_query_name="user",
    )
    language = models.CharField(
        _("language"),
        max_length=16,
        blank=True,
        default="",
        db_default="",
        help_text=_("Of the desk. Empty: as the browser says."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text=_("Of the times at the desk. Empty: as the server’s."),
    )

    is_guide_closed = models.BooleanField(
        _("has closed the guide"),
        default=False,
        db_default=False,
        editable=False,
        help_text=_("The first page of the desk shows it until then."),
    )

    objects: ClassVar[_OperatorManager] = _OperatorManager()

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Validate the name as it is stored: normalised (NFKC), which may make it longer."""
        self.username = self.normalize_username(self.username)
        super().clean_fields(exclude)

    def clean(self) -> None:
        """Refuse a name with invisible letters: it would look like another operator's."""
        super().clean()
        try:
            check_name(self.username)
        except ValidationError as error:
            raise ValidationError({"username": error}) from None

    @property
    def zone(self) -> ZoneInfo | None:
        """The chosen time zone; None for the server's, or if this machine no longer knows it."""
        try:
            return ZoneInfo(self.time_zone) if self.time_zone else None
        except (ZoneInfoNotFoundError, ValueError):
            return None

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Operators are deactivated (is_active=False), never deleted.")
