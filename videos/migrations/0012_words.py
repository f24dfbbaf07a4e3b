import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import videos.models.transcoding


class Migration(migrations.Migration):
    """Labels and help texts in plain words. No column changes."""

    dependencies = [("videos", "0011_session_keys")]

    operations = [
        migrations.AlterModelOptions(
            name="logpruning",
            options={
                "default_permissions": ("view",),
                "verbose_name": "log clean-up",
                "verbose_name_plural": "log clean-ups",
            },
        ),
        migrations.AlterModelOptions(
            name="machinereview",
            options={"verbose_name": "AI review", "verbose_name_plural": "AI reviews"},
        ),
        migrations.AlterModelOptions(
            name="vodevent",
            options={
                "permissions": [("replay_vodevent", "Can replay events of VOD")],
                "verbose_name": "VOD callback",
                "verbose_name_plural": "VOD callbacks",
            },
        ),
        migrations.AlterField(
            model_name="cdntask",
            name="attention_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When it began to wait for an operator; empty once one has acted.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="cdntask",
            name="part_of",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The task whose remaining URLs this task sends.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="parts",
                to="videos.cdntask",
            ),
        ),
        migrations.AlterField(
            model_name="logpruning",
            name="run_by",
            field=models.CharField(
                blank=True,
                help_text="The user name on the machine.",
                max_length=150,
                verbose_name="run by",
            ),
        ),
        migrations.AlterField(
            model_name="machinereview",
            name="suggestion",
            field=models.CharField(
                choices=[
                    ("pass", "approve"),
                    ("review", "needs human review"),
                    ("block", "block"),
                    ("error", "failed"),
                ],
                max_length=6,
            ),
        ),
        migrations.AlterField(
            model_name="reviewdecision",
            name="decision",
            field=models.CharField(
                choices=[
                    ("Normal", "approved"),
                    ("Blocked", "blocked"),
                    ("Review", "sent to review"),
                    ("Undo", "undone"),
                ],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="reviewdecision",
            name="delivery",
            field=models.OneToOneField(
                blank=True,
                help_text="Carries it to VOD; none for a decision that came from VOD.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="review_decision",
                to="outbox.delivery",
            ),
        ),
        migrations.AlterField(
            model_name="reviewdecision",
            name="from_status",
            field=models.CharField(
                choices=[
                    ("onCensor", "in AI review"),
                    ("check", "awaiting review"),
                    ("success", "approved"),
                    ("fail", "blocked"),
                ],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="reviewdecision",
            name="source",
            field=models.CharField(
                choices=[
                    ("api", "console API"),
                    ("admin", "admin"),
                    ("vod", "VOD console"),
                    ("machine", "AI review"),
                    ("system", "this system"),
                ],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="reviewdecision",
            name="to_status",
            field=models.CharField(
                choices=[
                    ("onCensor", "in AI review"),
                    ("check", "awaiting review"),
                    ("success", "approved"),
                    ("fail", "blocked"),
                ],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="reviewdecision",
            name="undoes",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The decision that this line undoes, before it was sent to VOD.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="undone_by",
                to="videos.reviewdecision",
            ),
        ),
        migrations.AlterField(
            model_name="reviewtask",
            name="cause",
            field=models.CharField(
                choices=[
                    ("machine_verdict", "AI flagged"),
                    ("machine_failed", "AI review failed"),
                    ("new", "new clip"),
                    ("reported", "reported"),
                    ("recheck", "re-check"),
                    ("second_opinion", "second opinion"),
                    ("escalated", "escalated"),
                ],
                max_length=16,
                verbose_name="cause",
            ),
        ),
        migrations.AlterField(
            model_name="takedown",
            name="check_count",
            field=models.PositiveSmallIntegerField(
                default=0,
                editable=False,
                help_text="Checks in a row that found the clip still there.",
            ),
        ),
        migrations.AlterField(
            model_name="takedown",
            name="created_at",
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name="started"),
        ),
        migrations.AlterField(
            model_name="takedown",
            name="problem",
            field=models.TextField(
                blank=True, help_text="One sentence, safe to show.", verbose_name="problem"
            ),
        ),
        migrations.AlterField(
            model_name="takedown",
            name="verification",
            field=models.OneToOneField(
                blank=True,
                help_text="The delivery that checks what VOD and the CDN still show.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="takedown",
                to="outbox.delivery",
            ),
        ),
        migrations.AlterField(
            model_name="transcodejob",
            name="attention_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When it began to wait for an operator; empty once one has acted.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="transcodejob",
            name="job_ids",
            field=models.JSONField(
                blank=True, default=list, help_text="VOD's ids, one per stream."
            ),
        ),
        migrations.AlterField(
            model_name="transcodejob",
            name="news_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When VOD last reported a change; before the first, when it was submitted.",
                null=True,
                verbose_name="last update",
            ),
        ),
        migrations.AlterField(
            model_name="transcodejob",
            name="session_key",
            field=models.CharField(
                blank=True,
                db_default="",
                default=videos.models.transcoding.new_session_key,
                editable=False,
                help_text="Random: another or a restored database may use the primary key again.",
                max_length=12,
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
                    ("stuck", "stuck: no update from VOD"),
                ],
                default="waiting",
                max_length=9,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="transcodejob",
            name="streams",
            field=models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                help_text="VOD's last answer: a list of objects: job_id, status, progress.",
            ),
        ),
        migrations.AlterField(
            model_name="video",
            name="censor_status",
            field=models.CharField(
                choices=[
                    ("onCensor", "in AI review"),
                    ("check", "awaiting review"),
                    ("success", "approved"),
                    ("fail", "blocked"),
                ],
                default="onCensor",
                max_length=8,
                verbose_name="review",
            ),
        ),
        migrations.AlterField(
            model_name="video",
            name="further_media",
            field=models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                editable=False,
                help_text="Media of this source that were issued and are in no other field now: a list of objects of kind (cover, first_frame, snapshot, play) and path.",
            ),
        ),
        migrations.AlterField(
            model_name="video",
            name="read_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the newest reading in this row was sent to VOD.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="video",
            name="source_uploaded_after",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Set while the time of the upload is an estimate: the true time is later.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="video",
            name="transcode_asked_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the worker last asked VOD about its transcoding.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="vodevent",
            name="attention_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When it began to wait for an operator; empty once one has acted.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="vodevent",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting"),
                    ("done", "processed"),
                    ("failed", "failed"),
                    ("unknown", "not processed: unknown type"),
                ],
                default="waiting",
                max_length=7,
                verbose_name="state",
            ),
        ),
    ]
