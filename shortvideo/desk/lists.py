"""The lists of the desk: what they take from the query string, and the way back to them."""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django import forms
from django.contrib.admin import SimpleListFilter, site
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import prepare_lookup_value
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst

if TYPE_CHECKING:
    from shortvideo.desk.options import DeskAdmin

_BACK: Final = "back"  # the parameter of a page of another model: the list that links to it
SEARCH_LENGTH: Final = 256  # more words than this has would nest an expression too deep for SQLite


class _SearchForm(ChangeListSearchForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[SEARCH_VAR] = forms.CharField(
            required=False, strip=False, max_length=SEARCH_LENGTH
        )


class DeskList(ChangeList):
    """A list that takes the parameters of its own filters and `linked_lookups`, nothing else.

    Django takes every lookup on the model's own columns: `vod_id__regex` with a pattern that
    backtracks stops SQLite, and `secret__regex` reads a secret character by character.
    """

    model_admin: "DeskAdmin[Any]"
    search_form_class = _SearchForm

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        for row in self.result_list:
            row.listed_at = request.get_full_path()

    def get_filters(self, request: HttpRequest) -> Any:
        """Raises IncorrectLookupParameters for an unknown parameter or choice."""
        if not self.search_form_class(request.GET).is_valid():
            raise IncorrectLookupParameters
        given = self.get_filters_params()
        found = super().get_filters(request)
        filters, _, remaining, *_ = found
        own = {name for each in filters for name in each.expected_parameters() if name}
        short = {name.removesuffix("__exact") for name in own}  # the same lookup
        for name in given.keys() - own - short:
            if name not in self.model_admin.linked_lookups:
                raise IncorrectLookupParameters
            # A filter with one choice only is not shown: Django drops its parameter.
            remaining[name] = prepare_lookup_value(name, given[name])
        if any(_is_unknown_choice(each) for each in filters):
            raise IncorrectLookupParameters
        return found


def _is_unknown_choice(each: Any) -> bool:
    """Whether a filter got a value that it does not offer: it would show the whole list."""
    if not isinstance(each, SimpleListFilter) or each.value() is None:
        return False
    return each.value() not in {str(value) for value, _ in each.lookup_choices}


def with_way_back(url: str, row: Any) -> str:
    """The URL of a page that a list shows for its row, though it is of another model."""
    listed_at = getattr(row, "listed_at", "")
    return f"{url}?{urlencode({_BACK: listed_at})}" if listed_at else url


def way_back(context: Any) -> tuple[str, str]:
    """The list that a page of a row came from, with its filters: URL and heading."""
    back = context["request"].GET.get(_BACK, "")
    for model in site._registry:
        if urlsplit(back)[:3] == ("", "", _list_url(model)):
            return back, _heading_of(model)
    model = context["opts"].model
    return add_preserved_filters(context, _list_url(model)), _heading_of(model)


def _heading_of(model: type[Model]) -> str:
    heading = getattr(site._registry.get(model), "list_heading", "")
    return str(heading or capfirst(model._meta.verbose_name_plural))


def _list_url(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
