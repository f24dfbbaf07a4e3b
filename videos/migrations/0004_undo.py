import django.db.models.deletion
from django.db import migrations, models

from shortvideo.migration_operations import RefuseReverse


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0003_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="reviewdecision",
            name="blocked_at_before",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="The video's earlier block: an undo restores it, and with it recommendations.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="reviewdecision",
            name="undoes",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The decision that this line takes back, before VOD was told of it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="undone_by",
                to="videos.reviewdecision",
            ),
        ),
        migrations.AlterField(
            model_name="reviewdecision",
            name="decision",
            field=models.CharField(
                choices=[
                    ("Normal", "passed"),
                    ("Blocked", "blocked"),
                    ("Review", "sent to review"),
                    ("Undo", "undone"),
                ],
                max_length=8,
            ),
        ),
        RefuseReverse(
            "decisions were undone, and would be in force again",
            {"videos.ReviewDecision": models.Q(undoes__isnull=False)},
        ),
    ]
