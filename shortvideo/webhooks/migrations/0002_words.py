from django.db import migrations, models


class Migration(migrations.Migration):
    """Names and help texts only; no column changes."""

    dependencies = [
        ("webhooks", "0001_webhooks"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="event",
            options={
                "default_permissions": ("view",),
                "verbose_name": "webhook event",
                "verbose_name_plural": "webhook events",
            },
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="event_types",
            field=models.JSONField(default=list, verbose_name="event types"),
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="failure_count",
            field=models.PositiveIntegerField(
                default=0,
                editable=False,
                help_text="Consecutive failures; each makes the next pause longer.",
            ),
        ),
    ]
