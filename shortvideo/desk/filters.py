"""Filters of lists: a range of days, and a related row chosen by typing."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _


class FormFilter(admin.FieldListFilter):
    """A filter with fields to fill in; its form keeps the other filters of the list."""

    def has_output(self) -> bool:
        return True

    def names(self) -> list[str]:
        return [name for name in self.expected_parameters() if name is not None]

    def value(self, name: str) -> str:
        given: Any = self.used_parameters.get(name) or [""]
        return str(given[-1] if isinstance(given, list) else given)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """One item: what the template of the filter needs."""
        others = {**changelist.params}
        for name in (PAGE_VAR, *self.names()):  # another choice starts at the first page
            others.pop(name, None)
        yield {
            "is_active": any(self.value(name) for name in self.names()),
            "clear_url": changelist.get_query_string(remove=self.names()),
            "others": others,
            **self.context(changelist),
        }

    def context(self, changelist: ChangeList) -> dict[str, Any]:
        raise NotImplementedError


class DateRangeFilter(FormFilter):
    """From the start of one day to the end of another, in the server's time zone."""

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
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        start, end = (self.day(name) for name in self.names())
        if start:
            queryset = queryset.filter(**{f"{self.field_path}__gte": _midnight(start)})
        if end:
            after = _midnight(end + timedelta(days=1))
            queryset = queryset.filter(**{f"{self.field_path}__lt": after})
        return queryset

    def day(self, name: str) -> date | None:
        value = self.value(name)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class ErrorCodeFilter(admin.AllValuesFieldListFilter):
    """The codes of rows that failed, without the many rows that did not."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.lookup_choices = self.failed(self.lookup_choices.exclude(**{self.lookup_kwarg: ""}))

    def failed(self, codes: QuerySet[Any]) -> QuerySet[Any]:
        """For a big table: the part of it that an index leads to."""
        return codes


class AutocompleteFilter(FormFilter):
    """A foreign key's row, found by typing: for relations with too many rows for a menu."""

    template = "admin/autocomplete_filter.html"

    def expected_parameters(self) -> list[str | None]:
        return [f"{self.field_path}__id__exact"]

    def context(self, changelist: ChangeList) -> dict[str, Any]:
        (name,) = self.names()
        field: Any = self.field
        widget = AutocompleteSelect(
            field,
            changelist.model_admin.admin_site,
            attrs={
                "id": f"filter-{self.field_path}",
                "data-submits": "change",
                "data-placeholder": _("Type to search"),
                "aria-label": str(self.title),
            },
            choices=forms.ModelChoiceField(field.related_model._default_manager.all()).choices,
        )
        return {"widget": widget.render(name, self.value(name))}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        (name,) = self.names()
        value = self.value(name)
        if not value:
            return queryset
        try:
            return queryset.filter(**{name: int(value)})
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error
