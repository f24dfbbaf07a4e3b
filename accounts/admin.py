"""Operators, roles, console tokens and uploaders on the desk."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import OperatorCreationForm
from accounts.lockout import lockouts_of, unlock_operator
from accounts.models import ConsoleToken, Operator, Uploader
from accounts.tokens import revoke_token
from shortvideo.cloud.types import MediaPath
from shortvideo.cloud.urls import host_and_path, is_on_cdn, is_picture, media_url
from shortvideo.desk import display
from shortvideo.desk.filters import DateRangeFilter
from shortvideo.desk.operations import Operation
from shortvideo.desk.options import DeskAdmin, ReadOnlyAdmin
from shortvideo.errors import InvalidState
from shortvideo.text import folded, is_blank

admin.site.unregister(Group)


class Unlock(Operation[Operator]):
    name = "unlock"
    permission = "accounts.change_operator"
    label = gettext_lazy("Unlock…")
    title = gettext_lazy("Unlock operators")
    verb = gettext_lazy("Unlock")
    report = gettext_lazy("%(done)d of %(selected)d unlocked.")
    explanation = gettext_lazy(
        "Their failed logins are forgotten. A lockout of a whole address after 30 failures stays: "
        "manage.py axes_reset_ip ends it."
    )

    def check(self, row: Operator) -> None:
        if not self.model_admin.has_change_permission(self.request, row):
            raise InvalidState(_("Only superusers change superusers."))
        if not lockouts_of(row, timezone.now()):
            raise InvalidState(_("It is not locked out."))

    def run(self, row: Operator, values: Mapping[str, Any]) -> None:
        unlock_operator(row, **self.actor)


@admin.register(Operator)
class OperatorAdmin(DeskAdmin[Operator], UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Operators are deactivated, never deleted: the log of decisions points to them."""

    empty_hint = gettext_lazy("Add the people and services that use the console.")
    list_display = ("username", "full_name", "role_names", "condition", "last_login")
    list_filter = ("is_active", "is_staff", "groups")
    filter_horizontal = ("groups",)
    operations = (Unlock,)
    add_form = OperatorCreationForm
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email")}),
        (
            gettext_lazy("Access"),
            {
                "fields": ("is_active", "is_staff", "is_superuser", "groups"),
                "description": gettext_lazy(
                    "Deactivate an operator who leaves: sessions and tokens end immediately."
                ),
            },
        ),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "groups", "password1", "password2")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operator]:
        operators: QuerySet[Operator] = super().get_queryset(request)
        return operators.prefetch_related("groups")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Operator | None = None
    ) -> tuple[str, ...]:
        """Only superusers make superusers."""
        if request.user.is_superuser:
            return self.readonly_fields
        return (*self.readonly_fields, "is_superuser")

    def has_change_permission(self, request: HttpRequest, obj: Operator | None = None) -> bool:
        """Only superusers change superusers."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Operator | None = None) -> bool:
        return False

    def page_context(self, request: HttpRequest, row: Operator) -> dict[str, Any]:
        return {
            "lockouts": lockouts_of(row, timezone.now()),
            "may_unlock": Unlock.is_allowed(request.user),
        }

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, operator: Operator) -> str:
        return operator.get_full_name() or display.NOTHING

    @admin.display(description=gettext_lazy("roles"))
    def role_names(self, operator: Operator) -> str:
        names = [group.name for group in operator.groups.all()]
        if operator.is_superuser:
            names.insert(0, _("superuser"))
        return ", ".join(names) or display.NOTHING

    @admin.display(description=gettext_lazy("state"), ordering="is_active")
    def condition(self, operator: Operator) -> SafeString:
        if not operator.is_active:
            return display.toned(_("deactivated"), "neutral")
        if not operator.is_staff:
            return display.toned(_("cannot log in"), "attention")
        return display.toned(_("active"), "good")


# What Django stores in English for each model.
_MODEL_PERMISSIONS: Final = {
    "add": gettext_lazy("Can add %s"),
    "change": gettext_lazy("Can change %s"),
    "delete": gettext_lazy("Can delete %s"),
    "view": gettext_lazy("Can view %s"),
}


def _permission_label(permission: Permission) -> str:
    content_type = permission.content_type
    action, _of, model = permission.codename.partition("_")
    if action in _MODEL_PERMISSIONS and model == content_type.model:
        name = _MODEL_PERMISSIONS[action] % content_type.name
    else:
        name = _(permission.name)
    return f"{content_type} | {name}"


@admin.register(Group)
class RoleAdmin(DeskAdmin[Group], GroupAdmin):
    """Roles are groups. `migrate` creates five; an installation may add its own."""

    empty_hint = gettext_lazy("manage.py migrate creates the five roles.")
    list_display = ("name", "operator_count")
    name_fields = ("name",)

    def formfield_for_manytomany(self, *args: Any, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(*args, **kwargs)
        field.label_from_instance = _permission_label
        return field

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        groups: QuerySet[Group] = super().get_queryset(request)
        return groups.annotate(operator_count=Count("user"))

    @admin.display(description=gettext_lazy("operators"), ordering="operator_count")
    def operator_count(self, group: Any) -> int:
        count: int = group.operator_count  # annotated above
        return count


class Revoke(Operation[ConsoleToken]):
    name = "revoke"
    permission = "accounts.delete_consoletoken"
    label = gettext_lazy("Revoke…")
    title = gettext_lazy("Revoke console tokens")
    verb = gettext_lazy("Revoke")
    report = gettext_lazy("%(done)d of %(selected)d revoked.")
    explanation = gettext_lazy("Users of these tokens must log in again or get a new token.")
    is_destructive = True

    def run(self, row: ConsoleToken, values: Mapping[str, Any]) -> None:
        revoke_token(row, **self.actor)


@admin.register(ConsoleToken)
class ConsoleTokenAdmin(ReadOnlyAdmin[ConsoleToken]):
    empty_hint = gettext_lazy("A token appears when an operator logs in to the console API.")
    list_display = (
        "id",
        "operator",
        "service",
        "condition",
        "created_at",
        "last_used_at",
        "expires",
    )
    list_select_related = ("operator",)
    list_filter = ("operator__is_active", ("last_used_at", DateRangeFilter))
    search_fields = ("operator__username", "service")
    ordering = ("-last_used_at",)
    operations = (Revoke,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "operator",
                    "service",
                    "condition",
                    "created_at",
                    "last_used_at",
                    "expires",
                )
            },
        ),
    )

    @admin.display(description=gettext_lazy("state"))
    def condition(self, token: ConsoleToken) -> SafeString:
        if token.ends_at <= timezone.now():
            return display.toned(_("expired"), "neutral")
        if not (token.operator.is_active and token.operator.is_staff):
            return display.toned(_("operator cannot log in"), "attention")
        return display.toned(_("valid"), "good")

    @admin.display(description=gettext_lazy("expires"), ordering="last_used_at")
    def expires(self, token: ConsoleToken) -> datetime:
        return token.ends_at


@admin.register(Uploader)
class UploaderAdmin(ReadOnlyAdmin[Uploader]):
    """Users of the app, as named in the user data of clips."""

    empty_hint = gettext_lazy("Users of the app appear here with their first clip.")
    list_display = ("avatar", "name", "identifier", "videos")
    list_display_links = ("name",)
    search_fields = ("name_search", "user_id")
    search_help_text = gettext_lazy("Part of the name, or exact user ID")
    ordering = ("user_id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "avatar",
                    "identifier",
                    "name",
                    "videos",
                )
            },
        ),
    )

    def search_condition(self, text: str) -> Q:
        return Q(name_search__contains=folded(text)) | Q(user_id=text)

    @admin.display(description=gettext_lazy("name"), ordering="name_search")
    def name(self, uploader: Uploader) -> SafeString:
        return display.bdi("" if is_blank(uploader.user_name) else uploader.user_name)

    @admin.display(description=gettext_lazy("user ID"), ordering="user_id")
    def identifier(self, uploader: Uploader) -> SafeString:
        return display.bdi(uploader.user_id)

    @admin.display(description=gettext_lazy("picture"))
    def avatar(self, uploader: Uploader) -> SafeString:
        path = host_and_path(uploader.avatar_url)
        is_of_video = uploader.videos.model.objects.with_file(path).exists()
        if is_of_video or not (is_on_cdn(path) and is_picture(path)):
            return format_html('<span class="avatar">{}</span>', uploader.label[:1].upper())
        url = media_url(MediaPath(path), ttl_seconds=settings.MEDIA_URL_TTL, now=timezone.now())
        return format_html('<span class="avatar"><img src="{}" alt="" loading="lazy"></span>', url)

    @admin.display(description=gettext_lazy("videos"))
    def videos(self, uploader: Uploader) -> SafeString:
        query = {"uploader__id__exact": uploader.pk}
        url = reverse("admin:videos_video_changelist", query=query)
        return format_html('<a href="{}">{}</a>', url, _("Show videos"))
