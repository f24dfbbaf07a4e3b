"""Clean-ups of the log of decisions."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from shortvideo.desk.options import ReadOnlyAdmin
from videos.models import LogPruning


@admin.register(LogPruning)
class LogPruningAdmin(ReadOnlyAdmin[LogPruning]):
    empty_hint = _("manage.py prune_log writes here what it removes.")
    list_display = ("created_at", "run_by", "before", "decision_count", "first_id", "last_id")
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "created_at",
                    "run_by",
                    "before",
                    "decision_count",
                    "first_id",
                    "last_id",
                )
            },
        ),
    )
