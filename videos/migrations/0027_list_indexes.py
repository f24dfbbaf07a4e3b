from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.models import F, Func, Q

from shortvideo.migration_operations import (
    AddIndexConcurrently,
    AddIndexOnPostgresql,
    RemoveIndexConcurrently,
)


class Migration(migrations.Migration):
    """Indexes of the lists, built while their tables are in use."""

    atomic = False

    dependencies = [
        ("accounts", "0007_guide"),
        ("videos", "0026_search_grams"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="video",
            index=models.Index(
                condition=Q(("deleted_at", None)),
                fields=["uploader", "-creation_time", "-id", "censor_status"],
                name="video_uploader_status",
            ),
        ),
        RemoveIndexConcurrently(model_name="video", name="video_uploader_newest"),
        AddIndexOnPostgresql(
            model_name="video",
            index=GinIndex(
                Func(F("title_search"), function="videos_grams"),
                condition=Q(("deleted_at", None)),
                gin_pending_list_limit=1024,  # kB; every search reads this list
                name="video_title_grams",
            ),
        ),
        AddIndexOnPostgresql(
            model_name="uploader",
            app_label="accounts",
            index=GinIndex(
                Func(F("name_search"), function="videos_grams"), name="uploader_name_grams"
            ),
        ),
    ]
