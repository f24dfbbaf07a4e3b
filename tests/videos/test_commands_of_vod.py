"""Commands that call VOD: a refused key, an outage, progress without a terminal, interruptions."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from shortvideo.cloud import retry
from shortvideo.progress import Progress
from tests.factories import make_video
from tests.support.localvod import LocalVod
from videos import reconcile, sync
from videos.models import ReconcileRun, SyncRun

pytestmark = pytest.mark.django_db(transaction=True)

COMMANDS = (["sync_videos"], ["sync_videos", "clip1"], ["sync_transcodes"], ["reconcile"])


@pytest.fixture
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for; none is made."""
    pauses: list[float] = []
    monkeypatch.setattr(retry, "time", SimpleNamespace(sleep=pauses.append))
    return pauses


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "given",
    [
        {"ALIBABA_CLOUD_ACCESS_KEY_ID": "wrong"},
        {"ALIBABA_CLOUD_ACCESS_KEY_ID": ""},
        {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"},
        {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": ""},
    ],
    ids=str,
)
def test_a_refused_access_key_is_said_at_once(
    command: list[str],
    given: dict[str, str],
    cloud: LocalVod,
    settings: Settings,
    no_sleep: list[float],
) -> None:
    make_video(transcode_status="onTranscode")
    for name, value in given.items():
        setattr(settings, name, value)
    with pytest.raises(
        CommandError, match=r"^VOD refuses the access key: .*; check the account, ALIBABA_CLOUD"
    ):
        call_command(*command, stdout=io.StringIO())
    assert no_sleep == []


def test_each_retry_of_an_outage_is_logged(
    cloud: LocalVod, no_sleep: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    cloud.faults({"operation": "SearchMedia", "kind": "error", "status": 503})
    with pytest.raises(CommandError, match="Run the command again to resume"):
        call_command("sync_videos", stdout=io.StringIO())
    lines = [record for record in caplog.records if record.getMessage() == "Trying again"]
    assert [record.__dict__["seconds"] for record in lines] == no_sleep == [*retry.PAUSES_SECONDS]


def test_without_a_terminal_progress_is_a_line(
    cloud: LocalVod, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.seed_many([{} for _ in range(3)])
    call_command("sync_videos", stdout=io.StringIO())
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith("sync_videos: 0 of ? videos, ")
    assert last.startswith("sync_videos: 3 of 3 videos, ")


def test_a_long_command_writes_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("sync_videos", total=1000, unit="video") as bar:
        for _ in range(1000):
            bar.update()
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_sync_is_recorded_and_resumed(
    error: type[BaseException], cloud: LocalVod, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.catalogue(250)

    def interrupt(_bar: Progress, _count: int) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "update", interrupt)
        with pytest.raises(error):
            call_command("sync_videos", stdout=io.StringIO())
    run = SyncRun.objects.get()
    assert (run.state, run.error, run.seen_count) == ("failed", "It was interrupted.", 100)
    call_command("sync_videos", stdout=io.StringIO())
    run.refresh_from_db()
    assert (run.state, run.error, run.seen_count >= 250) == ("done", "", True)


def test_an_interrupted_call_of_vod_ends_both_kinds_of_run(
    cloud: LocalVod, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("videos.sync.walking._search", interrupt)
    with pytest.raises(KeyboardInterrupt):
        list(sync.walk(sync.resume_or_start()))
    with pytest.raises(KeyboardInterrupt):
        list(reconcile.carry_out(reconcile.begin(is_heal=False), reconcile.Options()))
    assert SyncRun.objects.get().error == ReconcileRun.objects.get().error == "It was interrupted."
    assert ReconcileRun.objects.get().state == "failed"
