import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0007_cdn_quota"),
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
                        choices=[("running", "running"), ("done", "done"), ("failed", "failed")],
                        default="running",
                        max_length=7,
                        verbose_name="state",
                    ),
                ),
                (
                    "is_heal",
                    models.BooleanField(
                        default=False,
                        help_text="Whether drift was healed, or only counted.",
                        verbose_name="healed",
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
                        help_text="By kind of drift: an object of found, healed and left.",
                    ),
                ),
                (
                    "examples",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="The first of each kind: kind, vod_id, here, there, outcome.",
                    ),
                ),
                (
                    "left_count",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Differences that remain after the run.",
                        verbose_name="drift left",
                    ),
                ),
                ("error", models.TextField(blank=True, verbose_name="error")),
                (
                    "started_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="started"),
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
            },
        ),
    ]
