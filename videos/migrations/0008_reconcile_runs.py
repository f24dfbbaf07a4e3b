import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0007_cdn_quota"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReconcileRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "requested"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                        ],
                        default="running",
                        max_length=9,
                        verbose_name="state",
                    ),
                ),
                (
                    "is_heal",
                    models.BooleanField(
                        default=False,
                        help_text="Whether drift is healed, or only counted.",
                        verbose_name="heals",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="requested by",
                    ),
                ),
                ("here_count", models.PositiveIntegerField(default=0, verbose_name="videos here")),
                (
                    "there_count",
                    models.PositiveIntegerField(default=0, verbose_name="videos in VOD"),
                ),
                (
                    "counts",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text=(
                            "By kind of drift: an object of found, healed, under_way and left."
                        ),
                    ),
                ),
                (
                    "examples",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text=(
                            "The first of each kind: kind, vod_id, here, there, outcome, note."
                        ),
                    ),
                ),
                ("found_count", models.PositiveIntegerField(default=0, verbose_name="drift found")),
                (
                    "left_count",
                    models.PositiveIntegerField(
                        default=0,
                        help_text=(
                            "Differences that remain after the run, those under way included."
                        ),
                        verbose_name="drift left",
                    ),
                ),
                (
                    "file_turns",
                    models.PositiveIntegerField(
                        default=0,
                        editable=False,
                        help_text=(
                            "Ended comparisons of a share of the files, this one and those before "
                            "it."
                        ),
                    ),
                ),
                (
                    "open_files",
                    models.JSONField(
                        blank=True,
                        default=list,
                        editable=False,
                        help_text=(
                            "The ids in VOD of the videos whose files this run or one before it "
                            "found to differ, and none has seen mended. Kept with the latest run "
                            "that has ended well."
                        ),
                    ),
                ),
                ("error", models.TextField(blank=True, verbose_name="error")),
                (
                    "started_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="started"),
                ),
                (
                    "saved_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="finished"),
                ),
            ],
            options={
                "verbose_name": "reconciliation",
                "verbose_name_plural": "reconciliations",
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["requested", "running"])),
                        fields=("state",),
                        name="one_reconciliation_at_a_time",
                    )
                ],
            },
        ),
    ]
