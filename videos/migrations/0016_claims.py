import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """A claim is a row of its own."""

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("videos", "0015_file_times"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReviewClaim",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "page",
                    models.UUIDField(
                        editable=False, help_text="Drawn by the browser page.", verbose_name="page"
                    ),
                ),
                (
                    "claimed_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="claimed"),
                ),
                (
                    "shown_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the page put the clip on the screen.",
                        null=True,
                        verbose_name="shown",
                    ),
                ),
                ("lease_until", models.DateTimeField(verbose_name="lease until")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("decided", "decided"),
                            ("skipped", "skipped"),
                            ("escalated", "escalated"),
                            ("left", "left"),
                            ("expired", "expired"),
                            ("overtaken", "decided elsewhere"),
                        ],
                        max_length=9,
                        verbose_name="end",
                    ),
                ),
            ],
            options={
                "verbose_name": "claim",
                "verbose_name_plural": "claims",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddField(
            model_name="reviewclaim",
            name="decision",
            field=models.ForeignKey(
                blank=True,
                help_text="The decision that ended it, of this page or of somebody else.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="claims",
                to="videos.reviewdecision",
            ),
        ),
        migrations.AddField(
            model_name="reviewclaim",
            name="operator",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="review_claims",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reviewclaim",
            name="video",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="claims",
                to="videos.video",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewclaim",
            index=models.Index(
                condition=models.Q(("ended_at", None)), fields=["page"], name="claim_page"
            ),
        ),
        migrations.AddIndex(
            model_name="reviewclaim",
            index=models.Index(
                condition=models.Q(("end", "skipped")),
                fields=["operator", "video"],
                name="claim_skipped",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewclaim",
            constraint=models.UniqueConstraint(
                models.F("video"),
                condition=models.Q(("ended_at", None)),
                name="one_open_claim_per_video",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("end", ""), ("ended_at", None)),
                    models.Q(("ended_at__isnull", False), models.Q(("end", ""), _negated=True)),
                    _connector="OR",
                ),
                name="claim_end_has_a_cause",
            ),
        ),
    ]
