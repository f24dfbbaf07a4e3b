import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Escalated tasks, notes, and the risk of a task."""

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("videos", "0017_reason_templates"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReviewNote",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=2000, verbose_name="note")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="written"),
                ),
            ],
            options={
                "verbose_name": "note",
                "verbose_name_plural": "notes",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddField(
            model_name="reviewtask",
            name="for_operator",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The colleague to whom it was escalated.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="for",
            ),
        ),
        migrations.AddField(
            model_name="reviewtask",
            name="for_role",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The role to which it was escalated.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="auth.group",
                verbose_name="for the role",
            ),
        ),
        migrations.AddField(
            model_name="reviewtask",
            name="risk",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="The highest score of the AI review.",
                verbose_name="risk",
            ),
        ),
        migrations.AddField(
            model_name="reviewnote",
            name="operator",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="review_notes",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reviewnote",
            name="video",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="notes", to="videos.video"
            ),
        ),
        migrations.AddIndex(
            model_name="reviewnote",
            index=models.Index(fields=["video", "-id"], name="note_video"),
        ),
    ]
