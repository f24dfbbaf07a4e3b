import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0004_undo"),
    ]

    operations = [
        migrations.AddField(
            model_name="transcodejob",
            name="news_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When VOD last said anything new about it; else when it was submitted.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="transcodejob",
            name="retry_of",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The failed or stuck job that this one repeats.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="retried_by",
                to="videos.transcodejob",
            ),
        ),
        migrations.AlterField(
            model_name="transcodejob",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting to be submitted"),
                    ("submitted", "running in VOD"),
                    ("success", "done"),
                    ("fail", "failed"),
                    ("refused", "refused by VOD"),
                    ("stuck", "stuck: no news from VOD"),
                ],
                default="waiting",
                max_length=9,
                verbose_name="state",
            ),
        ),
        migrations.AddField(
            model_name="transcodejob",
            name="streams",
            field=models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                help_text="What VOD last said of each: a list of objects: job_id, status, progress.",
            ),
        ),
        migrations.AddField(
            model_name="transcodejob",
            name="attention_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since when it waits for an operator; empty once one has acted.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="vodevent",
            name="attention_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since when it waits for an operator; empty once one has acted.",
                null=True,
            ),
        ),
        migrations.AlterModelOptions(
            name="vodevent",
            options={
                "permissions": [("replay_vodevent", "Can replay events of VOD")],
                "verbose_name": "VOD event",
                "verbose_name_plural": "VOD events",
            },
        ),
    ]
