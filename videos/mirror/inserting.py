"""Insert rows of videos. Another process may insert the same at the same time."""

from collections.abc import Sequence

import orjson
from django.db import connection

from videos.models import Video


def insert_rows(videos: Sequence[Video]) -> list[Video]:
    """Insert rows; returns those of videos that had none, with their primary keys."""
    insert = _insert_as_json if connection.vendor == "postgresql" else _insert_by_django
    keys = insert(videos) if videos else {}
    inserted = [video for video in videos if video.vod_id in keys]
    for video in inserted:
        video.pk = keys[video.vod_id]
        video._state.adding = False
    return inserted


def _insert_by_django(videos: Sequence[Video]) -> dict[str, int]:
    Video.objects.bulk_create(videos, ignore_conflicts=True)
    first_seen = {video.vod_id: video.first_seen_at for video in videos}
    rows = Video.objects.filter(vod_id__in=first_seen)
    stored = rows.values_list("vod_id", "pk", "first_seen_at")
    return {vod_id: pk for vod_id, pk, at in stored if at == first_seen[vod_id]}


def _insert_as_json(videos: Sequence[Video]) -> dict[str, int]:
    """Insert all in one statement with one parameter, whose keys are short: each row repeats them.

    Django prepares, quotes and sends each of 41 values of a row: that takes three times as long.
    """
    fields = [field for field in Video._meta.concrete_fields if not field.primary_key]
    names = {f"c{number}": field.attname for number, field in enumerate(fields)}
    typed = (f"c{number} {field.db_type(connection)}" for number, field in enumerate(fields))
    rows = [{key: values[name] for key, name in names.items()} for values in map(vars, videos)]
    sql = (
        f"INSERT INTO {Video._meta.db_table} ({', '.join(names.values())}) "  # noqa: S608 - columns
        f"SELECT {', '.join(names)} FROM json_to_recordset(%s) AS told ({', '.join(typed)}) "
        "ON CONFLICT (vod_id) DO NOTHING RETURNING vod_id, id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [orjson.dumps(rows).decode()])
        return dict(cursor.fetchall())
