"""Columns shared by lists."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from shortvideo.desk import display
from shortvideo.desk.lists import with_way_back
from videos.admin.media import thumbnail
from videos.models import Video

PICTURES = ("video__evidence", "video__takedowns")  # what `picture` reads, to prefetch


def video_url(video: Video) -> str:
    return reverse("admin:videos_video_change", args=[video.pk])


class VideoColumns:
    """For a model with `video`, which `list_select_related` must name."""

    @admin.display(description=_("picture"))
    def picture(self, row: Any) -> SafeString | str:
        return thumbnail(row.video) if row.video else ""

    @admin.display(description=_("video"))
    def video_link(self, row: Any) -> SafeString | str:
        if row.video is None:
            return display.NOTHING
        return format_html(
            '<a class="heading" href="{}">{}</a><span class="identifier">{}</span>',
            with_way_back(video_url(row.video), row),
            display.title(row.video.title),
            row.video.vod_id,
        )


class StateColumn:
    """For a model with choices of `state`."""

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, row: Any) -> SafeString:
        return display.badge(row.state, row.get_state_display())


class ErrorColumn:
    """For a model with `error_message` or `error`, and optionally `error_code`."""

    @admin.display(description=_("error"))
    def error_text(self, row: Any) -> SafeString | str:
        code = getattr(row, "error_code", "")
        message = getattr(row, "error_message", "") or getattr(row, "error", "")
        if not code and not message:
            return display.NOTHING
        return format_html('<span class="error-text"><code>{}</code> {}</span>', code, message)
