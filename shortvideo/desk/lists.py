"""The lists of the desk: what they take from the query string."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import prepare_lookup_value
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.http import HttpRequest

if TYPE_CHECKING:
    from shortvideo.desk.options import DeskAdmin

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
