"""Base classes of every ModelAdmin of the desk."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_POPUP_VAR, IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.db import transaction
from django.db.models import DateTimeField, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from shortvideo.desk.detail import detail_context
from shortvideo.desk.editing import EditingForm, ListEditingForm
from shortvideo.desk.forms import require_visible
from shortvideo.desk.lists import DeskList
from shortvideo.moments import zone_name
from shortvideo.text import check_name

M = TypeVar("M", bound=Model)
_PLAY_UNPUBLISHED: Final = "videos.play_unpublished_video"

if TYPE_CHECKING:
    from shortvideo.desk.operations import Operation

    ModelAdmin = admin.ModelAdmin
else:

    class ModelAdmin(admin.ModelAdmin):
        """Subscriptable, as in the type stubs."""

        def __class_getitem__(cls, _model: Any) -> type:
            return cls


class DeskAdmin(ModelAdmin[M]):
    """A list with one count query, 50 rows a page, operations as actions, and guarded forms.

    Attributes:
        list_heading: the heading of the list, if not the model's name.
        name_fields: fields whose text tells rows apart: each character of it shows something.
        operations: the actions of the list. An operator sees the permitted ones.
        phone_columns: the three columns of a card on a phone, beside link and picture; by default
            the first three.
        empty_hint: what fills the list, for an empty one.
        linked_lookups: parameters of the list beside those of its filters: links of other pages.
        media_fields: fields that may hold paths of streams and sources: see `may_see_media`.
        detail_template: the page of a row that the operator cannot edit. `fieldsets` names its
            facts; other parts come from `page_context`.
    """

    list_heading: str | Promise = ""
    name_fields: ClassVar[Sequence[str]] = ()
    operations: ClassVar[Sequence[type["Operation[Any]"]]] = ()
    phone_columns: ClassVar[Sequence[str]] = ()
    empty_hint: str | Promise = ""
    linked_lookups: ClassVar[Sequence[str]] = ()
    media_fields: ClassVar[Sequence[str]] = ()
    detail_template: ClassVar[str] = "admin/detail.html"

    show_full_result_count = False
    list_per_page = 50
    empty_value_display = "–"

    def page_context(self, request: HttpRequest, row: M) -> dict[str, Any]:
        """Return additional context of the page of one row."""
        return {}

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        """Render the form, or the page of facts for an operator who cannot edit the row."""
        row = kw.get("obj")
        if row is None:
            return super().render_change_form(request, context, *args, **kw)
        is_edited = self.has_change_permission(request, row)
        if not is_edited:
            context.update(
                title=row, subtitle=None, opts=self.opts, buttons=self.buttons(request, row),
                **detail_context(self, request, row),
            )  # fmt: skip
        context.update(self.page_context(request, row))
        if is_edited:
            return super().render_change_form(request, context, *args, **kw)
        request.current_app = self.admin_site.name  # as Django does
        return TemplateResponse(request, self.detail_template, context)

    def buttons(self, request: HttpRequest, row: M) -> list[dict[str, Any]]:
        """The operations that the operator may start with this row and that its state allows."""
        allowed = self.get_actions(request)
        buttons = (each(self, request) for each in self.operations if each.name in allowed)
        return [button for each in buttons if (button := each.as_button(row))]

    def may_see_media(self, request: HttpRequest, row: M | None) -> bool:
        """Whether the page shows `media_fields`: they may name files of any clip, also blocked."""
        return bool(request.user.has_perm(_PLAY_UNPUBLISHED))

    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if not self.media_fields or self.may_see_media(request, obj):
            return fieldsets
        hidden = self.media_fields
        return [
            (
                title,
                {**options, "fields": [name for name in options["fields"] if name not in hidden]},
            )
            for title, options in fieldsets
        ]

    # --- Edits: see `shortvideo.desk.editing`

    def get_form(
        self,
        request: HttpRequest,
        obj: M | None = None,
        change: bool = False,  # noqa: FBT001 - Django's signature
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return form if obj is None else EditingForm.guarding(form)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A required text has something visible; a moment says in which time zone it is typed."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, forms.CharField) and field.required:
            field.validators.append(require_visible)
        if db_field.name in self.name_fields and field is not None:
            field.validators.append(check_name)
        if isinstance(db_field, DateTimeField) and field is not None:
            field.help_text = f"{field.help_text} {zone_name()}".strip()
            names = (_("%(name)s: date"), _("%(name)s: time"))
            for part, name in zip(getattr(field.widget, "widgets", ()), names, strict=False):
                part.attrs["aria-label"] = name % {"name": field.label}
        return field

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **{"form": ListEditingForm, **kwargs})

    def rows_to_lock(self, keys: Sequence[Any]) -> QuerySet[Any]:
        """What is locked while rows are edited."""
        return self.model._base_manager.filter(pk__in=keys)

    def _lock(self, keys: Sequence[Any]) -> None:
        """Lock rows until the end of the transaction: their values are compared, then saved."""
        list(self.rows_to_lock(keys).select_for_update().order_by("pk").values_list("pk"))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if request.method != "POST" or object_id is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():
            with suppress(ValidationError):  # Django answers
                self._lock([self.opts.pk.clean(unquote(object_id), None)])
            return super().changeform_view(request, object_id, form_url, extra_context)

    # --- Lists

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DeskList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Leave all refusals to `DeskList`, which knows what the filters took."""
        return True

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Popups of our forms name rows by their key."""
        return to_field == self.opts.pk.name

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> M | None:
        """Ignore `_to_field=`, which Django takes for the name of a field."""
        return super().get_object(request, object_id, from_field or None)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Say so if the query string is refused: Django then shows the list without filters."""
        try:
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters:
            if ERROR_FLAG in request.GET:
                raise BadRequest from None
            text = _("The address asked for a filter, value or page that this list does not have.")
            self.message_user(request, text, messages.ERROR)
            raise

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Raises BadRequest if a selected or edited row has a key that no row can have."""
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        edited = self._get_edited_object_pks(request, "form")
        try:
            for key in (*selected, *edited):
                self.opts.pk.clean(key, None)
        except ValidationError as error:
            raise BadRequest from error
        if "_save" not in request.POST:
            return super().changelist_view(request, extra_context)
        with transaction.atomic():
            self._lock(edited)
            return super().changelist_view(request, extra_context)

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
