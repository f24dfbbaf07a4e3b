"""Base classes of every ModelAdmin of the desk."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    from shortvideo.desk.operations import Operation

    ModelAdmin = admin.ModelAdmin
else:

    class ModelAdmin(admin.ModelAdmin):
        """Subscriptable, as in the type stubs."""

        def __class_getitem__(cls, _model: Any) -> type:
            return cls


class DeskAdmin(ModelAdmin[M]):
    """A list with one count query, 50 rows a page, and operations as actions.

    Attributes:
        list_heading: the heading of the list, if not the model's name.
        operations: the actions of the list. An operator sees the permitted ones.
    """

    list_heading: str | Promise = ""
    operations: ClassVar[Sequence[type["Operation[Any]"]]] = ()

    show_full_result_count = False
    list_per_page = 50
    empty_value_display = "–"

    def search_condition(self, text: str) -> Q | None:
        """Return the rows that a search finds; None searches `search_fields` as Django does."""
        return None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        text = search_term.strip()
        condition = self.search_condition(text) if text else None
        if condition is None:
            return super().get_search_results(request, queryset, text)
        return queryset.filter(condition), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if IS_POPUP_VAR in request.GET:
            return {}
        return {
            operation.name: operation.as_action()
            for operation in self.operations
            if operation.is_allowed(request.user)
        }


class ReadOnlyAdmin(DeskAdmin[M]):
    """Rows that only services write: the desk shows them and offers operations."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False
