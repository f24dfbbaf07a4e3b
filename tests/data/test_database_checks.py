"""A database that does not fit its migrations is refused before anything is changed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.recorder import MigrationRecorder

from shortvideo.database_checks import check_databases
from tests.data.test_migrations import schema
from videos.checks import check_log
from videos.models import CdnQuota, Video

pytestmark = pytest.mark.django_db(transaction=True)

Change = Callable[[BaseDatabaseSchemaEditor], None]


def execute(alias: str, statement: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)


def messages(alias: str) -> list[str]:
    return [f"{each.id} {each.msg}" for each in check_databases([alias])]


def changed(field: Any, **options: Any) -> Any:
    """A copy of a field of Video with other options."""
    copy = field.clone()
    for name, value in options.items():
        setattr(copy, name, value)
    copy.set_attributes_from_name(field.name)
    copy.model = Video
    return copy


def drop_column(editor: BaseDatabaseSchemaEditor) -> None:
    editor.remove_field(Video, Video._meta.get_field("further_media"))


def add_column(editor: BaseDatabaseSchemaEditor) -> None:
    field = models.CharField(max_length=9, null=True)
    field.set_attributes_from_name("mood")
    editor.add_field(Video, field)


def shorten_column(editor: BaseDatabaseSchemaEditor) -> None:
    title = Video._meta.get_field("title")
    editor.alter_field(Video, title, changed(title, max_length=9))


def allow_empty_column(editor: BaseDatabaseSchemaEditor) -> None:
    title = Video._meta.get_field("title")
    editor.alter_field(Video, title, changed(title, null=True))


def drop_index(editor: BaseDatabaseSchemaEditor) -> None:
    editor.remove_index(Video, Video._meta.indexes[0])


def drop_table(editor: BaseDatabaseSchemaEditor) -> None:
    editor.delete_model(CdnQuota)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            drop_column,
            "The table videos_video differs from its migrations: no column further_media.",
        ),
        (add_column, "The table videos_video differs from its migrations: an unknown column mood."),
        (shorten_column, "title is varchar(9) not null, not varchar("),
        (allow_empty_column, ", not varchar("),
        (drop_index, f"no {Video._meta.indexes[0].name}."),
        (drop_table, "The table videos_cdnquota is missing, although its migration is recorded."),
    ],
)
def test_a_changed_table_is_found(migrated: str, change: Change, sentence: str) -> None:
    with connections[migrated].schema_editor() as editor:
        change(editor)
    [message] = messages(migrated)
    assert message.startswith("shortvideo.E003 ")
    assert sentence in message


def test_a_changed_database_is_not_migrated(first: str) -> None:
    execute(first, "ALTER TABLE outbox_delivery ADD COLUMN is_held integer")
    before = schema(first)
    with pytest.raises(CommandError, match=r"column is_held\.\nNothing was changed\. docs/"):
        call_command("migrate", database=first, verbosity=0, skip_checks=True)
    assert schema(first) == before


def test_an_earlier_database_is_compared_with_its_own_migrations(first: str) -> None:
    [message] = messages(first)
    assert message.startswith("shortvideo.W001 The database 'scratch' lacks ")


def test_a_database_of_a_later_version_is_refused(migrated: str) -> None:
    MigrationRecorder(connections[migrated]).record_applied("videos", "9999_of_tomorrow")
    sentence = "The database has applied videos.9999_of_tomorrow, which this version does not have."
    assert messages(migrated) == [f"shortvideo.E003 {sentence}"]


def test_tables_without_recorded_migrations_are_refused(migrated: str) -> None:
    recorder = MigrationRecorder(connections[migrated])
    recorder.record_unapplied("recommendations", "0001_initial")
    sentence = "The table recommendations_recommendation is there, although no migration of it is"
    assert messages(migrated) == [f"shortvideo.E003 {sentence} recorded."]


def test_a_gap_in_the_recorded_migrations_is_refused(migrated: str) -> None:
    MigrationRecorder(connections[migrated]).record_unapplied("videos", "0001_initial")
    [message] = messages(migrated)
    assert message.startswith("shortvideo.E002 Migration ")
    assert "is applied before its dependency videos.0001_initial" in message


def test_a_database_that_cannot_be_opened_is_named(scratch: str) -> None:
    settings = connections[scratch].settings_dict
    if connections[scratch].vendor == "sqlite":
        settings["NAME"] = "/no/such/folder/db.sqlite3"
    else:
        settings["PORT"] = "9"
    [error] = check_databases([scratch])
    assert error.id == "shortvideo.E001"
    assert str(error.msg).startswith("The database 'scratch' cannot be used: ")
    assert "\n" not in str(error.msg)
    assert check_log([scratch]) == []
