"""The storm's queries of its database; answers are JSON."""

from typing import Any

from django.db.models import Count, F, OuterRef, Subquery, Sum
from django.utils import timezone

from recommendations.models import Recommendation
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.webhooks.models import Endpoint, EventType
from shortvideo.webhooks.signing import new_secret
from tests.factories import make_operator
from videos.models import (
    Decision,
    ReviewDecision,
    Takedown,
    TranscodeJob,
    Video,
    VideoDeletion,
    VodEvent,
)


def make_operators(count: int, password: str) -> list[str]:
    """Make operators with all permissions but administration. Returns their names."""
    return [make_operator(password=password).get_username() for _ in range(count)]


def make_endpoint(url: str) -> str:
    """Send every line of the log to this URL. Returns the secret."""
    endpoint = Endpoint.objects.create(
        name="The storm's backend", url=url, secret=new_secret(), event_types=[EventType.DECIDED]
    )
    return endpoint.secret


def primary_keys() -> dict[str, int]:
    return dict(Video.objects.values_list("vod_id", "pk"))


def blocked_and_published() -> list[str]:
    """Videos that are shown although their last decision is a block, in one statement."""
    last = (
        ReviewDecision.objects.filter(
            video=OuterRef("video"), source_version=OuterRef("video__source_version")
        )
        .order_by("-id")
        .values("decision")[:1]
    )
    shown = Recommendation.objects.published().annotate(last=Subquery(last))
    return list(shown.filter(last=Decision.BLOCKED).values_list("video__vod_id", flat=True))


def open_deliveries() -> list[list[Any]]:
    """Kind, state and number of the leased and waiting deliveries."""
    rows = Delivery.objects.open().values_list("kind", "state").annotate(count=Count("pk"))
    return [list(row) for row in rows.order_by("kind", "state")]


def leases() -> list[list[Any]]:
    """Row and end of each running lease."""
    rows = Delivery.objects.filter(state=DeliveryState.LEASED, lease_until__gt=timezone.now())
    return [[pk, f"{until}"] for pk, until in rows.values_list("pk", "lease_until")]


def given_up() -> list[list[Any]]:
    rows = Delivery.objects.given_up().values_list("kind", "error_code")
    return [list(row) for row in rows.annotate(count=Count("pk")).order_by("kind", "error_code")]


def counts() -> dict[str, int]:
    return {
        "deliveries": Delivery.objects.count(),
        "done": Delivery.objects.done().count(),
        "superseded": Delivery.objects.filter(state=DeliveryState.SUPERSEDED).count(),
        "broken_leases": Delivery.objects.aggregate(sum=Sum("broken_lease_count"))["sum"] or 0,
    }


def log() -> list[dict[str, Any]]:
    """Every line of the log, oldest first."""
    fields = ("id", "video__vod_id", "decision", "comment", "request_id", "source", "created_at")
    lines = ReviewDecision.objects.order_by("id").values(*fields, user_name=F("operator__username"))
    return [{**line, "created_at": line["created_at"].timestamp()} for line in lines]


def videos() -> list[dict[str, Any]]:
    rows = Video.objects.values("vod_id", "status", "censor_status", "deleted_at").order_by("pk")
    return [{**row, "deleted_at": row["deleted_at"] is not None} for row in rows]


def deletions() -> list[dict[str, Any]]:
    return [dict(row) for row in VideoDeletion.objects.values("video__vod_id", "state")]


def takedowns() -> list[dict[str, Any]]:
    """Each with the state of the delivery that verifies it."""
    fields = ("video__vod_id", "cause", "decision_id", "state", "problem")
    of_check = ("verification__state", "verification__error")
    return list(Takedown.objects.order_by("pk").values(*fields, *of_check))


def events() -> list[dict[str, Any]]:
    """The bodies of the stored callbacks, in the order of their arrival."""
    return list(VodEvent.objects.order_by("pk").values_list("body", flat=True))


def jobs() -> list[dict[str, Any]]:
    return [
        {
            "vod_id": job.video.vod_id,
            "session_id": job.session_id,
            "state": job.state,
            "error_code": job.error_code,
            "has_task": bool(job.task_id),
            "is_deleted": job.video.deleted_at is not None,
            "request_id": job.request_id,
        }
        for job in TranscodeJob.objects.select_related("video").order_by("pk")
    ]
