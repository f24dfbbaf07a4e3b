"""Evidence: the list, and the stored copies of pictures that the CDN no longer serves."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.cache import patch_cache_control
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from shortvideo.desk import display, inbox
from shortvideo.desk.operations import Operation
from shortvideo.desk.options import ReadOnlyAdmin
from videos.admin.columns import PICTURES, VideoColumns
from videos.admin.filters import AttentionFilter
from videos.admin.operations import Dismiss
from videos.models import Evidence, EvidenceQuerySet
from videos.services import archive_again, check_archivable
from videos.services.evidence import storage

_PERMISSION: Final = "videos.review_video"
_CACHE_SECONDS: Final = 600  # in the operator's browser
# By extension; files with other extensions are not served.
_CONTENT_TYPES: Final = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
}


def _copy_view(request: HttpRequest, evidence_id: int, index: int) -> FileResponse:
    """Serve one stored copy to operators who may review."""
    if not request.user.has_perm(_PERMISSION):
        raise PermissionDenied
    evidence = get_object_or_404(Evidence, pk=evidence_id)
    if index >= len(evidence.files):
        raise Http404
    return _picture_response(evidence.files[index]["name"])


def _picture_response(name: str) -> FileResponse:
    """Return a file of the storage `evidence`, closed to other sites and shared caches."""
    content_type = _CONTENT_TYPES.get(PurePosixPath(name).suffix)
    if content_type is None or not storage().exists(name):
        raise Http404
    response = FileResponse(storage().open(name), content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    patch_cache_control(response, private=True, max_age=_CACHE_SECONDS)
    return response


class ArchiveAgain(Operation[Evidence]):
    name = "archive_again"
    is_direct = True
    permission = "outbox.retry_delivery"
    label = _("Archive again")
    title = _("Archive again")
    verb = _("Archive again")
    report = _("%(done)d of %(selected)d will be archived again.")
    explanation = _(
        "The worker looks which copies the storage has. What is missing is copied from the CDN, "
        "or from VOD while it has the clip. The worker also tries this by itself, less and less "
        "often."
    )
    select_related = ("video",)

    def check(self, row: Evidence) -> None:
        check_archivable(row)

    def run(self, row: Evidence, values: Mapping[str, Any]) -> None:
        archive_again(row, **self.actor)


class DismissEvidence(Dismiss):
    permission = "outbox.retry_delivery"
    title = _("Dismiss incomplete evidence")
    explanation = _("It leaves the inbox and stays incomplete. The worker does not try again.")


inbox.register(
    inbox.Concern(
        name="evidence",
        label=_("Incomplete evidence"),
        hint=_("pictures of blocked clips without a copy: never made, or lost in the storage"),
        permission="outbox.retry_delivery",
        rows=Evidence.objects.needing_attention,
        url=lambda: reverse("admin:videos_evidence_changelist", query={"attention": "yes"}),
    )
)


@admin.register(Evidence)
class EvidenceAdmin(VideoColumns, ReadOnlyAdmin[Evidence]):
    empty_hint = _("Pictures are kept when a clip is blocked, and when the AI finds something.")
    phone_columns = ("condition", "copy_count", "expires_at")
    list_display = (
        "picture", "video_link", "source_version", "copy_count", "condition", "shortfall",
        "archived_at", "expires_at",
    )  # fmt: skip
    list_display_links = ("archived_at",)
    list_select_related = ("video",)
    list_filter = (AttentionFilter,)
    operations = (ArchiveAgain, DismissEvidence)
    search_fields = ("=video__vod_id",)
    search_help_text = _("Exact video ID")
    ordering = ("-id",)
    media_fields = ("files",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "video_link",
                    "condition",
                    "shortfall",
                    "copy_strip",
                    "archived_at",
                    "expires_at",
                    "removed_at",
                    "source_version",
                )
            },
        ),
        (
            _("The clip as it was"),
            {
                "fields": (
                    "clip",
                    "machine_review",
                    "files",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> EvidenceQuerySet:
        return Evidence.objects.prefetch_related(*PICTURES)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(_copy_view, cacheable=True)
        return [
            path("<int:evidence_id>/copy/<int:index>/", view, name="videos_evidence_copy"),
            *super().get_urls(),
        ]

    @admin.display(description=_("facts"))
    def clip(self, evidence: Evidence) -> SafeString:
        """The clip as it was; uploaders wrote most values."""
        values = ((name, display.bdi(str(value))) for name, value in evidence.facts.items())
        rows = format_html_join("", "<dt>{}</dt><dd>{}</dd>", values)
        return format_html('<dl class="facts">{}</dl>', rows) if rows else rows

    @admin.display(description=_("copies"))
    def copy_strip(self, evidence: Evidence) -> SafeString:
        """The stored pictures, blurred."""
        urls = (
            reverse("admin:videos_evidence_copy", args=[evidence.pk, index])
            for index, file in enumerate(evidence.files)
            if not file.get("is_lost") and evidence.removed_at is None
        )
        items = format_html_join(
            "",
            '<li><a href="{}"><img src="{}" alt="{}" loading="lazy"></a></li>',
            (
                (url, url, _("Copy %(number)d") % {"number": number})
                for number, url in enumerate(urls, 1)
            ),
        )
        return format_html('<ul class="strip is-blurred">{}</ul>', items) if items else items

    @admin.display(description=_("copies"))
    def copy_count(self, evidence: Evidence) -> int:
        return len(evidence.copies)

    @admin.display(description=_("problem"))
    def shortfall(self, evidence: Evidence) -> str:
        return evidence.shortfall

    @admin.display(description=_("state"))
    def condition(self, evidence: Evidence) -> SafeString:
        if evidence.removed_at is not None:
            return display.toned(str(_("removed")), "neutral")
        if not evidence.copies:
            return display.toned(str(_("no copy")), "bad")
        if evidence.shortfall:
            return display.toned(str(_("incomplete")), "attention")
        return display.toned(str(_("kept")), "good")
