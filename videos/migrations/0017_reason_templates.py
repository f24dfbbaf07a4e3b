import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import videos.models.review


class Migration(migrations.Migration):
    """Templates in two languages, with policy and severity."""

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("videos", "0016_claims"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="reasontemplate",
            name="is_urgent",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="VOD is told at once: a block with this reason cannot be undone.",
                verbose_name="urgent",
            ),
        ),
        migrations.AddField(
            model_name="reasontemplate",
            name="policy",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="The rule that the clip breaks, such as “violence”. Reports count by it.",
                max_length=64,
                verbose_name="policy",
            ),
        ),
        migrations.AddField(
            model_name="reasontemplate",
            name="severity",
            field=models.PositiveSmallIntegerField(
                choices=[(1, "low"), (2, "medium"), (3, "high"), (4, "critical")],
                db_default=2,
                default=2,
                verbose_name="severity",
            ),
        ),
        migrations.AddField(
            model_name="reasontemplate",
            name="text_zh_hans",
            field=models.CharField(
                blank=True,
                db_default="",
                max_length=128,
                validators=[videos.models.review.fits_reason],
                verbose_name="reason in Chinese",
            ),
        ),
        migrations.AddField(
            model_name="reviewdecision",
            name="policy",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="The policy of the template then.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="reviewdecision",
            name="template",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The template of the reason, if one was chosen.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="decisions",
                to="videos.reasontemplate",
            ),
        ),
        migrations.AlterField(
            model_name="reasontemplate",
            name="text",
            field=models.CharField(
                blank=True,
                max_length=128,
                validators=[videos.models.review.fits_reason],
                verbose_name="reason in English",
            ),
        ),
    ]
