from django.db import migrations, models

import videos.models.transcoding
from shortvideo.migration_operations import RefuseReverse


class Migration(migrations.Migration):
    """Jobs that are there keep the sessions by which VOD knows them: their key is empty."""

    dependencies = [("videos", "0010_source_uploaded_after")]

    operations = [
        migrations.AddField(
            model_name="transcodejob",
            name="session_key",
            field=models.CharField(
                blank=True,
                db_default="",
                default=videos.models.transcoding.new_session_key,
                editable=False,
                help_text="Random: what counts keys is begun anew in another database, or by a restore.",
                max_length=12,
            ),
        ),
        RefuseReverse(
            "VOD may have submissions under sessions that would be lost",
            {
                "videos.TranscodeJob": models.Q(
                    ~models.Q(session_key=""),
                    state__in=["waiting", "stuck"],
                    task_id="",
                    delivery__claim_count__gt=0,
                )
            },
        ),
    ]
