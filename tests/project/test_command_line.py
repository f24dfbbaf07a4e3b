"""What an operator can mend ends with one sentence and status 1; Ctrl-C with 130."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "backup_database copy.sqlite3",
    "create_console_token --username mei --service app",
    "create_operator --username mei --role viewer",
    "prune_log --before 2020-01-01",
    "reconcile",
    "replay_events --failed",
    "seed_demo --operator mei",
    "sync_transcodes",
    "sync_videos",
    "work --once",
    "migrate",
    "check --database default",
)
NO_DATABASE = "postgres://console:hidden@127.0.0.1:9/console"


def manage(
    command: str, folder: Path, output: int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that has only `environment`, on an empty SQLite file."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *command.split()],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "TESTING": "true",
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "VOD_ENDPOINT": "127.0.0.1:9",
            **environment,
        },
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )


def sentence(ended: subprocess.CompletedProcess[str]) -> str:
    """The error of a command: its last line, with at most Django's frame around it."""
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_refused_setting_is_one_line(command: str, tmp_path: Path) -> None:
    ended = manage(command, tmp_path, HTTPS="yes-please")
    assert sentence(ended) == "manage.py: HTTPS is 'yes-please'; it must be true or false.\n"


def test_a_refused_setting_stops_the_web_server_with_a_sentence() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "shortvideo.wsgi:application", "--bind=127.0.0.1:0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "\nSECRET_KEY is not set: " in ended.stderr
    # gunicorn's master may add its own HaltServer, if the worker ends while it handles a signal.
    assert "ImproperlyConfigured" not in ended.stderr


def test_a_missing_secret_key_is_one_line(tmp_path: Path) -> None:
    ended = manage("sync_videos", tmp_path, TESTING="false")
    assert sentence(ended).startswith("manage.py: SECRET_KEY is not set: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [each for each in COMMANDS if "backup" not in each])
def test_a_database_that_is_down_is_one_sentence(command: str, tmp_path: Path) -> None:
    ended = manage(command, tmp_path, DATABASE_URL=NO_DATABASE)
    assert "Connection refused." in sentence(ended)
    assert "hidden" not in ended.stderr


def test_a_missing_file_is_one_sentence_and_is_not_made(tmp_path: Path) -> None:
    ended = manage("reconcile", tmp_path)
    assert "manage.py: The database refuses: unable to open database file" in sentence(ended)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "db.sqlite3").touch()
    ended = manage("reconcile", tmp_path)
    assert "manage.py: The database refuses: no such table: " in sentence(ended)


@pytest.mark.parametrize(
    ("command", "cause"),
    [("help", "Broken pipe"), ("diffsettings", "No space left on device")],
)
def test_output_that_cannot_be_written_is_one_sentence(
    command: str, cause: str, tmp_path: Path
) -> None:
    if cause == "Broken pipe":
        reader, output = os.pipe()
        os.close(reader)
    else:
        output = os.open("/dev/full", os.O_WRONLY)
    ended = manage(command, tmp_path, output=output)
    os.close(output)
    assert sentence(ended) == f"manage.py: The output cannot be written: {cause}.\n"


def test_the_traceback_can_be_asked_for(tmp_path: Path) -> None:
    ended = manage("reconcile --traceback", tmp_path)
    assert "Traceback" in ended.stderr


def test_another_python_is_told_which_to_use(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "manage.py"), "check"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Use .venv/bin/python" in sentence(ended)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_without_a_traceback(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", str(ROOT / "manage.py"), "shell", "-v0", "-c",
         "import time; print('here'); time.sleep(60)"],
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "TESTING": "true",
             "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in errors
