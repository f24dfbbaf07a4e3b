"""Undoing decisions: the button in the report of an operation, and its view."""

from collections.abc import Sequence

from django.contrib import messages
from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.services import operator_of
from shortvideo.desk.operations import LIMIT, Report, next_url, note_list
from shortvideo.errors import InvalidState
from shortvideo.middleware import current_request_id
from videos.models import ReviewDecision, Video
from videos.services import undo_milliseconds, undo_review

_FORM = "undo-form"  # in base_site.html: it has the CSRF token, which a message cannot have


def button(decisions: Sequence[ReviewDecision]) -> SafeString:
    """Return the button that undoes these decisions, for a message of the desk."""
    return format_html(
        ' <button type="submit" form="{}" name="decisions" value="{}" data-undo="{}" '
        'class="button button-small">{} <span class="countdown"></span></button>',
        _FORM,
        ",".join(str(decision.pk) for decision in decisions),
        min(undo_milliseconds(decision) for decision in decisions),
        _("Undo"),
    )


def undo(request: HttpRequest) -> HttpResponse:
    """Undo the decisions of the request one by one and report."""
    if not request.user.has_perm("videos.review_video"):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    report = _undo_all(_decisions_of(request.POST.get("decisions", "")), request)
    count = _("%(done)d of %(selected)d decisions undone.") % {
        "done": len(report.done),
        "selected": len(report.done) + len(report.refused),
    }
    level = messages.SUCCESS if not report.refused else messages.ERROR
    messages.add_message(request, level, format_html("{}{}", count, note_list(report.refused)))
    return HttpResponseRedirect(next_url(request, default=reverse(f"{site.name}:index")))


def _decisions_of(text: str) -> list[ReviewDecision]:
    """Return the decisions of comma-separated ids, in their order; ignores invalid ids."""
    ids = [int(part) for part in text.split(",")[:LIMIT] if part.isdecimal() and len(part) < 19]
    decisions = ReviewDecision.objects.select_related("video").in_bulk(ids)
    return [decisions[pk] for pk in dict.fromkeys(ids) if pk in decisions]


def _undo_all(decisions: Sequence[ReviewDecision], request: HttpRequest) -> Report[Video]:
    report: Report[Video] = Report()
    for decision in decisions:
        try:
            undo_review(decision, operator=operator_of(request), request_id=current_request_id())
        except InvalidState as error:
            report.refused.append((decision.video, str(error)))
        except Video.DoesNotExist:
            report.refused.append((decision.video, _("It was deleted.")))
        else:
            report.done.append(decision.video)
    return report
