"""The rows of `benchmarks.review_million`. Django must be set up."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.factories import make_operator, make_uploader, make_video
from tests.support.many_rows import explain, multiply
from videos.models import MachineReview, ReviewClaim, ReviewDecision, ReviewTask, TaskCause
from videos.services import claim_clips

MODERATORS = 40
UPLOADERS = 20_000
DECIDED = 300_000  # claims and decisions of earlier days
SKIPPED = 1_000
ESCALATED = 1_000
ORDERS = ("oldest", "riskiest")


class Rows:
    """A migrated database with these rows. The open tasks are those of the last videos."""

    def __init__(self, videos: int, tasks: int) -> None:
        call_command("migrate", verbosity=0)
        self.operator = make_operator("moderator")
        self.page = uuid4()
        self._colleagues = [make_operator("moderator") for _number in range(MODERATORS - 1)]
        self._make_videos(videos)
        self._make_tasks(videos, tasks)
        self._make_history(min(videos, DECIDED))
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    def _make_videos(self, count: int) -> None:
        uploader = make_uploader(user_id="user-0")
        multiply(uploader, UPLOADERS - 1, user_id="'user-' || n", user_name="'User ' || n")
        video = make_video(vod_id=f"vod{0:029d}", censor_status="check", uploader=uploader)
        own = "'vod' || lpad(n::text, 29, '0')"
        paths = {
            name: f"replace(original.{name}::text, original.vod_id, {own})"
            for name in ("cover", "first_frame", "source_path", "snapshots", "files")
        }
        for name in ("snapshots", "files"):
            paths[name] += "::jsonb"
        multiply(
            video,
            count - 1,
            vod_id=own,
            uploader_id=f"{uploader.pk} + n % {UPLOADERS}",
            creation_time="original.creation_time + n * interval '1 second'",
            **paths,
        )
        review = MachineReview.objects.create(
            video=video,
            source_version=1,
            suggestion="review",
            labels=["ad"],
            hits=[{"label": "ad", "score": 70, "timestamp_ms": 3005}],
        )
        multiply(review, count - 1, video_id=f"{video.pk} + n")
        self._first, self._last = video.pk, video.pk + count - 1

    def _make_tasks(self, videos: int, count: int) -> None:
        """A third has a risk, so that many are equal."""
        first = self._last - count + 1
        month_ago = timezone.now() - timedelta(days=30)
        task = ReviewTask.objects.create(video_id=first, cause="new", opened_at=month_ago)
        multiply(
            task,
            count - 1,
            video_id=f"{first} + n",
            opened_at="original.opened_at + n * interval '2 seconds'",
            risk="CASE WHEN n % 3 = 0 THEN n % 1009 * 7919 % 101 ELSE 0 END",
        )

    def _make_history(self, count: int) -> None:
        week_ago = timezone.now() - timedelta(days=7)
        operator = f"{self.operator.pk} + n % {MODERATORS}"
        decision = ReviewDecision.objects.create(
            video_id=self._first,
            source_version=1,
            operator=self.operator,
            decision="Normal",
            source="admin",
            from_status="check",
            to_status="success",
            created_at=week_ago,
        )
        video = f"{self._first} + n"
        multiply(decision, count - 1, video_id=video, operator_id=operator)
        claim = ReviewClaim.objects.create(
            video_id=self._first,
            operator=self.operator,
            page=uuid4(),
            claimed_at=week_ago,
            lease_until=week_ago,
            ended_at=week_ago,
            end="decided",
            decision=decision,
        )
        multiply(
            claim,
            count - 1,
            video_id=video,
            operator_id=operator,
            page="gen_random_uuid()",
            decision_id=f"{decision.pk} + n",
        )

    def harder(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What makes the next clips harder to find, one after the other.

        PostgreSQL counts rows only at the last: it must be fast before that, too.
        """
        yield "nobody reviews", lambda: None
        yield f"{MODERATORS} moderators hold clips", self._claim
        yield f"and {ESCALATED:,} first ones are escalated to others", self._escalate
        yield f"and {SKIPPED:,} first ones of each order were skipped", self._skip
        yield "the same, after ANALYZE", lambda: _run("ANALYZE")

    def explain(self, order: str) -> dict[str, Any]:
        """The plan of the query that finds the next three clips."""
        return explain(
            lambda: claim_clips(self.operator, uuid4(), limit=3, order=order), "SKIP LOCKED"
        )

    def _claim(self) -> None:
        for order in ORDERS:
            for colleague in self._colleagues:
                claim_clips(colleague, uuid4(), limit=3, order=order)

    def _escalate(self) -> None:
        first = ReviewTask.objects.oldest_first()[:ESCALATED].values("pk")
        ReviewTask.objects.filter(pk__in=first).update(
            cause=TaskCause.ESCALATED, for_operator=self._colleagues[0]
        )

    def _skip(self) -> None:
        page = uuid4()
        for order in ORDERS:
            videos = ReviewTask.objects.open().in_order(order).values_list("video", flat=True)
            ReviewClaim.objects.bulk_create(
                self._skipped(video, page) for video in videos[: SKIPPED + ESCALATED]
            )

    def _skipped(self, video: int, page: UUID) -> ReviewClaim:
        now = timezone.now()
        times = {"claimed_at": now, "lease_until": now, "ended_at": now}
        return ReviewClaim(
            video_id=video, operator=self.operator, page=page, end="skipped", **times
        )


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
