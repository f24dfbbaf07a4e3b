"""Junk in the arguments of a command ends with a sentence and status 1 or 2, never a traceback."""

import builtins
import io
import os
import runpy
import signal
import sys
from argparse import Action
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from pytest_django import Settings

import manage
from shortvideo.cloud import retry

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "axes", "recommendations", "shortvideo", "videos")
NOT_UTF_8 = os.fsdecode(b"mei\xff")
JUNK = (
    NOT_UTF_8,
    "junk",
    "-1",
    "9" * 11,
    "9" * 400,
    "nan",
    "9999-12-31",
    "\x1b[31m",
    "\u2603" * 300,
    "",
)
GIVEN = {
    "work": ["--once"],
    "create_operator": ["--role", "viewer"],
    "replay_events": ["--dry-run"],
    "seed_demo": ["--timeout", "0.1"],
}


def commands() -> dict[str, str]:
    return {name: str(app) for name, app in get_commands().items() if app.startswith(APPS)}


def takes_value(action: Action) -> bool:
    return action.nargs != 0 and action.dest not in {"verbosity", "settings", "pythonpath"}


def arguments(name: str) -> Iterator[list[str]]:
    """The command with junk for each of its arguments, and a plain value for what it requires."""
    parser = load_command_class(commands()[name], name).create_parser("manage.py", name)
    actions = [action for action in parser._actions if takes_value(action)]
    for action in actions:
        others = [
            word
            for other in actions
            if other.required and other is not action and other.dest != "role"
            for word in [*other.option_strings[:1], "plain"]
        ]
        for junk in JUNK:
            given = (
                [f"{action.option_strings[0]}={junk}"] if action.option_strings else ["--", junk]
            )
            yield [name, "--skip-checks", *GIVEN.get(name, []), *others, *given]


@pytest.fixture
def _alone(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """VOD refuses at once, and files are written into a temporary folder."""
    settings.ALIBABA_CLOUD_ACCESS_KEY_ID = ""
    monkeypatch.setattr(retry, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "argv", ["manage.py", *words])
    try:
        return manage.main()
    except SystemExit as ended:
        return ended.code or 0


@pytest.mark.usefixtures("_alone")
@pytest.mark.parametrize("name", sorted(commands()))
def test_junk_in_an_argument_is_one_sentence(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in arguments(name):
        status = run(words, monkeypatch)
        errors = capsys.readouterr().err
        assert status in {0, 1, 2}, words
        assert "Traceback" not in errors, words
        assert bool(errors) or not status, words
        if any(NOT_UTF_8 in word for word in words):
            assert (status, errors.endswith("mei\\xff' is not UTF-8.\n")) == (2, True)


@pytest.mark.parametrize(
    ("program", "module"),
    [
        ("run.py", "runner.cli"),
        ("manage.py", "django.db"),
        ("localvod/__main__.py", "localvod.cli"),
    ],
)
def test_ctrl_c_during_the_start_is_no_traceback(
    program: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = builtins.__import__

    def interrupted(name: str, *rest: Any, **options: Any) -> Any:
        if name == module:
            raise KeyboardInterrupt
        return plain(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / program), run_name="__main__")
    assert ended.value.code == 130
