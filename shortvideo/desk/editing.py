"""Forms of rows that several people edit: each change replaces only what its editor saw.

A form sends with each field what it showed: a digest of the row's value, and the time. A field
that its editor left alone keeps the row's present value. A change of a value that somebody else
has changed since is refused, and the form shows the present value.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from json import dumps
from typing import Any, Final

from django import forms
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import override

from shortvideo.desk.display import NOTHING
from shortvideo.text import isolated

_SHOWN: Final = re.compile(r"([0-9a-f]{24})-(\d{10}\.\d{6})")


class _EditedField(BoundField):
    """A field with a hidden one: what the form shows of the row."""

    form: "EditingForm"

    def as_widget(
        self,
        widget: forms.Widget | None = None,
        attrs: dict[str, Any] | None = None,
        only_initial: bool = False,  # noqa: FBT001 - Django's signature
    ) -> SafeString:
        html = super().as_widget(widget, attrs, only_initial)
        if widget is not None or not self.is_edit:
            return html
        shown = f"{_digest(self.initial)}-{timezone.now().timestamp():.6f}"
        hidden = forms.HiddenInput().render(self.html_initial_name, shown)
        return format_html("{}{}", html, hidden)

    def value(self) -> Any:
        """The present value of a field that the editor left alone."""
        is_kept = self.name in self.form.kept
        return self.field.prepare_value(self.initial) if is_kept else super().value()

    @property
    def is_edit(self) -> bool:
        is_editable = not (self.field.disabled or self.is_hidden)
        return is_editable and self.form.instance.pk is not None

    def shown(self) -> tuple[str, datetime]:
        """What the form showed, and when; a digest of nothing if the form did not say it."""
        found = _SHOWN.fullmatch(self.form.data.get(self.html_initial_name, ""))
        if found is None:
            return "", timezone.now()
        return found[1], datetime.fromtimestamp(float(found[2]), UTC)


class EditingForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """See the module. New rows have nothing to compare."""

    bound_field_class = _EditedField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.kept: set[str] = set()  # names of fields that the editor left and another changed
        super().__init__(*args, **kwargs)

    @property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if name not in self.kept]

    def clean(self) -> dict[str, Any] | None:
        """Keep what others changed, or refuse to replace it; the other checks see the result."""
        for name in self.fields:
            field: Any = self[name]
            if field.is_edit:
                self._compare(field)
        return super().clean()

    def _compare(self, field: _EditedField) -> None:
        present, (shown, shown_at) = _digest(field.initial), field.shown()
        wanted = _digest(self.cleaned_data[field.name]) if field.name in self.cleaned_data else None
        if present in (shown, wanted):
            return
        if wanted == shown:
            self.kept.add(field.name)
            self.cleaned_data[field.name] = field.initial
        else:
            self.add_error(field.name, ValidationError(_changed_since(field, shown_at)))

    @classmethod
    def guarding(cls, form: Any) -> Any:
        """The form with these comparisons."""
        return type(form.__name__, (cls, form), {})


class ListEditingForm(EditingForm):
    """In a list no label stands at a field: the field itself says its name and row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = f": {self.instance}" if self.instance.pk else ""
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}{row}"


def _changed_since(field: _EditedField, moment: datetime) -> str:
    """The error at a field: who changed it, and its present value."""
    values = {"who": "", "value": _text_of(field)}
    row = field.form.instance
    with override(None):  # the log holds the untranslated labels
        label = dumps(str(field.label))
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(row, for_concrete_model=False),
        object_id=str(row.pk),
        action_time__gte=moment,
        change_message__contains=label,
    )
    entry = entries.select_related("user").order_by("-action_time").first()
    if entry is None:
        text = _(
            "Changed since you opened this page. It is now: %(value)s. Save again to replace it."
        )
        return text % values
    text = _(
        "%(who)s changed this since you opened this page. It is now: %(value)s. Save again to "
        "replace it."
    )
    return text % {**values, "who": isolated(str(entry.user))}


def _text_of(field: _EditedField) -> str:
    """The row's value as it is shown to people."""
    value, labels = field.initial, dict(getattr(field.field, "choices", ()))
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(str(labels.get(each, each)) for each in value) or NOTHING
    return NOTHING if value in (None, "") else isolated(str(value))


def _digest(value: Any) -> str:
    """A digest of a field's value in the row, equal to that of the same value in the form."""
    if isinstance(value, datetime):
        value = int(value.timestamp())
    if isinstance(value, Iterable) and not isinstance(value, str):
        value = sorted(str(each.pk if isinstance(each, Model) else each) for each in value)
    text = "" if value is None else str(value).replace("\r\n", "\n").strip()
    return blake2b(text.encode(), digest_size=12).hexdigest()
