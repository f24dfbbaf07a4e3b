"""AI thresholds, with a preview on the last AI reviews."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils.translation import gettext as _

from shortvideo.desk.options import DeskAdmin
from videos.models import LabelThreshold, MachineReview
from videos.services import Preview, preview_threshold

Suggestion = MachineReview.Suggestion


@admin.register(LabelThreshold)
class LabelThresholdAdmin(DeskAdmin[LabelThreshold]):
    list_display = ("label", "review_at", "block_at")
    ordering = ("label",)
    name_fields = ("label",)
    change_form_template = "admin/videos/labelthreshold/change_form.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.preview)
        return [path("preview/", view, name="videos_labelthreshold_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest) -> JsonResponse:
        """Answer one sentence about the values of the form, which are not saved."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        saved = LabelThreshold.objects.filter(label=request.GET.get("label", "")).first()
        form = self.get_form(request, saved)(request.GET, instance=saved)
        sentence = _sentence(preview_threshold(form.instance)) if form.is_valid() else ""
        return JsonResponse({"sentence": sentence})


def _sentence(preview: Preview) -> str:
    if not preview.count:
        return _("There is no AI review yet to try this on.")
    text = _(
        "Of the last %(count)d AI reviews, %(approve)d would approve (before: %(approved)d), "
        "%(review)d would ask a person (%(reviewed)d), and %(block)d would block (%(blocked)d)."
    )
    return text % {
        "count": preview.count,
        "approve": preview.proposed[Suggestion.PASS],
        "approved": preview.then[Suggestion.PASS],
        "review": preview.proposed[Suggestion.REVIEW],
        "reviewed": preview.then[Suggestion.REVIEW],
        "block": preview.proposed[Suggestion.BLOCK],
        "blocked": preview.then[Suggestion.BLOCK],
    }
