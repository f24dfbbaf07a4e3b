"""The page of a row that the operator cannot edit: facts in groups, raw data, the history."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import flatten, label_for_field, lookup_field
from django.contrib.contenttypes.models import ContentType
from django.db.models import JSONField, Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join, linebreaks
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from shortvideo.desk import display

if TYPE_CHECKING:
    from shortvideo.desk.options import DeskAdmin

_LATEST: Final = 20  # entries of the history
_SECRETS: Final = frozenset({"password"})  # of forms that are shown read-only


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: SafeString | str


@dataclass(frozen=True, slots=True)
class Group:
    heading: str | Promise
    facts: list[Fact]


def detail_context(
    model_admin: "DeskAdmin[Any]", request: HttpRequest, row: Model
) -> dict[str, Any]:
    """The context of `admin/detail.html`: the fields of the admin's `fieldsets` or `fields`.

    Empty values are left out. JSON is raw data, except for lists of texts.
    """
    groups: list[Group] = []
    raw: list[Fact] = []
    for heading, options in model_admin.get_fieldsets(request, row):
        group = Group(heading or _("Facts"), [])
        for name in flatten(options["fields"]):
            if name not in _SECRETS:
                is_raw, fact = _fact(model_admin, request, row, str(name))
                if fact.value:
                    (raw if is_raw else group.facts).append(fact)
        if group.facts:
            groups.append(group)
    return {"groups": groups, "raw": raw, "history": partial(_history_of, row)}


def _fact(
    model_admin: "DeskAdmin[Any]", request: HttpRequest, row: Model, name: str
) -> tuple[bool, Fact]:
    """Whether it is raw data, and the fact."""
    label = capfirst(str(label_for_field(name, type(row), model_admin)))
    field, _attribute, value = lookup_field(name, row, model_admin)
    if isinstance(field, JSONField) and not _is_list_of_texts(value):
        return True, Fact(label, json.dumps(value, ensure_ascii=False, indent=2) if value else "")
    if getattr(field, "many_to_many", False):
        value = ", ".join(map(str, value.all()))
    elif getattr(field, "choices", None):
        value = getattr(row, f"get_{name}_display")()
    return False, Fact(label, _shown(model_admin, request, value))


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _shown(model_admin: "DeskAdmin[Any]", request: HttpRequest, value: Any) -> SafeString | str:
    shown: SafeString | str
    match value:
        case None | display.NOTHING:
            shown = ""
        case bool():
            shown = _("Yes") if value else _("No")
        case datetime():
            shown = f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}"
        case list():
            shown = format_html_join("", "<p>{}</p>", ((each,) for each in value))
        case Model():
            shown = _linked(model_admin, request, value)
        case SafeString() | "":
            shown = value
        case str() if "\n" in value:
            shown = linebreaks(value, autoescape=True)
        case _:
            shown = display.bdi(str(value))
    return shown


def _linked(model_admin: "DeskAdmin[Any]", request: HttpRequest, row: Model) -> SafeString:
    """A row, as a link to its page for those who may see it."""
    options = row._meta
    other = model_admin.admin_site._registry.get(type(row))
    if other is None or not other.has_view_permission(request):
        return display.bdi(row)
    url = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, display.bdi(row))


def _history_of(row: Model) -> list[LogEntry]:
    """The last actions of operators on the row."""
    of_kind = ContentType.objects.get_for_model(row, for_concrete_model=False)
    entries = LogEntry.objects.filter(content_type=of_kind, object_id=str(row.pk))
    return list(entries.select_related("user", "content_type").order_by("-action_time")[:_LATEST])
