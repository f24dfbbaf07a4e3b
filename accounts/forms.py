"""The form of a new operator, and of what operators choose for themselves."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.forms import UserCreationForm
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Operator

_NO_PLACES = frozenset({"Factory", "localtime"})  # files beside the zones on some machines


class OperatorCreationForm(UserCreationForm):  # type: ignore[type-arg]  # not subscriptable
    """Name, password and at least one role: a new operator can log in and do something."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["groups"].required = True


@cache
def _zone_names() -> list[str]:
    return sorted(available_timezones() - _NO_PLACES)


def _languages() -> list[tuple[str, str]]:
    return [("", _("As the browser says")), *settings.LANGUAGES]


def _zones() -> list[tuple[str, str]]:
    server = _("As the server: %(zone)s") % {"zone": settings.TIME_ZONE}
    return [("", server), *((name, name) for name in _zone_names())]


class LanguageForm(forms.Form):
    """Language and time zone of the desk."""

    language = forms.ChoiceField(choices=_languages, required=False, label=gettext_lazy("Language"))
    time_zone = forms.ChoiceField(
        choices=_zones,
        required=False,
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("Of all times at the desk. Times in the API are the server’s."),
    )

    def save(self, operator: Operator) -> None:
        operator.language = self.cleaned_data["language"]
        operator.time_zone = self.cleaned_data["time_zone"]
        operator.save(update_fields=["language", "time_zone"])
