"""The authentication backend: who may log in, and all permissions in one query."""

from collections.abc import Iterable

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Permission
from django.db.models import Model, Q

from accounts.models import Operator


class OperatorBackend(ModelBackend):
    """Django's ModelBackend with one query for the permissions of an operator and their groups.

    The operator object caches them for one request. Only active staff have a login and a session:
    the right password of others is a failure like a wrong one.
    """

    def user_can_authenticate(self, user: Operator | AnonymousUser | None) -> bool:
        return isinstance(user, Operator) and user.is_active and user.is_staff

    def get_all_permissions(
        self, user_obj: Operator | AnonymousUser, obj: Model | None = None
    ) -> set[str]:
        if obj is not None or not isinstance(user_obj, Operator) or not user_obj.is_active:
            return set()
        cached: set[str] | None = getattr(user_obj, "_perm_cache", None)
        if cached is None:
            granted = _granted_permissions(user_obj)
            cached = remember_permissions(user_obj, (f"{app}.{name}" for app, name in granted))
        return cached


def remember_permissions(operator: Operator, permissions: Iterable[str]) -> set[str]:
    """Keep what was read of the operator's permissions for this object, as Django does."""
    cached = set(permissions)
    operator._perm_cache = cached  # type: ignore[attr-defined]  # Django's cache
    return cached


def _granted_permissions(operator: Operator) -> list[tuple[str, str]]:
    permissions = Permission.objects.all()
    if not operator.is_superuser:
        permissions = permissions.filter(Q(group__user=operator) | Q(user=operator)).distinct()
    return list(permissions.order_by().values_list("content_type__app_label", "codename"))
