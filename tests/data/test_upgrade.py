"""Upgrade of a database with rows; a downgrade that would lose rows is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError
from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader

from shortvideo.database_checks import check_databases
from tests.fixtures_databases import FIRST, migrate
from videos.models import TranscodeJob, append_only

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOG = "videos_reviewdecision"


def models_at(*targets: tuple[str, str]) -> Any:
    """Return the models as they are after these migrations."""
    return MigrationLoader(None).project_state(list(targets)).apps


def models_of(alias: str) -> Any:
    """Return the models as the applied migrations left them."""
    loader = MigrationLoader(connections[alias])
    return loader.project_state(list(loader.applied_migrations)).apps


def fill(alias: str, apps: Any) -> None:
    """Make a row in each table whose data VOD cannot give again."""

    def make(model: str, **values: Any) -> Any:
        return apps.get_model(model).objects.using(alias).create(**values)

    operator = make("accounts.Operator", username="mei", password="x", is_staff=True)
    uploader = make("accounts.Uploader", user_id="u-1", user_name="Lin", name_search="lin")
    video = make(
        "videos.Video",
        vod_id="clip1",
        title="Noodles",
        uploader=uploader,
        creation_time=NOON,
        status="Blocked",
        censor_status="fail",
        blocked_at=NOON,
        files=[{"path": "media.example.com/1.mp4"}],
    )
    for number, decision in enumerate(("Normal", "Blocked", "Normal", "Blocked")):
        delivery = make(
            "outbox.Delivery",
            kind="create_audit",
            subject="clip1",
            payload={"number": number},
            due_at=NOON,
            state="done" if number < 3 else "waiting",
            finished_at=NOON if number < 3 else None,
        )
        make(
            "videos.ReviewDecision",
            video=video,
            source_version=1,
            operator=operator,
            decision=decision,
            source="admin",
            from_status="check",
            to_status="fail" if decision == "Blocked" else "success",
            reason="violence",
            delivery=delivery,
        )
    make("videos.ReviewTask", video=video, cause="reported")
    make("videos.CdnTask", kind="purge", urls=["media.example.com/1.mp4"], video=video)
    make("videos.TranscodeJob", video=video, kind="standard", template_group_id="group")
    make("videos.VodEvent", dedupe_key="f" * 64, event_type="FileUploadComplete", body={"a": 1})
    make("videos.VideoDeletion", video=video, operator=operator)
    make("recommendations.Recommendation", video=video)


def contents(alias: str, apps: Any) -> dict[str, list[dict[str, Any]]]:
    """Return every row by model, in the columns that the models of `apps` have."""
    ours = {label for label, _ in FIRST}
    return {
        model._meta.label: list(model._base_manager.using(alias).order_by("pk").values())
        for model in apps.get_models()
        if model._meta.app_label in ours
    }


def test_a_database_in_use_is_upgraded_with_all_its_rows(first: str) -> None:
    apps = models_at(*FIRST)
    fill(first, apps)
    before = contents(first, apps)
    assert len(before["videos.ReviewDecision"]) == 4
    migrate(first)
    assert check_databases([first]) == []
    assert contents(first, apps) == before
    assert TranscodeJob.objects.using(first).get().session_key == "", "submitted without a key"
    assert append_only.is_installed(first)
    for statement in (f"UPDATE {LOG} SET reason = 'none'", f"DELETE FROM {LOG}"):
        with pytest.raises(DatabaseError, match="append-only"):
            execute(first, statement)


def test_the_earlier_release_can_write_during_an_upgrade(migrated: str) -> None:
    """The migrations run first; then web server and worker restart one after another."""
    apps = models_at(*FIRST)
    fill(migrated, apps)
    assert len(contents(migrated, apps)["videos.ReviewDecision"]) == 4
    loader = MigrationLoader(None)
    now = loader.project_state(loader.graph.leaf_nodes()).apps
    delivery = now.get_model("outbox.Delivery").objects.using(migrated).first()
    assert (delivery.is_held, delivery.retry_count) == (False, 0)
    assert now.get_model("videos.Video").objects.using(migrated).get().further_media == []
    assert now.get_model("videos.TranscodeJob").objects.using(migrated).get().streams == []


def execute(alias: str, statement: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)


def submit(apps: Any, alias: str) -> None:
    """Leave the job as a worker that tried to submit it, with an unknown result."""
    tried = apps.get_model("outbox.Delivery").objects.using(alias).latest("pk")
    type(tried).objects.using(alias).filter(pk=tried.pk).update(claim_count=1)
    apps.get_model("videos.TranscodeJob").objects.using(alias).update(delivery=tried)


def forget_submission(apps: Any, alias: str) -> None:
    apps.get_model("videos.TranscodeJob").objects.using(alias).update(delivery=None)


def keep_evidence(apps: Any, alias: str) -> None:
    video = apps.get_model("videos.Video").objects.using(alias).get()
    apps.get_model("videos.Evidence").objects.using(alias).create(video=video, source_version=1)


def delete_evidence(apps: Any, alias: str) -> None:
    apps.get_model("videos.Evidence").objects.using(alias).all().delete()


def undo(apps: Any, alias: str) -> None:
    log = apps.get_model("videos.ReviewDecision").objects.using(alias)
    last = log.latest("pk")
    log.create(
        video_id=last.video_id,
        source_version=1,
        decision="Undo",
        source="admin",
        from_status="fail",
        to_status="success",
        undoes=last,
    )


def test_a_downgrade_that_would_lose_data_is_refused(migrated: str) -> None:
    def refuse(back_to: str, why: str, table: str) -> None:
        with pytest.raises(CommandError, match=f"This cannot be taken back: .*{why}"):
            migrate(migrated, "videos", back_to)
        with connections[migrated].cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone()[0] > 0

    apps = models_of(migrated)
    fill(migrated, apps)
    submit(apps, migrated)
    refuse("0010", "VOD may have submissions", "videos_transcodejob")
    forget_submission(apps, migrated)
    keep_evidence(models_of(migrated), migrated)
    refuse("0005", "evidence or prunings of the log are", "videos_evidence")
    apps = models_of(migrated)
    delete_evidence(apps, migrated)
    undo(apps, migrated)
    refuse("0003", "decisions were undone, and would be in force again", LOG)
    migrate(migrated)
    assert append_only.is_installed(migrated)


def test_a_log_without_its_triggers_gives_a_warning(transactional_db: None) -> None:
    def warnings() -> list[str]:
        found = run_checks(databases=["default"])
        return [each.id for each in found if each.id == "videos.W006"]

    assert warnings() == []
    with append_only.suspended():
        assert warnings() == ["videos.W006"]
    assert warnings() == []
