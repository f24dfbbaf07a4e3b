"""An existing installation gets the counts and the indexes of lists."""

import pytest
from django.db import connections

from tests.data.test_upgrade import fill, models_of
from tests.fixtures_databases import migrate
from videos.catalogue import counts

pytestmark = pytest.mark.django_db(transaction=True)


def rows(alias: str, statement: str) -> set[tuple[object, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        return set(cursor.fetchall())


def test_earlier_videos_are_counted_and_a_bad_index_is_rebuilt(migrated: str) -> None:
    migrate(migrated, "videos", "0023")
    fill(migrated, models_of(migrated))
    migrate(migrated, "videos", "0026")
    if connections[migrated].vendor == "postgresql":
        with connections[migrated].cursor() as cursor:  # a build was interrupted
            cursor.execute("CREATE INDEX video_title_grams ON videos_video (title)")
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false"
                " WHERE indexrelid = 'video_title_grams'::regclass"
            )
    migrate(migrated)
    assert counts.are_kept(migrated)
    if connections[migrated].vendor == "postgresql":
        assert rows(migrated, "SELECT 1 FROM pg_index WHERE NOT indisvalid") == set()
        assert ("gin",) in rows(
            migrated,
            "SELECT amname FROM pg_class JOIN pg_am ON relam = pg_am.oid"
            " WHERE relname = 'video_title_grams'",
        )
        counted = "SELECT kind, censor_status, number FROM videos_videocount"
        assert {row[1:] for row in rows(migrated, counted)} == {("fail", 1)}
        assert len(rows(migrated, counted)) == 3
