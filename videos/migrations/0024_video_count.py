from django.db import migrations, models


class Migration(migrations.Migration):
    """The table of counts. The next migration fills it."""

    dependencies = [
        ("videos", "0023_lists_of_the_queue"),
    ]

    operations = [
        migrations.CreateModel(
            name="VideoCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.SmallIntegerField(choices=[(0, "Total"), (1, "Day"), (2, "Uploader")]),
                ),
                ("key", models.BigIntegerField()),
                ("censor_status", models.CharField(max_length=8)),
                ("is_visible", models.BooleanField()),
                ("number", models.BigIntegerField()),
                ("is_new", models.BooleanField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["kind", "key", "is_visible", "censor_status", "number"],
                        name="video_count_key",
                    ),
                    models.Index(
                        condition=models.Q(("is_new", True)), fields=["id"], name="video_count_new"
                    ),
                ],
            },
        ),
    ]
