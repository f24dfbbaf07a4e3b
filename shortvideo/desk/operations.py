"""Operations on selected rows: a page shows the counts, then a service changes each row.

An operation is an action of a list:

    class Block(Operation[Video]):
        name, permission = "block", "videos.review_video"
        label, title, verb = _("Block…"), _("Block videos"), _("Block")
        report = _("%(done)d of %(selected)d blocked.")

        def run(self, row: Video, values: Mapping[str, Any]) -> None:
            review_video(row, decision=Decision.BLOCKED, **values, **self.actor)

    class VideoAdmin(DeskAdmin[Video]):
        operations = (Block,)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Generic

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from shortvideo.desk import display
from shortvideo.desk.options import M, ModelAdmin
from shortvideo.errors import InvalidState
from shortvideo.middleware import current_request_id

_Label = str | Promise

LIMIT = 500  # rows of one request; each is its own transaction
_LISTED = 20  # refused rows that a report lists


class Operation(Generic[M]):
    """An action on each of the selected rows. One instance serves one request.

    Attributes:
        name: the action's name in forms and URLs.
        permission: required to see and use it.
        label: its text in the action menu.
        title, verb: the heading of the page and the text of its button; by default the label.
        explanation: says what happens to the rows.
        report: the message afterwards, with the numbers `done` and `selected`.
        form_class: the fields of the page.
        select_related: relations that `check` and `run` read.
    """

    name: ClassVar[str]
    permission: ClassVar[str]
    label: ClassVar[_Label]
    title: ClassVar[_Label] = ""
    verb: ClassVar[_Label] = ""
    explanation: ClassVar[_Label] = ""
    report: ClassVar[_Label] = gettext_lazy("%(done)d of %(selected)d done.")
    is_destructive: ClassVar[bool] = False
    form_class: ClassVar[type[forms.Form]] = forms.Form
    select_related: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model_admin: ModelAdmin[M], request: HttpRequest) -> None:
        self.model_admin = model_admin
        self.request = request

    @classmethod
    def as_action(cls) -> tuple[Any, str, _Label]:
        """The operation as a value of `ModelAdmin.get_actions`."""
        return partial(_carry_out, cls), cls.name, cls.label

    @classmethod
    def is_allowed(cls, user: Any) -> bool:
        return bool(user.has_perm(cls.permission))

    @property
    def actor(self) -> dict[str, Any]:
        """The keyword arguments `operator` and `request_id` of a service."""
        return {"operator": self.request.user, "request_id": current_request_id()}

    def prepare(self, rows: Sequence[M]) -> None:
        """Read data for `check` once for all rows."""

    def check(self, row: M) -> None:
        """Raise InvalidState if the row's state does not allow the operation."""

    def run(self, row: M, values: Mapping[str, Any]) -> None:
        """Change one row, with the values of the form. Raises InvalidState."""
        raise NotImplementedError

    def picture(self, row: M) -> SafeString | str:
        """The list's column `picture`, if it has one."""
        if "picture" not in self.model_admin.list_display:
            return ""
        column: Callable[[M], SafeString] = self.model_admin.picture  # type: ignore[attr-defined]
        return column(row)

    def report_suffix(self) -> SafeString | str:
        """The end of the report, such as an undo button."""
        return ""

    def context(self) -> dict[str, Any]:
        """Additional context of the page's template."""
        return {}

    def response(self) -> HttpResponse | None:
        """The page after the operation; None returns to the list."""
        return None


@dataclass(slots=True)
class Report(Generic[M]):
    """The changed rows, and the refused rows with their error messages."""

    done: list[M] = field(default_factory=list)
    refused: list[tuple[M, str]] = field(default_factory=list)


