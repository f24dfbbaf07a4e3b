"""What a page shows of the review of its videos: operations carry it to their services."""

from typing import Any

from django.db.models import Prefetch
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shortvideo.desk.operations import shown_field
from videos.models import MachineReview, ReviewClaim, ReviewDecision, ReviewTask, Video
from videos.services import Seen, Standing


def review_lookups(to_video: str = "") -> "list[Prefetch[Any]]":
    """What `shown_standing` needs, to prefetch with the rows; `to_video` is such as "video__"."""
    decisions = ReviewDecision.objects.in_force().select_related("operator").order_by("-id")[:1]
    tasks = ReviewTask.objects.order_by("-id")[:1]
    verdicts = MachineReview.objects.defer("result")
    return [
        Prefetch(f"{to_video}decisions", decisions, to_attr="latest_decisions"),
        Prefetch(f"{to_video}review_tasks", tasks, to_attr="latest_tasks"),
        Prefetch(f"{to_video}machine_reviews", verdicts, to_attr="verdicts"),
    ]


def standing_lookups(to_video: str = "") -> "list[Prefetch[Any]]":
    """What `shown_text` needs: the standing, and the claim of the page that reviews the video."""
    held = ReviewClaim.objects.held().select_related("operator")
    return [*review_lookups(to_video), Prefetch(f"{to_video}claims", held, to_attr="held_claims")]


def shown_standing(video: Any) -> Standing:
    """What stands about a video, as it was read with the rows of the page."""

    def of_source(rows: list[Any]) -> Any:
        return next((row for row in rows if row.source_version == video.source_version), None)

    decision, verdict = of_source(video.latest_decisions), of_source(video.verdicts)
    return Standing(video, decision, verdict, next(iter(video.latest_tasks), None))


def shown_claim(video: Any) -> ReviewClaim | None:
    """The claim of the review page that holds the video, as it was read with the rows."""
    return next(iter(video.held_claims), None)


def shown_text(video: Video) -> str:
    """What a page shows of a video: its standing, and who reviews it. See `parse_shown`."""
    claim = shown_claim(video)
    return f"{shown_standing(video).seen}@{claim.pk if claim else 0}"


def parse_shown(text: str) -> tuple[Seen, str]:
    """Return the standing that a page showed, and the key of the claim ("0" without one)."""
    seen, _, claim = text.partition("@")
    return Seen.parse(seen), claim


class SeenRows:
    """For lists of videos, or of rows with a `video`: each row says what it shows of the review."""

    def action_checkbox(self, row: Any) -> SafeString:
        checkbox = super().action_checkbox(row)  # type: ignore[misc]  # of ModelAdmin
        video = row if isinstance(row, Video) else row.video
        return format_html("{}{}", checkbox, shown_field(row, shown_text(video)))
