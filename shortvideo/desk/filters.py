"""Filters of lists: a range of days, a related row found by typing, error codes, defaults."""

from collections.abc import Iterator
from datetime import date
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode

from shortvideo.moments import end_of_day, start_of_day, zone_name


class FormFilter(admin.FieldListFilter):
    """A filter that is a form. The form keeps the other filters of the list."""

    def has_output(self) -> bool:
        return True

    def names(self) -> list[str]:
        return [name for name in self.expected_parameters() if name is not None]

    def value(self, name: str) -> str:
        values: Any = self.used_parameters.get(name) or [""]
        return str(values[-1] if isinstance(values, list) else values)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield one item: the context of the filter's template."""
        others = {**changelist.params}
        for name in (PAGE_VAR, *self.names()):  # the filtered list starts at its first page
            others.pop(name, None)
        yield {
            "is_active": any(self.value(name) for name in self.names()),
            "clear_url": changelist.get_query_string(remove=self.names()),
            "others": others,
            **self.context(changelist),
        }

    def context(self, changelist: ChangeList) -> dict[str, Any]:
        raise NotImplementedError


class NarrowingFilter(admin.SimpleListFilter):
    """A filter that shows only some rows without a choice too, and says which."""

    default: ClassVar[str | Promise]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        choices = super().choices(changelist)
        yield {**next(choices), "display": self.default, "is_narrowing": True}
        yield from choices


class DateRangeFilter(FormFilter):
    """From one day to another, both inclusive, in the operator's time zone."""

    template = "admin/date_range_filter.html"

    def expected_parameters(self) -> list[str | None]:
        return [f"{self.field_path}_from", f"{self.field_path}_to"]

    def context(self, changelist: ChangeList) -> dict[str, Any]:
        start, end = self.names()
        return {
            "start_name": start,
            "start": self.value(start),
            "end_name": end,
            "end": self.value(end),
            "zone": zone_name(),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        start, end = (self.day(name) for name in self.names())
        zone = timezone.get_current_timezone()
        if start:
            queryset = queryset.filter(**{f"{self.field_path}__gte": start_of_day(start, zone)})
        if end:
            queryset = queryset.filter(**{f"{self.field_path}__lt": end_of_day(end, zone)})
        return queryset

    def day(self, name: str) -> date | None:
        value = self.value(name)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error


class ErrorCodeFilter(admin.AllValuesFieldListFilter):
    """The error codes of failed rows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lookup_choices = self.failed(self.lookup_choices.exclude(**{self.lookup_kwarg: ""}))

    def failed(self, codes: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the rows to those of an index; for big tables."""
        return codes


class AutocompleteFilter(FormFilter):
    """A related row, found by typing; for relations with too many rows for a menu."""

    template = "admin/autocomplete_filter.html"

    def expected_parameters(self) -> list[str | None]:
        return [f"{self.field_path}__id__exact"]

    def context(self, changelist: ChangeList) -> dict[str, Any]:
        (name,) = self.names()
        field: Any = self.field
        value = self.value(name)
        row = field.related_model._default_manager.filter(pk=value).first() if value else None
        asked = {
            "app_label": field.model._meta.app_label,
            "model_name": field.model._meta.model_name,
            "field_name": field.name,
        }
        return {
            "url": f"{reverse('admin:autocomplete')}?{urlencode(asked)}",
            "id": f"filter-{self.field_path}",
            "name": name,
            "value": value,
            "chosen": row or "",
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        (name,) = self.names()
        value = self.value(name)
        if not value:
            return queryset
        field: Any = self.field
        try:
            return queryset.filter(**{name: field.related_model._meta.pk.clean(value, None)})
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error
