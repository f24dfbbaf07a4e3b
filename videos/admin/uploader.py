"""The page of an uploader: their clips, blocked ones included, and what was decided about them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.admin import UploaderAdmin
from accounts.models import Uploader
from videos.admin.columns import video_url
from videos.admin.media import thumbnail, with_pictures
from videos.models import CensorStatus, Decision, ReviewDecision, Video, VideoQuerySet

_CLIPS, _DECISIONS, _REASONS = 24, 20, 5

admin.site.unregister(Uploader)


@admin.register(Uploader)
class UploaderPageAdmin(UploaderAdmin):
    """The list of accounts, with a page that shows clips and decisions."""

    detail_template = "admin/videos/uploader.html"

    def page_context(self, request: HttpRequest, row: Uploader) -> dict[str, Any]:
        if not request.user.has_perm("videos.view_video"):
            return {}
        videos = Video.objects.visible().filter(uploader=row)
        decisions = ReviewDecision.objects.in_force().by_people().filter(video__uploader=row)
        newest = decisions.select_related("video", "operator").order_by("-id")
        return {
            **super().page_context(request, row),
            "figures": _figures(videos),
            "clips": _clips(videos),
            "decisions": newest[:_DECISIONS],
            "reasons": _reasons(decisions),
        }


def _figures(videos: VideoQuerySet) -> list[tuple[str, object]]:
    count = videos.aggregate(
        clips=Count("pk"),
        approved=Count("pk", filter=Q(censor_status=CensorStatus.SUCCESS)),
        blocked=Count("pk", filter=Q(censor_status=CensorStatus.FAIL)),
        waiting=Count("pk", filter=Q(censor_status=CensorStatus.CHECK)),
    )
    decided = count["approved"] + count["blocked"]
    rate = f"{count['blocked'] / decided:.0%}" if decided else "–"
    return [
        (_("Clips"), count["clips"]),
        (_("Approved"), count["approved"]),
        (_("Blocked"), count["blocked"]),
        (_("Awaiting review"), count["waiting"]),
        (_("Block rate"), rate),
    ]


def _clips(videos: VideoQuerySet) -> list[dict[str, Any]]:
    newest = with_pictures(videos.newest_first())[:_CLIPS]
    return [
        {"video": video, "url": video_url(video), "picture": thumbnail(video)} for video in newest
    ]


def _reasons(decisions: Any) -> list[dict[str, Any]]:
    """The most frequent reasons of blocks, each with its count."""
    blocks = decisions.filter(decision=Decision.BLOCKED).values("reason")
    return list(blocks.annotate(count=Count("pk")).order_by("-count", "reason")[:_REASONS])
