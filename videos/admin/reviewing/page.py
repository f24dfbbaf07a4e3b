"""The page itself: an empty stage and what its script must know."""

from typing import Any

from django.conf import settings
from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Operator
from accounts.services import operator_of
from videos.admin.desk import queue_filling
from videos.admin.reviewing.keys import COMMANDS, keys_of, show_key
from videos.models import ReasonTemplate, ReviewPreferences
from videos.models.review import COMMENT_BYTES, REASON_BYTES
from videos.services import COUNTED, PLAY_UNPUBLISHED, review_preferences

CALLS = (
    "clips", "play", "beat", "news", "session", "decide", "skip", "undo", "past", "note",
    "escalate", "remember", "leave",
)  # fmt: skip


def review_page(request: HttpRequest) -> HttpResponse:
    """Raises PermissionDenied for operators who may not review."""
    if not request.user.has_perm("videos.review_video"):
        raise PermissionDenied
    context = {
        **site.each_context(request),
        **queue_filling(),
        "title": _("Review"),
        "review_settings": _settings(operator_of(request)),
        "templates": ReasonTemplate.objects.filter(is_active=True),
        "colleagues": _colleagues(operator_of(request)),
        "roles": _roles(),
        "reason_bytes": REASON_BYTES,
        "comment_bytes": COMMENT_BYTES,
    }
    return TemplateResponse(request, "admin/review/page.html", context)


def _roles() -> Any:
    """Roles with an active operator who may review."""
    somebody = Q(user__is_active=True, user__is_staff=True)
    may_review = Q(permissions__codename="review_video")
    return Group.objects.filter(somebody, may_review).order_by("name").distinct()


def _colleagues(operator: Operator) -> Any:
    """Active operators who may review, without the operator."""
    may_review = Q(groups__permissions__codename="review_video") | Q(is_superuser=True)
    return (
        Operator.objects.filter(may_review, is_active=True, is_staff=True)
        .exclude(pk=operator.pk)
        .order_by("username")
        .distinct()
    )


def _settings(operator: Operator) -> dict[str, Any]:
    """What the script reads from the page."""
    return {
        "operator": operator.pk,
        "mayPlay": operator.has_perm(PLAY_UNPUBLISHED),
        "undoSeconds": settings.REVIEW_UNDO_SECONDS,
        "counted": COUNTED,
        **_chosen(review_preferences(operator)),
        "texts": _texts(),
        "calls": {name: reverse(f"review:{name}") for name in CALLS},
    }


def _chosen(preferences: ReviewPreferences) -> dict[str, Any]:
    """What the operator chose, or else the team. `keyNames` is what people read."""
    keys = keys_of(preferences.keys)
    return {
        "order": preferences.order,
        "keys": keys,
        "keyNames": {command: show_key(key) for command, key in keys.items()},
        "hasSingleKeys": preferences.has_single_keys,
        "isBlurred": preferences.blurs,
        "isGrey": preferences.greys,
        "isMuted": preferences.is_muted,
        "speed": preferences.speed_percent / 100,
        "speeds": [speed / 100 for speed in ReviewPreferences.Speed],
    }


def _texts() -> dict[str, Any]:
    """The sentences of the script."""
    return {
        "untitled": _("Untitled"),
        "aiReview": _("AI review: {verdict}"),
        "noAiReview": _("No AI review of this file."),
        "uploader": _("Uploader"),
        "uploaderFigures": _("Clips: {clips}, decided: {decided}, blocked: {blocked}"),
        "description": _("Description"),
        "tags": _("Tags"),
        "status": _("Status"),
        "waiting": _("{count} waiting"),
        "doesNotPlay": _("The CDN cannot play this file. The snapshots show its content."),
        "slow": _("The CDN does not answer yet. The snapshots show the clip's content."),
        "noFile": _("There is no file to play yet. The snapshots show its content."),
        "undone": _("Undone. Decide again."),
        "skipped": _("Skipped."),
        "noteKept": _("The note is kept."),
        "nothingToUndo": _("There is nothing to undo."),
        "notBlocked": _("You approved this clip: it has no reason to change."),
        "refused": _("The server refused this."),
        "offline": _("No connection. Your decision is kept and sent again."),
        "loggedOut": _("Your session has ended. Log in; your decision is kept and sent again."),
        "commands": {name: str(command.label) for name, command in COMMANDS.items()},
    }
