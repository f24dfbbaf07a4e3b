"""Taking decisions back: the button in the report of an action, and the view behind it."""

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
from shortvideo.desk.operations import LIMIT, Report, next_url, refusal_list
from shortvideo.errors import InvalidState
from shortvideo.middleware import current_request_id
from videos.models import ReviewDecision, Video
from videos.services import undo_review

FORM = "undo-form"  # of base_site.html; it carries the CSRF token that a message cannot


def button(decisions: Sequence[ReviewDecision]) -> SafeString:
    """The button that takes these decisions back, for a message of the desk."""
    return format_html(
        ' <button type="submit" form="{}" name="decisions" value="{}" '
        'class="button button-small">{}</button>',
        FORM,
        ",".join(str(decision.pk) for decision in decisions),
        _("Undo"),
    )


def undo(request: HttpRequest) -> HttpResponse:
    """Take back the decisions that are named, each for itself, and report."""
    if not request.user.has_perm("videos.review_video"):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    report = _undo_all(_chosen_decisions(request.POST.get("decisions", "")), request)
    count = _("%(done)d of %(selected)d decisions undone.") % {
        "done": len(report.done),
        "selected": len(report.done) + len(report.refused),
    }
    level = messages.SUCCESS if not report.refused else messages.ERROR
    messages.add_message(request, level, format_html("{}{}", count, refusal_list(report)))
    return HttpResponseRedirect(next_url(request, default=reverse(f"{site.name}:index")))


def _chosen_decisions(text: str) -> list[ReviewDecision]:
    """The decisions of a list of numbers, in the order of the list; what is no number is none."""
    ids = [int(part) for part in text.split(",")[:LIMIT] if part.isdecimal() and len(part) < 19]
    found = ReviewDecision.objects.select_related("video").in_bulk(ids)
    return [found[pk] for pk in dict.fromkeys(ids) if pk in found]


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