def _carry_out(
    operation_class: type[Operation[M]],
    model_admin: ModelAdmin[M],
    request: HttpRequest,
    selected: QuerySet[M],
) -> HttpResponse | None:
    """Show the confirmation page; once confirmed, run the operation and report its result."""
    operation = operation_class(model_admin, request)
    if operation.select_related:
        selected = selected.select_related(*operation.select_related)
    rows = list(selected[: LIMIT + 1])
    if len(rows) > LIMIT:
        text = _("Select at most %(limit)d rows.") % {"limit": LIMIT}
        model_admin.message_user(request, text, messages.ERROR)
        return None
    is_confirmed = "confirmed" in request.POST
    form = operation.form_class(request.POST if is_confirmed else None, label_suffix="")
    refusals = _refusals(operation, rows)
    if not is_confirmed or not form.is_valid():
        return _preview(operation, rows, refusals, form)
    result = _run_on_rows(operation, rows, refusals, form.cleaned_data)
    if result.done and (response := operation.response()):
        return response
    _show_report(operation, result)
    _warn_of_missing(operation, rows)
    return HttpResponseRedirect(next_url(request, default=request.get_full_path()))


def _refusals(operation: Operation[M], rows: Sequence[M]) -> dict[int, str]:
    """The error message of each row that cannot change, by primary key."""
    operation.prepare(rows)
    refusals = {}
    for row in rows:
        try:
            operation.check(row)
        except InvalidState as error:
            refusals[row.pk] = str(error)
    return refusals


def _run_on_rows(
    operation: Operation[M],
    rows: Sequence[M],
    refusals: Mapping[int, str],
    values: Mapping[str, Any],
) -> Report[M]:
    result: Report[M] = Report()
    for row in rows:
        if refusal := refusals.get(row.pk) or _run_on_row(operation, row, values):
            result.refused.append((row, refusal))
        else:
            result.done.append(row)
    return result


def _run_on_row(operation: Operation[M], row: M, values: Mapping[str, Any]) -> str:
    """Run the operation on one row. Returns an error message, or ''."""
    try:
        operation.run(row, values)
    except ObjectDoesNotExist:
        return _("It no longer exists.")
    except InvalidState as error:
        return str(error)
    return ""


def _preview(
    operation: Operation[M], rows: Sequence[M], refusals: Mapping[int, str], form: forms.Form
) -> TemplateResponse:
    request, model_admin = operation.request, operation.model_admin
    items = [(row, operation.picture(row), refusals.get(row.pk, "")) for row in rows]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": operation.title or operation.label,
        "opts": model_admin.model._meta,
        "operation": operation,
        "form": form,
        "changing": [item for item in items if not item[2]],
        "unchanged": [item for item in items if item[2]],
        "selected_count": len(items),
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "next": request.POST.get("next", ""),
        "cancel_url": next_url(request, default=request.get_full_path()),
        **operation.context(),
    }
    return TemplateResponse(request, "admin/operation.html", context)


def next_url(request: HttpRequest, *, default: str) -> str:
    """Return the URL in the form's `next` if it is on this server, else the default."""
    url = request.POST.get("next", "")
    if url and url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure()):
        return url
    return default


def _show_report(operation: Operation[M], result: Report[M]) -> None:
    count = operation.report % {
        "done": len(result.done),
        "selected": len(result.done) + len(result.refused),
    }
    level = messages.SUCCESS
    if result.refused:
        level = messages.WARNING if result.done else messages.ERROR
    message = format_html("{}{}{}", count, operation.report_suffix(), refusal_list(result))
    operation.model_admin.message_user(operation.request, message, level)


def refusal_list(result: Report[M]) -> SafeString:
    if not result.refused:
        return SafeString("")
    listed = result.refused[:_LISTED]
    items = format_html_join(
        "", "<li><strong>{}</strong>: {}</li>", ((display.bdi(row), why) for row, why in listed)
    )
    if rest := len(result.refused) - len(listed):
        more = ngettext("and %(count)d more", "and %(count)d more", rest) % {"count": rest}
        items = format_html("{}<li>{}</li>", items, more)
    return format_html('<ul class="item-results">{}</ul>', items)


def _warn_of_missing(operation: Operation[M], rows: Sequence[M]) -> None:
    """Warn of selected rows that left the list, for example because a colleague was faster."""
    request = operation.request
    missing = len(set(request.POST.getlist(ACTION_CHECKBOX_NAME))) - len(rows)
    if missing > 0 and request.POST.get("select_across", "0") == "0":
        text = ngettext(
            "%(count)d row is no longer in this list and was not changed.",
            "%(count)d rows are no longer in this list and were not changed.",
            missing,
        )
        operation.model_admin.message_user(request, text % {"count": missing}, messages.WARNING)
