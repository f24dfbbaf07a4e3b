"""The same operations by the API and at the desk leave the same rows."""

from datetime import UTC, datetime
from typing import Any, Final

import orjson
import pytest
from django.conf import settings as django_settings
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from recommendations.models import Recommendation
from shortvideo.outbox.models import Delivery
from tests.admin.conftest import Desk
from tests.factories import make_operator, make_uploader, make_video
from tests.support.console import Console
from videos.models import (
    CdnTask,
    ReviewDecision,
    ReviewTask,
    Takedown,
    TaskCause,
    TranscodeJob,
    Video,
    VideoDeletion,
)

PROFILE = settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,  # a shared machine may be busy
    suppress_health_check=[HealthCheck.too_slow],
)
DELETE: Final[tuple[str, str, dict[str, str]]] = ("deleteVideoById", "remove", {})
OPERATIONS: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("createAudit", "approve", {"status": "Normal", "reason": "appeal", "comment": "fine"}),
    ("createAudit", "block", {"status": "Blocked", "reason": "violence", "comment": "seen"}),
    ("createAudit", "block", {"status": "Blocked", "reason": "violence", "comment": "seen"}),
    ("recommendVideo", "recommend", {}),
    ("recommendVideo", "recommend", {"isNarrow": "true", "isCache": "true"}),
    ("deleteRecommendById", "remove", {}),
    ("submitTranscode", "transcode", {}),
    ("submitTabTranscode", "transcode_narrowband", {}),
)
AT_THE_DESK: Final = {"isNarrow": "narrowband", "isCache": "prefetch"}
# The fields in which twins differ; of moments only whether they are set is compared.
OWN: Final = ("id", "vod_id", "title", "title_search", "creation_time")


def _by_api(console: Console, video: Video, operation: str, given: dict[str, str]) -> None:
    """Call the operation. The rows show whether it was allowed."""
    name = "mediaId" if operation.startswith(("createAudit", "submit")) else "videoId"
    owner = {"userId": video.uploader.user_id} if video.uploader else {}
    console.post(operation, **{name: video.vod_id, **owner, **given})


def _at_the_desk(
    desk: Desk, video: Video, operation: str, action: str, given: dict[str, str]
) -> None:
    fields = {AT_THE_DESK.get(name, name): value for name, value in given.items()}
    item = Recommendation.objects.active().filter(video=video).first()
    if operation != "deleteRecommendById":
        desk.do(action, video, **fields)
    elif item is not None:
        desk.do(action, item)


def _rows_of(video: Video) -> dict[str, Any]:
    """All rows about a video, comparable with those of its twin."""
    row = dict(Video.objects.filter(pk=video.pk).values().get())
    for name in OWN:
        del row[name]
    about = {"video": video}

    def listed(model: Any, *names: str) -> list[Any]:
        return [
            _shared(value, video)
            for value in model.filter(**about).order_by("pk").values_list(*names)
        ]

    journal = LogEntry.objects.filter(object_id=str(video.pk), content_type__model="video")
    return {
        "video": {name: _shared(value, video) for name, value in row.items()},
        "decisions": listed(
            ReviewDecision.objects, "decision", "from_status", "to_status", "reason", "comment",
            "operator", "source_version", "delivery__kind", "delivery__state",
        ),
        "tasks": listed(ReviewTask.objects, "cause", "closed_at"),
        "jobs": listed(
            TranscodeJob.objects, "kind", "state", "previous_status", "requested_by",
            "delivery__kind", "delivery__state",
        ),
        "list": listed(Recommendation.objects, "position", "recommended_by", "title", "starts_at"),
        "deletions": listed(VideoDeletion.objects, "state", "operator", "delivery__state"),
        "cdn": listed(CdnTask.objects, "kind", "state", "urls", "operator", "delivery__state"),
        "takedowns": listed(Takedown.objects, "cause", "state", "verified_at"),
        "deliveries": list(
            Delivery.objects.filter(subject=video.vod_id)
            .order_by("pk")
            .values_list("kind", "state", "after__kind", "is_superseding")
        ),
        "journal": [
            (entry.user_id, orjson.loads(entry.change_message)["action"])
            for entry in journal.order_by("pk")
        ],
        "request ids": _without_request_id(video),
    }  # fmt: skip


def _shared(value: Any, video: Video) -> Any:
    """A value as its twin has it: True for a moment, texts without the id of the clip."""
    if isinstance(value, datetime):
        return True
    if isinstance(value, str):
        return value.replace(video.vod_id, "the clip")
    if isinstance(value, list | tuple):
        return [_shared(item, video) for item in value]
    if isinstance(value, dict):
        return {name: _shared(item, video) for name, item in value.items()}
    return value


def _without_request_id(video: Video) -> int:
    """The number of rows without a request id."""
    made_by_requests: tuple[Any, ...] = (
        ReviewDecision.objects, TranscodeJob.objects, VideoDeletion.objects, Recommendation.objects,
    )  # fmt: skip
    return sum(model.filter(video=video, request_id="").count() for model in made_by_requests)


@pytest.fixture
def desk(db: None) -> Desk:
    operator = make_operator("administrator")
    client = Client()
    client.force_login(operator, django_settings.AUTHENTICATION_BACKENDS[-1])
    return Desk(client, operator)


def _twins() -> tuple[Video, Video]:
    """Two clips of one uploader that wait for review."""
    uploader, created = make_uploader(), datetime(2026, 1, 1, tzinfo=UTC)
    made = [
        make_video(
            uploader=uploader, creation_time=created, censor_status="check", status="Checking"
        )
        for _ in range(2)
    ]
    for video in made:
        ReviewTask.objects.create(video=video, cause=TaskCause.REPORTED)
    return made[0], made[1]


def test_api_and_desk_leave_the_same_rows(desk: Desk, settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 5  # delays the deliveries of the desk, changes no row
    console = Console(desk.operator)

    @PROFILE
    @given(st.lists(st.sampled_from(OPERATIONS), max_size=6), st.booleans())
    def leave_the_same_rows(operations: list[Any], is_deleted: bool) -> None:
        with transaction.atomic():
            one, other = _twins()
            assert _rows_of(one) == _rows_of(other)
            for operation, action, values in [*operations, *([DELETE] if is_deleted else [])]:
                _by_api(console, one, operation, values)
                _at_the_desk(desk, other, operation, action, values)
                assert _rows_of(one) == _rows_of(other), operation
            transaction.set_rollback(True)

    leave_the_same_rows()
