"""Sync runs."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from shortvideo.desk.options import ReadOnlyAdmin
from videos.admin.columns import ErrorColumn, StateColumn
from videos.models import SyncRun


@admin.register(SyncRun)
class SyncRunAdmin(StateColumn, ErrorColumn, ReadOnlyAdmin[SyncRun]):
    empty_hint = _("The worker starts sync runs by itself; manage.py sync_videos starts one now.")
    phone_columns = ("kind", "state_badge", "changed_count")
    list_display = (
        "started_at", "kind", "state_badge", "is_dry_run", "seen_count", "new_count",
        "changed_count", "unchanged_count", "failed_count", "error_text", "finished_at",
    )  # fmt: skip
    list_filter = ("state", "kind", "is_dry_run")
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "kind",
                    "state_badge",
                    "is_dry_run",
                    "error_text",
                    "started_at",
                    "finished_at",
                )
            },
        ),
        (
            _("Videos"),
            {
                "fields": (
                    "expected_count",
                    "seen_count",
                    "new_count",
                    "changed_count",
                    "unchanged_count",
                    "failed_count",
                )
            },
        ),
        (
            _("Period"),
            {
                "fields": (
                    "since",
                    "until",
                    "checkpoint",
                )
            },
        ),
    )
