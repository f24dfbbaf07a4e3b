from typing import Any, ClassVar, NoReturn

from django.contrib.auth.models import AbstractUser, Group, UserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


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

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Operators are deactivated (is_active=False), never deleted.")
