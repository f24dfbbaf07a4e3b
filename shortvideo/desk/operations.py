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
from django.db.models import Model, QuerySet
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
from shortvideo.errors import InvalidState, NeedsConfirmation
from shortvideo.middleware import current_request_id

_Label = str | Promise

LIMIT = 500  # rows of one request; each is its own transaction
_LISTED = 20  # rows that a report lists
_SEEN = "seen"  # the field with what a page showed of its rows


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
        is_direct: the button on a row's page asks nothing more.
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
    is_direct: ClassVar[bool] = False

    def __init__(self, model_admin: ModelAdmin[M], request: HttpRequest) -> None:
        self.model_admin = model_admin
        self.request = request
        self.is_confirmed = "confirmed" in request.POST
        shown = " ".join(request.POST.getlist(_SEEN)).split()
        self.seen_by_pk = {pk: text for pk, _, text in (each.partition(":") for each in shown)}

    @classmethod
    def as_action(cls) -> tuple[Any, str, _Label]:
        """The operation as a value of `ModelAdmin.get_actions`."""
        return partial(_carry_out, cls), cls.name, cls.label

    def as_button(self, row: M) -> dict[str, Any] | None:
        """The operation as a button on the page of a row; None if the row's state refuses it.

        `seen` makes the list find a row that its filters leave out.
        """
        self.prepare([row])
        try:
            self.check(row)
        except NeedsConfirmation:
            is_direct = False
        except InvalidState:
            return None
        else:
            is_direct = self.is_direct
        return {
            "name": self.name,
            "label": self.label,
            "tone": "bad" if self.is_destructive else "",
            "is_confirmed": is_direct,
            "seen": f"{row.pk}:{self.shown(row)}",
        }

    @classmethod
    def is_allowed(cls, user: Any) -> bool:
        return bool(user.has_perm(cls.permission))

    @property
    def actor(self) -> dict[str, Any]:
        """The keyword arguments `operator` and `request_id` of a service."""
        return {"operator": self.request.user, "request_id": current_request_id()}

    def shown(self, row: M) -> str:
        """Return what a page shows of the row, as text without white space: see `seen`."""
        return ""

    def seen(self, row: M) -> str:
        """Return what the operator's page showed of the row; '' if it was on no page."""
        return self.seen_by_pk.get(str(row.pk), "")

    def make_form(self, rows: Sequence[M], **options: Any) -> forms.Form:
        """Return the form for rows that will be changed."""
        return self.form_class(label_suffix="", **options)

    def prepare(self, rows: Sequence[M]) -> None:
        """Read data for `check` once for all rows."""

    def check(self, row: M) -> None:
        """Raise InvalidState if the row's state does not allow the operation.

        Raise NeedsConfirmation if the operator must see the row's state first.
        """

    def warning(self, row: M) -> str:
        """What the operator should know about a row that can change, before and afterwards."""
        return ""

    def run(self, row: M, values: Mapping[str, Any]) -> None:
        """Change one row, with the values of the form. Raises as `check`."""
        raise NotImplementedError

    def note(self, row: M) -> str:
        """Return a sentence about a row that will be changed, for the confirmation page."""
        return ""

    def picture(self, row: M) -> SafeString | str:
        """The list's column `picture`, if it has one."""
        if "picture" not in self.model_admin.list_display:
            return ""
        column: Callable[[M], SafeString] = self.model_admin.picture  # type: ignore[attr-defined]  # of the lists of videos
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
    """The changed rows and warnings of them; the others with their messages.

    Refused rows, and rows to be confirmed.
    """

    done: list[M] = field(default_factory=list)
    warned: list[tuple[M, str]] = field(default_factory=list)
    refused: list[tuple[M, str]] = field(default_factory=list)
    asked: list[tuple[M, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Plan(Generic[M]):
    """The rows that will be changed; the others as in a report."""

    changing: list[M]
    report: Report[M]

    @property
    def selected(self) -> list[M]:
        """The rows that the page selects: those to be confirmed if there are no others."""
        return self.changing or [row for row, _ in self.report.asked]


def shown_field(row: Model, text: str) -> SafeString:
    """Return the hidden field that says what a page shows of a row."""
    return format_html('<input type="hidden" name="{}" value="{}:{}">', _SEEN, row.pk, text)


def _carry_out(
    operation_class: type[Operation[M]],
    model_admin: ModelAdmin[M],
    request: HttpRequest,
    selected: QuerySet[M],
) -> HttpResponse | None:
    """Show the confirmation page; once confirmed, run the operation and report its result.

    The page comes again for rows that the operator must confirm as they are now.
    """
    operation = operation_class(model_admin, request)
    rows = _rows_of(operation, selected)
    if len(rows) > LIMIT:
        text = _("Select at most %(limit)d rows.") % {"limit": LIMIT}
        model_admin.message_user(request, text, messages.ERROR)
        return None
    plan = _plan(operation, rows)
    if not operation.is_confirmed:
        return _preview(operation, plan, operation.make_form(plan.selected))
    values: Mapping[str, Any] = {}
    if plan.changing:
        form = operation.make_form(plan.changing, data=request.POST)
        if not form.is_valid():
            return _preview(operation, plan, form)
        values = form.cleaned_data
    report = _run_on_rows(operation, plan, values)
    if report.done and (response := operation.response()):
        return response
    _show_report(operation, report)
    _warn_of_missing(operation, rows)
    if report.asked:
        asked = model_admin.get_queryset(request).filter(pk__in=[row.pk for row, _ in report.asked])
        plan = _plan(operation, list(asked))
        return _preview(operation, plan, operation.make_form(plan.selected, initial=request.POST))
    return HttpResponseRedirect(next_url(request, default=request.get_full_path()))


def _rows_of(operation: Operation[M], selected: QuerySet[M]) -> list[M]:
    """Return the selected rows, at most one above the limit.

    Includes rows that left the filtered list since, if the page says what it showed of them: the
    operation says what became of them.
    """
    related = operation.select_related
    rows = list((selected.select_related(*related) if related else selected)[: LIMIT + 1])
    if _missing_count(operation, rows) > 0:
        chosen = operation.request.POST.getlist(ACTION_CHECKBOX_NAME)
        followed = operation.model_admin.get_queryset(operation.request).filter(
            pk__in=[pk for pk in chosen if pk in operation.seen_by_pk]
        )
        rows += followed.exclude(pk__in=[row.pk for row in rows])[: LIMIT + 1 - len(rows)]
    return rows


def _missing_count(operation: Operation[M], rows: Sequence[M]) -> int:
    """The number of rows that were selected one by one and are not among the rows."""
    posted = operation.request.POST
    is_across = posted.get("select_across", "0") != "0"
    return 0 if is_across else len(set(posted.getlist(ACTION_CHECKBOX_NAME))) - len(rows)


def _plan(operation: Operation[M], rows: Sequence[M]) -> _Plan[M]:
    """Check each row."""
    operation.prepare(rows)
    plan = _Plan[M]([], Report())
    for row in rows:
        if _is_done(plan.report, row, partial(operation.check, row)):
            plan.changing.append(row)
    return plan


def _run_on_rows(operation: Operation[M], plan: _Plan[M], values: Mapping[str, Any]) -> Report[M]:
    for row in plan.changing:
        if _is_done(plan.report, row, partial(operation.run, row, values)):
            plan.report.done.append(row)
            if warning := operation.warning(row):
                plan.report.warned.append((row, warning))
    return plan.report


def _is_done(report: Report[M], row: M, step: Callable[[], None]) -> bool:
    """Do a step with a row. Returns whether it was done; else the report says why not."""
    try:
        step()
    except ObjectDoesNotExist:
        report.refused.append((row, _("It no longer exists.")))
    except NeedsConfirmation as error:
        report.asked.append((row, str(error)))
    except InvalidState as error:
        report.refused.append((row, str(error)))
    else:
        return True
    return False


def _preview(operation: Operation[M], plan: _Plan[M], form: forms.Form) -> TemplateResponse:
    request, model_admin = operation.request, operation.model_admin
    changing = [
        (row, " ".join(filter(None, (operation.note(row), operation.warning(row)))))
        for row in plan.changing
    ]
    lists = (changing, plan.report.asked, plan.report.refused)
    items = [[(row, operation.picture(row), text) for row, text in each] for each in lists]
    rows = [row for each in lists for row, _ in each]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": operation.title or operation.label,
        "opts": model_admin.model._meta,
        "preserved_filters": model_admin.get_preserved_filters(request),
        "operation": operation,
        "form": form,
        "changing": items[0],
        "asked": items[1],
        "unchanged": items[2],
        "selected_count": len(rows),
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "seen": " ".join(f"{row.pk}:{text}" for row in rows if (text := operation.shown(row))),
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
    selected = len(result.done) + len(result.refused) + len(result.asked)
    count = operation.report % {"done": len(result.done), "selected": selected}
    level = messages.SUCCESS
    notes = [*result.refused, *result.warned]
    if notes or result.asked:
        level = messages.WARNING if result.done else messages.ERROR
    message = format_html("{}{}{}", count, operation.report_suffix(), note_list(notes))
    operation.model_admin.message_user(operation.request, message, level)


def note_list(notes: Sequence[tuple[M, str]]) -> SafeString:
    """Rows, each with a sentence."""
    if not notes:
        return SafeString("")
    listed = notes[:_LISTED]
    items = format_html_join(
        "", "<li><strong>{}</strong>: {}</li>", ((display.bdi(row), why) for row, why in listed)
    )
    if rest := len(notes) - len(listed):
        more = ngettext("and %(count)d more", "and %(count)d more", rest) % {"count": rest}
        items = format_html("{}<li>{}</li>", items, more)
    return format_html('<ul class="item-results">{}</ul>', items)


def _warn_of_missing(operation: Operation[M], rows: Sequence[M]) -> None:
    """Warn of selected rows that left the list, for example because a colleague was faster."""
    missing = _missing_count(operation, rows)
    if missing > 0:
        text = ngettext(
            "%(count)d row is no longer in this list and was not changed.",
            "%(count)d rows are no longer in this list and were not changed.",
            missing,
        ) % {"count": missing}
        operation.model_admin.message_user(operation.request, text, messages.WARNING)
