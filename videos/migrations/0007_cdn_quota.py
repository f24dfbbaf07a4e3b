import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0006_takedowns"),
    ]

    operations = [
        migrations.CreateModel(
            name="CdnQuota",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("prefetch_limit", models.PositiveIntegerField(default=0)),
                ("prefetch_left", models.PositiveIntegerField(default=0)),
                ("purge_limit", models.PositiveIntegerField(default=0)),
                ("purge_left", models.PositiveIntegerField(default=0)),
                (
                    "read_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Empty before the first reading.",
                        null=True,
                        verbose_name="read",
                    ),
                ),
            ],
            options={
                "verbose_name": "CDN quota",
                "verbose_name_plural": "CDN quotas",
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="cdntask",
            name="part_of",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The task whose rest this is: what could not be sent with it.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="parts",
                to="videos.cdntask",
            ),
        ),
        migrations.AddField(
            model_name="cdntask",
            name="attention_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since when it waits for an operator; empty once one has acted.",
                null=True,
            ),
        ),
    ]
