"""A text field with a limit in bytes, as VOD counts."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from shortvideo.text import is_blank


def require_visible(text: str) -> None:
    """Raise ValidationError for text that shows nothing, as for no text."""
    if is_blank(text):
        raise ValidationError(forms.Field.default_error_messages["required"], code="required")


class _Metered(forms.Widget):
    """A text field followed by its meter, which desk.js keeps current."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        field = super().render(name, value, attrs, renderer)
        meter = '{}<output class="byte-meter" for="{}" data-unit="{}">{} / {} {}</output>'
        used, limit = len(str(value or "").encode()), self.attrs["data-max-bytes"]
        return format_html(
            meter, field, (attrs or {}).get("id", ""), _("bytes"), used, limit, _("bytes")
        )


class _MeteredInput(_Metered, forms.TextInput):
    pass


class _MeteredArea(_Metered, forms.Textarea):
    pass


class ByteLimitedField(forms.CharField):
    """Text of at most `max_bytes` of UTF-8, with a live meter; a text area if `rows` > 1."""

    def __init__(self, *, max_bytes: int, rows: int = 1, **options: Any) -> None:
        self.max_bytes = max_bytes
        meter = {"data-max-bytes": max_bytes, "autocomplete": "off"}
        widget = _MeteredArea({"rows": rows, **meter}) if rows > 1 else _MeteredInput(meter)
        super().__init__(widget=widget, **options)

    def to_python(self, value: Any) -> str:
        """Make each line end one character: browsers send two and count one."""
        return (super().to_python(value) or "").replace("\r\n", "\n")

    def validate(self, value: str) -> None:
        super().validate(value)
        if self.required and is_blank(value):
            raise ValidationError(self.error_messages["required"], code="required")
        length = len(value.encode())
        if length > self.max_bytes:
            raise ValidationError(
                _("This is %(length)d bytes of UTF-8; at most %(limit)d are allowed."),
                params={"length": length, "limit": self.max_bytes},
            )
