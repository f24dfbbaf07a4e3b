import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Names and help texts only; no column changes."""

    dependencies = [
        ("outbox", "0004_ready_index"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="delivery",
            options={
                "default_permissions": ("view",),
                "permissions": [("retry_delivery", "Can retry a delivery that was given up")],
                "verbose_name": "VOD call",
                "verbose_name_plural": "VOD calls",
            },
        ),
        migrations.AlterModelOptions(
            name="lane",
            options={
                "default_permissions": ("view",),
                "verbose_name": "delivery channel",
                "verbose_name_plural": "delivery channels",
            },
        ),
        migrations.AlterField(
            model_name="delivery",
            name="after",
            field=models.ForeignKey(
                blank=True,
                help_text="Sent only after this call is done.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="followers",
                to="outbox.delivery",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="attempts",
            field=models.PositiveIntegerField(
                default=0,
                editable=False,
                help_text="Since creation or the last retry, without throttled ones.",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="claim_count",
            field=models.PositiveIntegerField(
                default=0, editable=False, help_text="How often a worker has claimed the call."
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="error",
            field=models.TextField(
                blank=True, editable=False, help_text="One sentence, safe to show."
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="fault_count",
            field=models.PositiveIntegerField(
                default=0,
                editable=False,
                help_text="Consecutive faults: program errors, lost workers, unusable answers.",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="is_held",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="Workers skip the call until its predecessor is done.",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="is_superseding",
            field=models.BooleanField(
                default=False, help_text="Replaces older calls of the same kind and subject."
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="kind",
            field=models.CharField(help_text="Type of call, such as create_audit.", max_length=40),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="retry_count",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="How often an operator retried it.",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("leased", "Being sent"),
                    ("done", "Done"),
                    ("superseded", "Superseded"),
                    ("given_up", "Failed"),
                ],
                default="waiting",
                editable=False,
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="subject",
            field=models.CharField(
                help_text="What the call is about, usually the video's ID in VOD.", max_length=200
            ),
        ),
        migrations.AlterField(
            model_name="lane",
            name="throttled_count",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Consecutive throttled calls; each makes the next pause longer.",
            ),
        ),
    ]
