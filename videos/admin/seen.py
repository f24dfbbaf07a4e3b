"""What a page shows of the review of its videos: operations carry it to their services."""

from typing import Any

from django.db.models import Prefetch
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shortvideo.desk.operations import shown_field
from videos.models import ReviewDecision, Video
from videos.services import Seen


def latest_decisions(lookup: str = "decisions") -> "Prefetch[Any]":
    """The latest decision in force of each video, read with the rows: `seen_of` needs it."""
    newest = ReviewDecision.objects.in_force().select_related("operator").order_by("-id")[:1]
    return Prefetch(lookup, newest, to_attr="latest_decisions")


def shown_decision(video: Video) -> ReviewDecision | None:
    """Return the latest decision in force about the present source."""
    prefetched: list[ReviewDecision] = video.latest_decisions  # type: ignore[attr-defined]
    of_source = (each for each in prefetched if each.source_version == video.source_version)
    return next(of_source, None)


def shown_review(video: Video) -> Seen:
    return Seen.of(video, shown_decision(video))


class SeenRows:
    """For lists of videos, or of rows with a `video`: each row says what it shows of the review."""

    def action_checkbox(self, row: Any) -> SafeString:
        checkbox = super().action_checkbox(row)  # type: ignore[misc]  # of ModelAdmin
        video = row if isinstance(row, Video) else row.video
        return format_html("{}{}", checkbox, shown_field(row, str(shown_review(video))))
