"""The command line: its output, and its error of one sentence."""

import json
import os
import re
import runpy
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import httpx
import pytest
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from localvod.cli import main
from localvod.settings import SettingsError, parse_settings, raw_from_environment
from localvod.store import Database
from tests.localvod.media import make_clip
from tests.support.localvod import ROOT, LocalVod

FAULT_NUMBERS = ("rate", "latency", "drop", "duplicate", "reorder")


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "localvod", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def run_here(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process: it starts half a second earlier."""
    with redirect_stdout(StringIO()) as output, redirect_stderr(StringIO()) as errors:
        try:
            status: object = main(arguments)
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int)
    return subprocess.CompletedProcess(arguments, status, output.getvalue(), errors.getvalue())


def one_sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The only line on stderr of a command that ends with status 1."""
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_a_taken_port_is_named(vod: LocalVod, tmp_path: Path) -> None:
    result = run("serve", "--port", str(vod.port), "--state", str(tmp_path))
    sentence = one_sentence(result)
    assert f"127.0.0.1:{vod.port}" in sentence
    assert "in use" in sentence


def test_a_bad_setting_is_named_with_its_allowed_values(tmp_path: Path) -> None:
    result = run("serve", "--state", str(tmp_path), LOCALVOD_REVIEW_MODE="maybe")
    expected = "localvod: LOCALVOD_REVIEW_MODE is 'maybe'; it must be one of before, after."
    assert one_sentence(result) == expected


def test_only_our_user_may_enter_the_folders_of_the_state(tmp_path: Path) -> None:
    state = tmp_path / "var" / "localvod"
    Database(state / "localvod.sqlite3")
    assert [folder.stat().st_mode & 0o777 for folder in (state, state.parent)] == [0o700, 0o700]


def test_a_state_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = one_sentence(run("serve", "--port=0", "--state", str(tmp_path / "file" / "state")))
    assert refused == f"localvod: File exists: {tmp_path / 'file'}."
    (tmp_path / "localvod.sqlite3").write_text("no database" * 100)
    refused = one_sentence(run("serve", "--port=0", "--state", str(tmp_path)))
    assert refused == "localvod: file is not a database."


def test_ctrl_c_ends_a_command_with_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(httpx.Client, "request", interrupt)
    monkeypatch.setattr(sys, "argv", ["localvod", "ledger", "--endpoint=127.0.0.1:9"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("localvod", run_name="__main__")
    assert ended.value.code == 130
    assert capsys.readouterr().err == "localvod: Interrupted.\n"


@pytest.mark.parametrize("command", ["upload", "catalogue", "ledger", "faults", "serve", "demo"])
def test_an_argument_that_is_no_utf_8_is_named(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, os.fsdecode(b"clip\xff.mp4")]) == 2
    assert capsys.readouterr().err == "localvod: The argument b'clip\\xff.mp4' is not UTF-8.\n"


def test_a_missing_server_is_named() -> None:
    assert "No localvod answers at 127.0.0.1:9" in one_sentence(
        run("ledger", "--endpoint", "127.0.0.1:9")
    )


def test_a_missing_file_is_named(vod: LocalVod) -> None:
    assert "missing.mp4" in one_sentence(
        run_here("upload", "--endpoint", vod.endpoint, "missing.mp4")
    )


def test_upload_prints_the_new_id(vod: LocalVod, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=1)
    result = run("upload", "--endpoint", vod.endpoint, "--verdict", "block", str(clip))
    assert result.returncode == 0, result.stderr
    video_id = result.stdout.split()[0]
    vod.idle()
    review = vod.state(video_id)["review_jobs"][0]
    assert review["result"]["Suggestion"] == "block"


def test_the_catalogue_takes_whole_numbers_only(vod: LocalVod) -> None:
    assert (
        run_here("catalogue", "1000", "--endpoint", vod.endpoint).stdout
        == "1000 computed videos.\n"
    )
    assert "whole number" in one_sentence(
        run_here("catalogue", "--endpoint", vod.endpoint, "--", "-5")
    )


def test_faults_are_added_shown_and_cleared(vod: LocalVod) -> None:
    where = ("--endpoint", vod.endpoint)
    run_here("faults", *where, "--operation", "CreateAudit", "--kind", "error", "--rate", "0.3")
    run_here("faults", *where, "--drop", "0.2")
    shown = json.loads(run_here("faults", *where).stdout)
    assert [rule["operation"] for rule in shown["rules"]] == ["CreateAudit"]
    assert shown["callbacks"]["drop"] == 0.2
    assert json.loads(run_here("faults", *where, "--clear").stdout)["rules"] == []
    assert "rate must be a number from 0 to 1" in one_sentence(
        run_here("faults", *where, "--kind=error", "--rate=7")
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--rate", "0.3"], "--rate needs --kind or --latency"),
        (["--operation", "CreateAudit", "--times", "2"], "--operation, --times needs"),
        (["--after"], "--after needs --kind"),
        (["--kind", "lost", "--code", "Forbidden"], "--code needs --kind error"),
        (["--latency", "1", "--body", "x"], "--body needs --kind body"),
        (["--seed", "7"], "--seed needs a fault"),
        (["--clear", "--drop", "1"], "--clear removes all faults"),
        (["--clear", "--kind", "lost"], "--clear removes all faults"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(
    vod: LocalVod, options: list[str], sentence: str
) -> None:
    assert sentence in one_sentence(run_here("faults", "--endpoint", vod.endpoint, *options))
    assert json.loads(run_here("faults", "--endpoint", vod.endpoint).stdout)["rules"] == []


def test_the_ledger_prints_lines_or_json(vod: LocalVod, client: Client) -> None:
    client.get_categories(models.GetCategoriesRequest())
    assert "GetCategories" in run_here("ledger", "--endpoint", vod.endpoint).stdout
    lines = run_here("ledger", "--endpoint", vod.endpoint, "--json").stdout.splitlines()
    assert [json.loads(line)["operation"] for line in lines] == ["GetCategories"]


def test_the_ledger_can_start_at_a_time(vod: LocalVod, client: Client) -> None:
    client.get_categories(models.GetCategoriesRequest())
    where = ("ledger", "--endpoint", vod.endpoint, "--since")
    at = vod.ledger()[0]["at"]
    assert "GetCategories" in run_here(*where, str(at)).stdout
    assert "GetCategories" not in run_here(*where, str(at + 0.001)).stdout
    assert "GetCategories" in run_here(*where, "2026-01-31T08:00:00").stdout
    assert run_here(*where, "2999-01-31 08:00").stdout == ""
    assert "neither unix seconds nor a time" in run_here(*where, "yesterday").stderr


@pytest.mark.parametrize(
    "flags",
    [
        *(
            f"faults --kind=error --{name}={value}"
            for name in FAULT_NUMBERS
            for value in ("nan", "inf", "-1")
        ),
        *("faults --kind=error --skip=-1", "faults --kind=error --times=-1"),
        *("faults --kind=error --status=1000", "faults --kind=error --seed=9007199254740993"),
        *("ledger --since=nan", "ledger --since=-inf", "ledger --since=-1"),
        *("catalogue -- -1", "catalogue 1 --seed=9007199254740993"),
    ],
)
def test_a_bad_number_is_refused_with_a_sentence(vod: LocalVod, flags: str) -> None:
    command, *others = flags.split()
    result = run_here(command, "--endpoint", vod.endpoint, *others)
    assert result.returncode in (1, 2)
    assert re.search(r"must be a (whole )?number from|is no number|neither unix", result.stderr)
    assert "No localvod answers" not in result.stderr
    assert vod.control("GET", "faults")["rules"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOCALVOD_PORT", "eighty"),
        ("LOCALVOD_PORT", "70000"),
        ("LOCALVOD_ACCESS_KEY_ID", ""),
        ("LOCALVOD_RATE_LIMITS", "yes"),
        ("LOCALVOD_VERDICT", "maybe"),
        ("LOCALVOD_WORKERS", "0"),
        ("LOCALVOD_CDN_AUTH_TTL", "-1"),
        ("LOCALVOD_CALLBACK_URL", "console.example.com/callback"),
        ("LOCALVOD_REVIEW_IPS", "127.0.0.1,here"),
    ],
)
def test_a_bad_setting_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        parse_settings(raw_from_environment({name: value}))


def test_the_defaults_are_valid() -> None:
    settings = parse_settings(raw_from_environment({}))
    assert (settings.port, settings.is_review_before_publish) == (8399, True)
