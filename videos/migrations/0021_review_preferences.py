import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import videos.models.review


class Migration(migrations.Migration):
    """What operators choose for the review page; a new template has texts before it is stored."""

    dependencies = [
        ("videos", "0020_thresholds"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReviewPreferences",
            fields=[
                (
                    "operator",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="review_preferences",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "is_blurred",
                    models.BooleanField(
                        blank=True, default=None, null=True, verbose_name="blurred until revealed"
                    ),
                ),
                (
                    "is_grey",
                    models.BooleanField(
                        blank=True,
                        default=None,
                        null=True,
                        verbose_name="without colours until revealed",
                    ),
                ),
                (
                    "is_muted",
                    models.BooleanField(
                        db_default=True, default=True, verbose_name="muted at the start"
                    ),
                ),
                (
                    "speed_percent",
                    models.PositiveSmallIntegerField(
                        choices=[(100, "1×"), (125, "1.25×"), (150, "1.5×"), (200, "2×")],
                        db_default=100,
                        default=100,
                        verbose_name="speed",
                    ),
                ),
                (
                    "order",
                    models.CharField(
                        choices=[("oldest", "Oldest first"), ("riskiest", "Highest risk first")],
                        db_default="oldest",
                        default="oldest",
                        max_length=8,
                        verbose_name="order",
                    ),
                ),
                (
                    "has_single_keys",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Off: the keys below do nothing on the review page; its buttons do.",
                        verbose_name="keys are on",
                    ),
                ),
                (
                    "keys",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        editable=False,
                        help_text="The operator’s own key of a command, where it is not the default.",
                    ),
                ),
            ],
            options={
                "verbose_name": "preferences of the review page",
                "verbose_name_plural": "preferences of the review page",
                "default_permissions": (),
            },
        ),
        migrations.AlterField(
            model_name="reasontemplate",
            name="policy",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The rule that the clip breaks, such as “violence”. Reports count by it.",
                max_length=64,
                verbose_name="policy",
            ),
        ),
        migrations.AlterField(
            model_name="reasontemplate",
            name="text_zh_hans",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                max_length=128,
                validators=[videos.models.review.fits_reason],
                verbose_name="reason in Chinese",
            ),
        ),
    ]
