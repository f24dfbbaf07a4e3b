"""The ModelAdmin classes that every app's admin is made of."""

from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import Promise

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin
else:

    class ModelAdmin(admin.ModelAdmin):
        """Subscriptable, as the type stubs have it."""

        def __class_getitem__(cls, _model: Any) -> type:
            return cls


class DeskAdmin(ModelAdmin[M]):
    """A list that counts once and shows 50 rows.

    `list_heading` names the page where it is called otherwise than its rows.
    """

    list_heading: str | Promise = ""

    show_full_result_count = False
    list_per_page = 50
    empty_value_display = "–"


class ReadOnlyAdmin(DeskAdmin[M]):
    """Rows that only services write: the desk shows them and offers actions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False
