from django.db import migrations, models


class Migration(migrations.Migration):
    """The permission to change VOD's review security IPs. No table changes."""

    dependencies = [
        ("videos", "0021_review_preferences"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="video",
            options={
                "permissions": [
                    ("review_video", "Can pass or block videos"),
                    ("play_unpublished_video", "Can play pending and blocked videos"),
                    ("transcode_video", "Can submit transcoding jobs"),
                    ("prefetch_video", "Can prefetch to the CDN"),
                    ("sync_video", "Can sync with VOD"),
                    ("change_review_ips", "Can change the review security IPs of VOD"),
                ],
                "verbose_name": "video",
                "verbose_name_plural": "videos",
            },
        ),
        migrations.AlterField(
            model_name="evidence",
            name="files",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="A list of objects: kind (cover, first_frame, snapshot, hit), path, name.",
            ),
        ),
    ]
