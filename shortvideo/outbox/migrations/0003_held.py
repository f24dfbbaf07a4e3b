from django.db import migrations, models


class Migration(migrations.Migration):
    """What follows another is held until that one is done. Rows that wait already are not held."""

    dependencies = [
        ("outbox", "0002_fault_count"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="is_held",
            field=models.BooleanField(
                default=False,
                db_default=False,
                editable=False,
                help_text=(
                    "Let go by the end of the one before it; no worker looks at it until then."
                ),
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="retry_count",
            field=models.PositiveIntegerField(
                default=0,
                db_default=0,
                editable=False,
                help_text="How often somebody had it sent once more.",
            ),
        ),
    ]
