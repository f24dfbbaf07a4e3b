import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from shortvideo.migration_operations import RefuseReverse


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0002_fault_count"),
        ("videos", "0005_transcode_watchdog"),
    ]

    operations = [
        migrations.CreateModel(
            name="Evidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source_version", models.PositiveIntegerField()),
                (
                    "facts",
                    models.JSONField(
                        default=dict,
                        help_text="The clip as it was: title, description, tags, uploader, duration, size.",
                    ),
                ),
                ("machine_review", models.JSONField(blank=True, default=dict)),
                (
                    "files",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="A list of objects: kind (cover, first_frame, snapshot), path, name.",
                    ),
                ),
                (
                    "problem",
                    models.TextField(
                        blank=True, help_text="What could not be archived, in one sentence."
                    ),
                ),
                (
                    "archived_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="archived"
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Set once the clip is deleted.",
                        null=True,
                        verbose_name="kept until",
                    ),
                ),
                ("removed_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "evidence",
                "verbose_name_plural": "evidence",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Takedown",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("block", "blocked"),
                            ("deletion", "deleted"),
                            ("vod", "blocked by VOD"),
                        ],
                        max_length=8,
                        verbose_name="cause",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("under_way", "under way"),
                            ("verified", "verified"),
                            ("failed", "failed"),
                            ("reversed", "reversed"),
                            ("replaced", "replaced by a later one"),
                        ],
                        default="under_way",
                        max_length=9,
                        verbose_name="state",
                    ),
                ),
                (
                    "problem",
                    models.TextField(
                        blank=True, help_text="One sentence, fit to show.", verbose_name="problem"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="begun"),
                ),
                (
                    "verified_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="verified"),
                ),
                (
                    "check_count",
                    models.PositiveSmallIntegerField(
                        default=0,
                        editable=False,
                        help_text="How often in a row it was looked at and found not to be gone.",
                    ),
                ),
            ],
            options={
                "verbose_name": "takedown",
                "verbose_name_plural": "takedowns",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="LogPruning",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "before",
                    models.DateTimeField(
                        help_text="Only older decisions were removed.", verbose_name="before"
                    ),
                ),
                ("decision_count", models.PositiveIntegerField(verbose_name="decisions")),
                (
                    "first_id",
                    models.BigIntegerField(help_text="The lowest number of a removed decision."),
                ),
                (
                    "last_id",
                    models.BigIntegerField(help_text="The highest number of a removed decision."),
                ),
                (
                    "run_by",
                    models.CharField(
                        blank=True,
                        help_text="The machine's name of the user.",
                        max_length=150,
                        verbose_name="run by",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="removed"),
                ),
            ],
            options={
                "verbose_name": "pruning of the log",
                "verbose_name_plural": "prunings of the log",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddField(
            model_name="evidence",
            name="video",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="evidence",
                to="videos.video",
            ),
        ),
        migrations.AddField(
            model_name="takedown",
            name="decision",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="takedown",
                to="videos.reviewdecision",
            ),
        ),
        migrations.AddField(
            model_name="takedown",
            name="deletion",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="takedown",
                to="videos.videodeletion",
            ),
        ),
        migrations.AddField(
            model_name="takedown",
            name="verification",
            field=models.OneToOneField(
                blank=True,
                help_text="The delivery that reads back what VOD and the CDN still show.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="takedown",
                to="outbox.delivery",
            ),
        ),
        migrations.AddField(
            model_name="takedown",
            name="video",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="takedowns",
                to="videos.video",
            ),
        ),
        migrations.AddField(
            model_name="cdntask",
            name="takedown",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cdn_tasks",
                to="videos.takedown",
            ),
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                condition=models.Q(("removed_at", None)),
                fields=["expires_at"],
                name="evidence_expiry",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.UniqueConstraint(
                models.F("video"), models.F("source_version"), name="one_evidence_per_version"
            ),
        ),
        migrations.AddIndex(
            model_name="takedown",
            index=models.Index(fields=["state", "id"], name="takedown_state"),
        ),
        migrations.AddField(
            model_name="video",
            name="further_media",
            field=models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                editable=False,
                help_text="What was issued for this source beside what the row names now: a list of objects of kind (cover, first_frame, snapshot, play) and path.",
            ),
        ),
        RefuseReverse(
            "takedowns, evidence or prunings of the log are recorded, and would be lost",
            {
                "videos.Takedown": models.Q(),
                "videos.Evidence": models.Q(),
                "videos.LogPruning": models.Q(),
            },
        ),
    ]
