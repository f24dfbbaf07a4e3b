"""The first page: what waits for review, last decisions, and the state of the worker."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts.services import operator_of
from recommendations import demo
from shortvideo.desk.display import waited
from shortvideo.moments import start_of_day
from shortvideo.outbox.models import Delivery, Lane, PeriodicTask
from videos.admin.cdn import cdn_state
from videos.admin.media import thumbnail
from videos.models import Decision, ReconcileRun, ReviewDecision, ReviewTask, SyncRun, Video
from videos.services import COUNTED, waiting_count

# Workers poll twice a second: if work is overdue for longer, none is running.
_WORKER_SILENCE = timedelta(seconds=60)
REVIEW = "videos.review_video"
_NEXT_TASKS = 6
_LAST_DECISIONS = 5


def waiting_label() -> str:
    """How many review tasks are open, as the desk shows it: "7", "10,000+", or "" for none."""
    count = waiting_count()
    return f"{COUNTED - 1:,}+" if count >= COUNTED else str(count or "")


def _figures(user: Any, waiting: Any) -> Iterator[dict[str, Any]]:
    """The numbers before those of the inbox. Counts only what the operator may see."""
    if user.has_perm("videos.view_reviewtask"):
        yield {
            "label": _("Open review tasks"),
            "hint": _("oldest first"),
            "count": waiting or 0,
            "tone": "attention" if waiting else "calm",
            "url": reverse("admin:videos_reviewtask_changelist"),
        }
    if user.has_perm("videos.view_reviewdecision"):
        today = start_of_day(timezone.localdate(), timezone.get_current_timezone())
        count = _blocked_since(today)
        yield {
            "label": _("Blocked today"),
            "hint": _("by moderators and AI"),
            "count": count,
            "tone": "neutral" if count else "calm",
            "url": reverse("admin:videos_video_changelist", query={"censor_status__exact": "fail"}),
        }


def _blocked_since(moment: datetime) -> int:
    blocked = ReviewDecision.objects.in_force().filter(decision=Decision.BLOCKED)
    blocked = blocked.filter(created_at__gte=moment)
    return blocked.values("video").distinct().count()


def desk_context(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the page: only what the operator may see."""
    user = request.user
    waiting: Any = SimpleLazyObject(waiting_label)
    context: dict[str, Any] = {"figures": list(_figures(user, waiting)), "waiting": waiting}
    context |= queue_filling()
    context["has_guide"] = user.has_perm(REVIEW) and not operator_of(request).is_guide_closed
    if user.has_perm("videos.view_reviewtask"):
        context["next_tasks"] = _next_tasks()
        context["has_videos"] = bool(waiting) or Video.objects.exists()
    if user.has_perm("videos.view_reviewdecision"):
        context["own_decisions"] = _own_decisions(request)
    if user.has_perm("outbox.view_periodictask"):
        context["system"] = _system_state(timezone.now())
    return context


def queue_filling() -> dict[str, Any]:
    """Return what the demo is doing, for pages with an empty queue."""
    return {"preparing": demo.preparing(), "is_demo": demo.is_demo()}


def _next_tasks() -> list[dict[str, Any]]:
    tasks = ReviewTask.objects.open().oldest_first().select_related("video__uploader")
    now = timezone.now()
    return [
        {"row": task, "picture": thumbnail(task.video), "age": waited(task.opened_at, now)}
        for task in tasks[:_NEXT_TASKS]
    ]


def _own_decisions(request: HttpRequest) -> list[ReviewDecision]:
    """The operator's last decisions: they see a mistake at once."""
    decisions = operator_of(request).review_decisions.select_related("video")
    return list(decisions.order_by("-id")[:_LAST_DECISIONS])


def _system_state(now: datetime) -> dict[str, Any]:
    """The state of the worker, of paused channels, and of the last sync and comparison."""
    return {
        "is_worker_silent": _is_worker_silent(now),
        "open_count": Delivery.objects.open().count(),
        "paused_lanes": list(Lane.objects.paused(now).order_by("kind")),
        "failing_tasks": list(PeriodicTask.objects.exclude(last_error="").order_by("name")),
        "last_sync": SyncRun.objects.order_by("-id").first(),
        "last_comparison": ReconcileRun.objects.exclude(state=ReconcileRun.State.REQUESTED)
        .order_by("-id")
        .first(),
        "is_never_run": not PeriodicTask.objects.exists(),
        "cdn": cdn_state(),
    }


def _is_worker_silent(now: datetime) -> bool:
    """Whether work is overdue. Calls of paused channels do not count."""
    overdue_since = now - _WORKER_SILENCE
    paused = Lane.objects.paused(now).values("kind")
    calls = Delivery.objects.due(overdue_since).in_turn().exclude(kind__in=paused)
    tasks = PeriodicTask.objects.filter(
        Q(lease_until=None) | Q(lease_until__lte=overdue_since), due_at__lte=overdue_since
    )
    return calls.exists() or tasks.exists()
