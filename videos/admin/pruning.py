"""Clean-ups of the log of decisions."""

from django.contrib import admin

from shortvideo.desk.options import ReadOnlyAdmin
from videos.models import LogPruning


@admin.register(LogPruning)
class LogPruningAdmin(ReadOnlyAdmin[LogPruning]):
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
