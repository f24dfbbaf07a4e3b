"""Operations on chosen rows: a page that counts first, then each row through its service.

@admin.action(description=_("Block"), permissions=["review"])
def block(self, request, videos):
    return carry_out(self, request, videos, Block())
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from shortvideo.desk.options import ModelAdmin

M = TypeVar("M", bound=Model)
Text = str | Promise

LIMIT = 500  # rows: each is a transaction of its own, within one request
LISTED = 20  # refusals that are listed one by one after an operation


class Operation(Generic[M]):
    """What is done to each of the chosen rows.

    Attributes:
        name: the method of the ModelAdmin that is the action.
        title, verb: the heading of the page and the text of its button.
        explanation: one sentence: what happens to the rows that change.
        done: the past participle of the report, as in "12 of 15 passed".
        form_class: what the page asks for.
        refused: what `run` raises where the row's state does not allow it.
    """

    name: ClassVar[str]
    title: ClassVar[Text]
    verb: ClassVar[Text]
    explanation: ClassVar[Text] = ""
    done: ClassVar[Text] = gettext_lazy("done")
    is_destructive: ClassVar[bool] = False
    form_class: ClassVar[type[forms.Form]] = forms.Form
    refused: ClassVar[tuple[type[Exception], ...]] = (ValueError, ObjectDoesNotExist)

    def refusals(self, rows: Sequence[M]) -> Mapping[int, str]:
        """Why a row would not change, by primary key; a row that would change is absent."""
        return {}

    def run(self, row: M, values: Mapping[str, Any], request: HttpRequest) -> None:
        raise NotImplementedError

    def thumbnail(self, row: M) -> SafeString | str:
        return ""

    def afterword(self) -> SafeString | str:
        """What the report ends with, such as a button that takes it back."""
        return ""

    def context(self) -> dict[str, Any]:
        """More for the template of the page."""
        return {}


@dataclass(slots=True)
class Report(Generic[M]):
    """What became of the rows."""

    done: list[M] = field(default_factory=list)
    refused: list[tuple[M, str]] = field(default_factory=list)


def carry_out(
    model_admin: ModelAdmin[M],
    request: HttpRequest,
    chosen: QuerySet[M],
    operation: Operation[M],
) -> HttpResponse | None:
    """Show the page that counts, or, once it was confirmed, do it and report each row."""
    rows = list(chosen[: LIMIT + 1])
    if len(rows) > LIMIT:
        model_admin.message_user(
            request,
            _("At most %(limit)d rows at once: narrow the selection.") % {"limit": LIMIT},
            messages.ERROR,
        )
        return None
    is_confirmed = "confirmed" in request.POST
    form = operation.form_class(request.POST if is_confirmed else None, label_suffix="")
    if not is_confirmed or not form.is_valid():
        return _preview(model_admin, request, rows, operation, form)
    _show_report(
        model_admin, request, operation, _run_on_rows(rows, operation, form.cleaned_data, request)
    )
    _warn_of_missing(model_admin, request, rows)
    return HttpResponseRedirect(_next_url(request))


def _run_on_rows(
    rows: Sequence[M], operation: Operation[M], values: Mapping[str, Any], request: HttpRequest
) -> Report[M]:
    refusals = operation.refusals(rows)
    result: Report[M] = Report()
    for row in rows:
        refusal = refusals.get(row.pk, "") or _run_on_row(row, operation, values, request)
        if refusal:
            result.refused.append((row, refusal))
        else:
            result.done.append(row)
    return result


def _run_on_row(
    row: M, operation: Operation[M], values: Mapping[str, Any], request: HttpRequest
) -> str:
    """Do it; the sentence that says why not, or "" when it is done."""
    try:
        operation.run(row, values, request)
    except ObjectDoesNotExist:
        return _("It is not there any more.")
    except operation.refused as error:
        return str(error)
    return ""


def _preview(
    model_admin: ModelAdmin[M],
    request: HttpRequest,
    rows: Sequence[M],
    operation: Operation[M],
    form: forms.Form,
) -> TemplateResponse:
    refusals = operation.refusals(rows)
    items = [(row, operation.thumbnail(row), refusals.get(row.pk, "")) for row in rows]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": operation.title,
        "opts": model_admin.model._meta,
        "operation": operation,
        "form": form,
        "changing": [item for item in items if not item[2]],
        "unchanged": [item for item in items if item[2]],
        "selected_count": len(items),
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "next": request.POST.get("next", ""),
        "cancel_url": _next_url(request),
        **operation.context(),
    }
    return TemplateResponse(request, "admin/operation.html", context)


def _next_url(request: HttpRequest) -> str:
    """Back to the page that asked; the list itself when that is not one of ours."""
    asked = request.POST.get("next", "")
    if asked and url_has_allowed_host_and_scheme(asked, {request.get_host()}, request.is_secure()):
        return asked
    return request.get_full_path()


def _show_report(
    model_admin: ModelAdmin[M],
    request: HttpRequest,
    operation: Operation[M],
    result: Report[M],
) -> None:
    count = _("%(done)d of %(selected)d %(participle)s.") % {
        "done": len(result.done),
        "selected": len(result.done) + len(result.refused),
        "participle": operation.done,
    }
    level = messages.SUCCESS
    if result.refused:
        level = messages.WARNING if result.done else messages.ERROR
    model_admin.message_user(
        request, format_html("{}{}{}", count, operation.afterword(), refusal_list(result)), level
    )


def refusal_list(result: Report[M]) -> SafeString:
    if not result.refused:
        return SafeString("")
    listed = result.refused[:LISTED]
    items = format_html_join("", "<li><strong>{}</strong>: {}</li>", listed)
    if rest := len(result.refused) - len(listed):
        more = ngettext("and %(count)d more", "and %(count)d more", rest) % {"count": rest}
        items = format_html("{}<li>{}</li>", items, more)
    return format_html('<ul class="item-results">{}</ul>', items)


def _warn_of_missing(model_admin: ModelAdmin[M], request: HttpRequest, rows: Sequence[M]) -> None:
    """Rows that were chosen and have left the list since, through somebody else's hands."""
    missing = len(set(request.POST.getlist(ACTION_CHECKBOX_NAME))) - len(rows)
    if missing > 0 and request.POST.get("select_across", "0") == "0":
        text = ngettext(
            "%(count)d row has left this list meanwhile and was not touched.",
            "%(count)d rows have left this list meanwhile and were not touched.",
            missing,
        )
        model_admin.message_user(request, text % {"count": missing}, messages.WARNING)
