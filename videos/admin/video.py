"""The list of videos and the page of one video."""

from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from shortvideo.desk import display
from shortvideo.desk.filters import AutocompleteFilter, DateRangeFilter
from shortvideo.desk.lists import way_back
from shortvideo.desk.options import ReadOnlyAdmin
from shortvideo.text import folded
from videos.admin import operations
from videos.admin.detail import detail_context
from videos.admin.filters import DeletedFilter
from videos.admin.media import thumbnail, with_pictures
from videos.admin.seen import SeenRows, shown_text, standing_lookups
from videos.admin.undo import undo
from videos.admin.whole import read_whole
from videos.models import CensorStatus, SnapshotStatus, TranscodeStatus, Video, VideoQuerySet
from videos.services import is_undeletable


@admin.register(Video)
class VideoAdmin(SeenRows, ReadOnlyAdmin[Video]):
    empty_hint = _("Uploads to VOD appear here: callbacks and sync runs bring them.")
    phone_columns = ("review", "uploader", "creation_time")
    detail_template = "admin/videos/video/detail.html"
    list_display = (
        "picture",
        "heading",
        "uploader",
        "review",
        "transcoding",
        "narrowband",
        "pictures",
        "length",
        "file_size",
        "creation_time",
    )
    list_display_links = ("picture", "heading")
    list_select_related = ("uploader",)
    list_filter = (
        "censor_status",
        "transcode_status",
        "narrow_transcode_status",
        "snapshot_status",
        ("creation_time", DateRangeFilter),
        ("uploader", AutocompleteFilter),
        DeletedFilter,
    )
    fieldsets = ((None, {"fields": ()}),)  # the template names the facts
    search_fields = ("title_search", "vod_id", "uploader__name_search", "uploader__user_id")
    search_help_text = _("Exact video ID, part of the title, or uploader")
    ordering = ("-creation_time", "-id")
    operations = (
        operations.Approve,
        operations.Block,
        operations.SendBack,
        operations.TranscodeStandard,
        operations.TranscodeNarrowband,
        operations.Recommend,
        operations.Delete,
        operations.Restore,
    )

    def get_queryset(self, request: HttpRequest) -> VideoQuerySet:
        """Deleted videos only for operators who may delete."""
        videos = with_pictures(Video.objects.prefetch_related(*standing_lookups()))
        return _permitted(videos, request)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Video | None:
        """Without what lists prefetch: the page reads more of it, see `read_whole`."""
        videos = _permitted(Video.objects.select_related("uploader", "recommendation"), request)
        with suppress(ValidationError):
            return videos.filter(pk=Video._meta.pk.to_python(object_id)).first()
        return None

    def search_condition(self, text: str) -> Q:
        """An exact id, or part of the title or of the uploader's name, as in the API."""
        return (
            Q(vod_id=text)
            | Q(title_search__contains=folded(text))
            | Q(uploader__name_search__contains=folded(text))
            | Q(uploader__user_id=text)
        )

    def get_urls(self) -> list[Any]:
        guard = self.admin_site.admin_view
        return [
            path("undo/", guard(undo), name="videos_video_undo"),
            path("named/<path:vod_id>/", guard(self.named_view), name="videos_video_named"),
            *super().get_urls(),
        ]

    def named_view(self, request: HttpRequest, vod_id: str) -> HttpResponse:
        """Go to the page of the video with this id in VOD; to a search if there is none."""
        videos = _permitted(Video.objects.filter(vod_id=vod_id), request)
        if (video := videos.first()) is not None:
            return redirect("admin:videos_video_change", video.pk)
        return redirect(reverse("admin:videos_video_changelist", query={"q": vod_id}))

    # --- Columns

    @admin.display(description=_("picture"))
    def picture(self, video: Video) -> SafeString:
        """With the title for screen readers: a link needs text."""
        name = display.title(video.title)
        return format_html('{}<span class="visually-hidden">{}</span>', thumbnail(video), name)

    @admin.display(description=_("title"), ordering="title_search")
    def heading(self, video: Video) -> SafeString:
        return format_html(
            '<span class="heading">{}</span><span class="identifier">{}</span>',
            display.title(video.title),
            video.vod_id,
        )

    @admin.display(description=_("review"), ordering="censor_status")
    def review(self, video: Video) -> SafeString:
        if video.deleted_at is not None:
            return display.toned(str(_("deleted")), "neutral")
        return display.choice_badge(CensorStatus, video.censor_status)

    @admin.display(description=_("transcoding"), ordering="transcode_status")
    def transcoding(self, video: Video) -> SafeString:
        return display.choice_badge(TranscodeStatus, video.transcode_status)

    @admin.display(description=_("Narrowband HD"), ordering="narrow_transcode_status")
    def narrowband(self, video: Video) -> SafeString:
        return display.choice_badge(TranscodeStatus, video.narrow_transcode_status)

    @admin.display(description=_("snapshots"), ordering="snapshot_status")
    def pictures(self, video: Video) -> SafeString:
        return display.choice_badge(SnapshotStatus, video.snapshot_status)

    @admin.display(description=_("duration"), ordering="duration")
    def length(self, video: Video) -> str:
        return display.clock(video.duration)

    @admin.display(description=_("size"), ordering="size")
    def file_size(self, video: Video) -> str:
        return display.file_size(video.size)

    # --- The page of one video

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        if (row := kw.get("obj")) is not None:
            read_whole(row)
        return super().render_change_form(request, context, *args, **kw)

    def page_context(self, request: HttpRequest, row: Video) -> dict[str, Any]:
        """Facts and buttons, no form."""
        decisions = (operations.Approve.name, operations.Block.name)
        buttons = self.buttons(request, row)
        return {
            **detail_context(request, row),
            "title": str(row),
            "buttons": buttons,
            "decisions": [each for each in buttons if each["name"] in decisions],
            "other_buttons": [each for each in buttons if each["name"] not in decisions],
        }

    def buttons(self, request: HttpRequest, row: Video) -> list[dict[str, Any]]:
        """The operations that make sense for the video, refused or not: their page says why."""
        allowed = {each.name: each for each in self.operations if each.is_allowed(request.user)}
        seen = f"{row.pk}:{shown_text(row)}"
        return [
            {
                "name": name,
                "label": allowed[name].label,
                "tone": tone,
                "is_confirmed": _is_confirmed(name, row),
                "seen": seen,
                "next": self._list_url(request) if name == operations.Delete.name else "",
            }
            for name, tone in _buttons_for(row)
            if name in allowed
        ]

    def _list_url(self, request: HttpRequest) -> str:
        """The list that the page came from: a deleted video may have no page for the operator."""
        filters = self.get_preserved_filters(request)
        return way_back({"request": request, "opts": self.opts, "preserved_filters": filters})[0]


def _permitted(videos: VideoQuerySet, request: HttpRequest) -> VideoQuerySet:
    return videos if request.user.has_perm("videos.delete_video") else videos.visible()


def _is_confirmed(name: str, video: Video) -> bool:
    """Whether a button acts at once.

    An approval that the app sees nothing of is asked about; one that lifts a block needs a reason.
    """
    return name == "approve" and not video.is_unplayable and not video.is_blocked


def _buttons_for(video: Video) -> tuple[tuple[str, str], ...]:
    """Return names and tones of the actions that make sense for a video."""
    if video.deleted_at is None:
        return (
            ("approve", "good"),
            ("block", "bad"),
            *((("send_back", ""),) if video.censor_status != CensorStatus.CHECK else ()),
            ("recommend", ""),
            ("transcode", ""),
            ("transcode_narrowband", ""),
            ("remove", "quiet"),
        )
    return (("take_back", ""),) if is_undeletable(video) else ()
