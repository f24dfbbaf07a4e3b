"""What an operator chooses for themselves: language, time zone, the review page and its keys."""

from collections import Counter
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import site
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.i18n import set_language

from accounts.forms import LanguageForm
from accounts.services import operator_of
from videos.admin.reviewing.keys import COMMANDS, keys_of, parse_key, show_key
from videos.models import ReviewPreferences
from videos.services import choose_for_review, review_preferences


class ReviewForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable here
    class Meta:
        model = ReviewPreferences
        fields = (
            "is_blurred", "is_grey", "is_muted", "speed_percent", "order", "has_single_keys",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, is_on in (
            ("is_blurred", settings.REVIEW_BLUR),
            ("is_grey", settings.REVIEW_GREYSCALE),
        ):
            team = _("As the team: on") if is_on else _("As the team: off")
            self.fields[name].widget.choices = [
                ("unknown", team),
                ("true", _("On")),
                ("false", _("Off")),
            ]


class _KeyField(forms.CharField):
    """A key. The script of the page puts the pressed key into it."""

    widget = forms.TextInput({"data-key-field": "", "autocomplete": "off", "size": 8})

    def __init__(self, *, label: Any) -> None:
        super().__init__(required=False, label=label, strip=False, max_length=20)

    def prepare_value(self, value: str | None) -> str:
        return show_key(value or "")

    def clean(self, value: str) -> str:
        return parse_key(super().clean(value))


class KeysForm(forms.Form):
    """The key of each command; no key has two."""

    def __init__(self, data: Any, own: dict[str, str]) -> None:
        super().__init__(data, prefix="key", initial=keys_of(own))
        for name, command in COMMANDS.items():
            self.fields[name] = _KeyField(label=command.label)

    def clean(self) -> None:
        counts = Counter(self.cleaned_data.values())
        for name, key in list(self.cleaned_data.items()):
            if counts[key] > 1:
                self.add_error(name, _("Two commands have this key."))

    @property
    def own(self) -> dict[str, str]:
        """The keys that are not the defaults."""
        chosen = self.cleaned_data.items()
        return {name: key for name, key in chosen if key != COMMANDS[name].key}


def preferences_page(request: HttpRequest) -> HttpResponse:
    operator = operator_of(request)
    may_review = operator.has_perm("videos.review_video")
    if "reset_keys" in request.POST and may_review:
        choose_for_review(operator, keys={})
        messages.success(request, _("The keys are the defaults again."))
        return redirect(request.path)
    chosen = review_preferences(operator)
    data = request.POST if request.method == "POST" else None
    own = {"language": operator.language, "time_zone": operator.time_zone}
    language = LanguageForm(data, initial=own)
    review = ReviewForm(data, instance=chosen) if may_review else None
    keys = KeysForm(data, chosen.keys) if may_review else None
    shown = [form for form in (language, review, keys) if form is not None]
    has_errors = any([form.errors for form in shown])  # noqa: C419 - each shows its own
    if data is not None and not has_errors:
        with transaction.atomic():
            language.save(operator)
            if review is not None and keys is not None:
                choose_for_review(operator, **review.cleaned_data, keys=keys.own)
        return _saved(request, operator.language)
    context = {
        **site.each_context(request),
        "title": _("Preferences"),
        "language_form": language,
        "review_form": review,
        "keys_form": keys,
    }
    return TemplateResponse(request, "admin/preferences.html", context)


def _saved(request: HttpRequest, language: str) -> HttpResponse:
    """Say so in the chosen language, which the login page of this browser has from now on too."""
    if not language:
        request.COOKIES.pop(settings.LANGUAGE_COOKIE_NAME, None)
    translation.activate(language or translation.get_language_from_request(request))
    messages.success(request, _("Your preferences are saved."))
    response: HttpResponse = set_language(request)
    if not language:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    return response
