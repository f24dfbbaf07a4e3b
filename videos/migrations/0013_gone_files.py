from django.db import migrations, models


class Migration(migrations.Migration):
    """Checks of a takedown count per file; evidence with missing copies waits for an operator."""

    dependencies = [
        ("videos", "0012_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="evidence",
            name="attention_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When it began to wait for an operator; empty once one has acted.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="evidence",
            name="retry_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the worker tries again to copy what is missing.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="takedown",
            name="served_counts",
            field=models.JSONField(
                blank=True,
                db_default={},
                default=dict,
                editable=False,
                help_text="By host/path: checks that found a purged file still served.",
            ),
        ),
        migrations.AlterField(
            model_name="takedown",
            name="check_count",
            field=models.PositiveSmallIntegerField(
                default=0,
                editable=False,
                help_text="Checks in a row in which VOD did not show the clip as gone.",
            ),
        ),
    ]
