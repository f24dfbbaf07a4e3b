"""The log of decisions is append-only: no line can be changed or removed."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from tests.factories import make_video
from videos.models import Decision, ReviewDecision, Source, append_only
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = ReviewDecision._meta.db_table


@pytest.fixture
def line() -> ReviewDecision:
    return review_video(
        make_video(), DecisionInput(Decision.NORMAL, Source.ADMIN, reason="violence")
    )


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {TABLE} SET reason = 'none'",
        f"DELETE FROM {TABLE}",
        f"TRUNCATE {TABLE} CASCADE",
    ],
)
def test_the_database_refuses_to_change_or_remove_a_line(
    line: ReviewDecision, statement: str
) -> None:
    if statement.startswith("TRUNCATE") and connection.vendor == "sqlite":
        statement = f"DELETE FROM {TABLE}"  # SQLite's only way to empty one
    with pytest.raises(DatabaseError, match="append-only"):
        execute(statement)
    assert ReviewDecision.objects.get().reason == "violence"


def test_the_models_refuse_to_change_or_remove_a_line(line: ReviewDecision) -> None:
    with pytest.raises(TypeError, match="append-only"):
        line.delete()
    line.reason = "none"
    with pytest.raises(DatabaseError, match="append-only"):
        line.save()
    with pytest.raises(DatabaseError, match="append-only"):
        ReviewDecision.objects.all().delete()
    with pytest.raises(DatabaseError, match="append-only"):
        ReviewDecision.objects.update(reason="none")


def test_migrate_installs_the_missing_triggers(line: ReviewDecision) -> None:
    drop = append_only.SQLITE_LIFT if connection.vendor == "sqlite" else append_only.POSTGRESQL_LIFT
    for statement in drop:
        execute(statement)
    call_command("migrate", verbosity=0)
    with pytest.raises(DatabaseError, match="append-only"):
        execute(f"DELETE FROM {TABLE}")


def test_a_restore_can_change_the_log_and_restores_the_guard(line: ReviewDecision) -> None:
    with pytest.raises(DatabaseError, match="nowhere"):
        restore_and_fail()
    assert ReviewDecision.objects.get().comment == "restored"
    with pytest.raises(DatabaseError, match="append-only"):
        execute(f"DELETE FROM {TABLE}")


@append_only.suspended()
def restore_and_fail() -> None:
    execute(f"UPDATE {TABLE} SET comment = 'restored'")
    execute("DELETE FROM nowhere")
