"""What an administrator says about an endpoint."""

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
        help_text=_("https, of your backend: events are sent there by POST."),
    )
    event_types = forms.MultipleChoiceField(
        label=_("Events"),
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
                "While it is switched off it is told of nothing, and what waits for it is given up."
            )
        }
