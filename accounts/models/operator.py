from typing import Any, NoReturn

from django.contrib.auth.models import AbstractUser
from django.utils.translation import gettext_lazy as _


class Operator(AbstractUser):
    """A person (or a service) that works with the console.

    Operators are deactivated, never deleted: the log of decisions points to them.
    """

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Operators are deactivated (is_active=False), never deleted.")
