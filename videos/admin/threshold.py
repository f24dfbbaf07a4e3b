"""AI thresholds, with a preview on the last AI reviews."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shortvideo.desk.options import DeskAdmin
from videos.models import LabelThreshold, MachineReview
from videos.services import Preview, preview_threshold

Suggestion = MachineReview.Suggestion
_OUTCOMES = (Suggestion.PASS, Suggestion.REVIEW, Suggestion.BLOCK)
_LABELS = 12  # rows of the preview


@admin.register(LabelThreshold)
class LabelThresholdAdmin(DeskAdmin[LabelThreshold]):
    empty_hint = gettext_lazy("Add a threshold to decide by the score of a label.")
    list_display = ("label", "review_at", "block_at")
    ordering = ("label",)
    name_fields = ("label",)
    change_form_template = "admin/videos/labelthreshold/change_form.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.preview)
        return [path("preview/", view, name="videos_labelthreshold_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest) -> JsonResponse:
        """Answer what the values of the form, which are not saved, would change.

        `rows` are all reviews and then the labels, with a cell for each outcome.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        saved = self.get_object(request, request.GET.get("row", ""))
        form = self.get_form(request)(request.GET, instance=saved)
        if not form.is_valid():
            return JsonResponse({"sentence": "", "rows": []})
        preview = preview_threshold(form.instance)
        return JsonResponse({"sentence": _sentence(preview), "rows": list(_rows(preview))})


def _sentence(preview: Preview) -> str:
    if not preview.count:
        return _("There is no AI review yet to try this on.")
    text = _(
        "Of the last %(count)d AI reviews, %(approve)d would approve (now: %(approved)d), "
        "%(review)d would ask a person (%(reviewed)d), and %(block)d would block (%(blocked)d)."
    )
    now, proposed = preview.total.now, preview.total.proposed
    return text % {
        "count": preview.count,
        "approve": proposed[Suggestion.PASS],
        "approved": now[Suggestion.PASS],
        "review": proposed[Suggestion.REVIEW],
        "reviewed": now[Suggestion.REVIEW],
        "block": proposed[Suggestion.BLOCK],
        "blocked": now[Suggestion.BLOCK],
    }


def _rows(preview: Preview) -> Iterator[dict[str, Any]]:
    if not preview.count:
        return
    labels = dict(islice(preview.by_label.items(), _LABELS))
    for name, outcomes in {_("All labels"): preview.total, **labels}.items():
        cells = [(outcomes.now[each], outcomes.proposed[each]) for each in _OUTCOMES]
        yield {
            "label": name,
            "cells": [str(now) if now == then else f"{now} → {then}" for now, then in cells],
        }
