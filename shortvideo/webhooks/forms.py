"""The form of an endpoint."""

from django import forms
from django.utils.translation import gettext_lazy as _

from .addresses import check_url
from .models import URL_LENGTH, Endpoint, EventType


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    url = forms.CharField(
        label=_("URL"),
        max_length=URL_LENGTH,
        widget=forms.TextInput({"size": 60, "inputmode": "url", "autocomplete": "off"}),
        validators=[check_url],
        help_text=_("Your backend's HTTPS address. Events are POSTed to it."),
    )
    event_types = forms.MultipleChoiceField(
        label=_("Event types"),
        choices=lambda: [
            (member.value, f"{member.value}: {member.description}")
            for member in EventType.subscribable()
        ],
        widget=forms.CheckboxSelectMultiple,
        initial=[member.value for member in EventType.subscribable()],
    )

    class Meta:
        model = Endpoint
        fields = ("name", "url", "event_types", "is_active")
        help_texts = {
            "is_active": _(
                "An endpoint that is switched off gets no new events; its waiting events fail."
            )
        }
