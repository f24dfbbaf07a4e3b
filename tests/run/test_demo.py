"""`run.py demo`: the programs it starts, the data it keeps, how it stops."""

import fcntl
import json
import os
import signal
import socket
import stat
from http.client import HTTPConnection
from pathlib import Path

from tests.run.checkout import Checkout, alive, free_port, until


def settings_of(checkout: Checkout) -> dict[str, str]:
    lines = (checkout.var / "env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_terminal_names_the_page_and_the_operator(checkout: Checkout) -> None:
    port = free_port()
    run = checkout.start("demo", f"--port={port}")
    run.wait_for("Ctrl-C")
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/admin/?token=secret")
    assert connection.getresponse().read() == b"the page"
    connection.close()
    password = (checkout.var / "operator-password.txt").read_text().strip()
    assert f"  Open      http://127.0.0.1:{port}/admin/review/" in run.lines
    assert f"  Log in    admin, password {password}" in run.lines
    assert "kept in var/operator-password.txt" in run.log
    assert "secret" not in checkout.log
    assert password not in checkout.log
    [call] = checkout.calls("create_operator")
    assert json.loads(call.read_text())["given"] == password


def test_settings_and_password_are_for_our_user_only(checkout: Checkout) -> None:
    checkout.demo()
    assert mode_of(checkout.var) == 0o700
    assert mode_of(checkout.var / "env") == 0o600
    assert mode_of(checkout.var / "operator-password.txt") == 0o600
    assert mode_of(checkout.var / "demo.log") == 0o600


def test_a_folder_that_another_program_made_is_closed_to_others(checkout: Checkout) -> None:
    checkout.var.mkdir(mode=0o755)
    checkout.demo("--no-seed")
    assert mode_of(checkout.var) == 0o700


def test_localvod_and_the_apps_get_the_same_keys(checkout: Checkout) -> None:
    checkout.demo()
    kept = settings_of(checkout)
    assert kept["LOCALVOD_ACCESS_KEY_SECRET"] == kept["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    assert kept["LOCALVOD_CDN_AUTH_KEY"] == kept["MEDIA_URL_AUTH_KEY"]
    assert kept["LOCALVOD_CALLBACK_KEY"] == kept["VOD_CALLBACK_KEY"]
    assert kept["VOD_ENDPOINT"] == f"127.0.0.1:{kept['LOCALVOD_PORT']}"
    [call] = checkout.calls("localvod-serve")
    environment = json.loads(call.read_text())["environment"]
    assert {name: environment[name] for name in kept} == kept


def test_a_second_start_keeps_settings_operator_and_clips(checkout: Checkout) -> None:
    port = free_port()
    first = checkout.demo(port=port)
    first.wait_for("demo clips are ready")
    before = settings_of(checkout)
    first.signal(signal.SIGTERM)
    checkout.demo(port=port).signal(signal.SIGTERM)
    assert settings_of(checkout) == before
    assert len(checkout.calls("create_operator")) == 1
    assert len(checkout.calls("localvod-demo")) == 1
    assert len(checkout.calls("sync_videos")) == 1
    assert len(checkout.calls("seed_demo")) == 1


def test_a_new_database_gets_operator_and_clips_again(checkout: Checkout) -> None:
    for count in (1, 2):
        run = checkout.demo()
        run.wait_for("demo clips are ready")
        run.signal(signal.SIGTERM)
        assert len(checkout.calls("create_operator")) == count
        assert len(checkout.calls("seed_demo")) == count
        (checkout.var / "db.sqlite3").unlink()


def test_a_number_of_clips_at_a_later_start_adds_clips(checkout: Checkout) -> None:
    for clips, words in (
        (["--clips=2"], "The 2 demo clips are ready"),
        (["--clips=3"], "The 5 demo clips are ready"),
        ([], "The demo clips are there already; --clips N adds N more."),
        (["--clips=999"], "There are 5 demo clips; 1000 are the most."),
    ):
        run = checkout.demo(*clips)
        run.wait_for(words)
        run.signal(signal.SIGTERM)
    assert totals_of(checkout)[:2] == ["--clips=2", "--clips=5"]


def test_clips_are_added_to_a_running_demo(checkout: Checkout) -> None:
    run = checkout.demo("--clips=2")
    run.wait_for("demo clips are ready")
    added = checkout.run("demo", "--clips=4")
    assert added.returncode == 0, added.stdout
    assert "The 6 demo clips are ready" in added.stdout
    assert totals_of(checkout) == ["--clips=2", "--clips=6"]
    assert run.process.poll() is None


def test_clips_are_added_after_those_that_are_being_made(checkout: Checkout) -> None:
    run = checkout.demo("--clips=2")
    run.wait_for("demo clips are ready")
    with (checkout.var / "clips.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        added = checkout.start("demo", "--clips=4")
        added.wait_for("Waiting until the clips that are being made are ready.")
        (checkout.var / "seeded").write_text("3")
    assert added.end() == 0
    assert totals_of(checkout) == ["--clips=2", "--clips=7"]


def test_clips_that_cannot_be_added_are_a_failure(checkout: Checkout) -> None:
    checkout.demo().wait_for("demo clips are ready")
    added = checkout.run("demo", "--clips=4", STAND_IN_DIES="clips")
    assert added.returncode == 1
    assert "no clips today" in added.stdout
    assert (checkout.var / "seeded").read_text() == "24\n"


def test_the_clips_come_after_the_reason_templates(checkout: Checkout) -> None:
    checkout.demo().wait_for("demo clips are ready")
    [templates], [clips] = checkout.calls("templates"), checkout.calls("localvod-demo")
    moments = [int(path.name.split(".")[1]) for path in (templates, clips)]
    assert moments == sorted(moments)


def totals_of(checkout: Checkout) -> list[str]:
    """The numbers of clips that were asked of localvod."""
    return [
        json.loads(call.read_text())["arguments"][1] for call in checkout.calls("localvod-demo")
    ]


def test_without_seed_no_clip_is_made_and_the_log_says_so(checkout: Checkout) -> None:
    run = checkout.demo("--no-seed")
    run.wait_for("No demo clips are made (--no-seed).")
    assert not checkout.calls("localvod-demo")


def test_failing_clips_leave_the_console_running(checkout: Checkout) -> None:
    run = checkout.demo(STAND_IN_DIES="clips")
    run.wait_for("The demo clips are not complete: clips failed 3 times.")
    assert run.process.poll() is None
    assert not (checkout.var / "seeded").exists()


def test_too_little_space_for_clips_leaves_the_console_running(checkout: Checkout) -> None:
    run = checkout.demo(PYTHONPATH=checkout.nearly_full_disk(free_megabytes=2))
    run.wait_for("No demo clips are made: the disk of")
    assert "2 MB are free, 500 MB are needed. The console runs on without them" in run.log
    assert run.process.poll() is None
    assert not checkout.calls("localvod-demo")
    assert not (checkout.var / "seeded").exists()


def test_the_callback_url_follows_the_port(checkout: Checkout) -> None:
    checkout.demo().signal(signal.SIGTERM)
    port = free_port()
    checkout.demo(port=port)
    kept = settings_of(checkout)
    assert kept["VOD_CALLBACK_URL"] == f"http://127.0.0.1:{port}/vodcallback/callback"
    assert kept["LOCALVOD_CALLBACK_URL"] == kept["VOD_CALLBACK_URL"]


def test_existing_settings_are_kept_and_missing_ones_added(checkout: Checkout) -> None:
    checkout.write("var/env", "# mine\nTIME_ZONE=Europe/Oslo\nVOD_CALLBACK_KEY=my-own-key\n")
    checkout.demo()
    kept = settings_of(checkout)
    assert kept["TIME_ZONE"] == "Europe/Oslo"
    assert kept["VOD_CALLBACK_KEY"] == kept["LOCALVOD_CALLBACK_KEY"] == "my-own-key"
    assert kept["SECRET_KEY"]
    assert (checkout.var / "env").read_text().startswith("# mine\n")


def test_the_environment_overrides_the_settings(checkout: Checkout) -> None:
    checkout.demo(SECRET_KEY="from-the-environment")
    [call] = checkout.calls("work")
    assert json.loads(call.read_text())["environment"]["SECRET_KEY"] == "from-the-environment"
    assert settings_of(checkout)["SECRET_KEY"] != "from-the-environment"


def test_sigterm_and_ctrl_c_stop_every_process(checkout: Checkout) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        run = checkout.demo()
        assert alive(checkout.processes())
        assert run.signal(number) == 0
        assert "Everything has stopped." in run.log
        assert alive(checkout.processes()) == []


def test_a_start_that_is_interrupted_says_so(checkout: Checkout) -> None:
    run = checkout.start("demo", f"--port={free_port()}", STAND_IN_DIES="localvod")  # never ready
    run.wait_for("Starting.")
    assert run.signal(signal.SIGINT) == 130
    assert alive(checkout.processes()) == []


def test_a_second_signal_ends_a_part_that_does_not_stop(checkout: Checkout) -> None:
    run = checkout.demo(STAND_IN_IS_STUBBORN="worker")
    until(lambda: bool(checkout.calls("child-of-worker")), lambda: "no worker")
    run.process.send_signal(signal.SIGTERM)
    run.wait_for("Stopping.")
    assert run.signal(signal.SIGTERM) == 0
    assert alive(checkout.processes()) == []


def test_kill_9_leaves_no_process_and_the_next_start_works(checkout: Checkout) -> None:
    run = checkout.demo(STAND_IN_IS_STUBBORN="worker")
    until(lambda: bool(checkout.calls("child-of-worker")), lambda: "no worker")
    assert run.signal(signal.SIGKILL) == -signal.SIGKILL
    orphans = checkout.processes()
    checkout.demo()  # waits for the guard of the killed run
    assert alive(orphans) == []


def test_a_part_that_dies_is_started_again(checkout: Checkout) -> None:
    run = checkout.demo()
    until(lambda: bool(checkout.calls("work")), lambda: "no worker")
    first = json.loads(checkout.calls("work")[0].read_text())["pid"]
    os.kill(first, signal.SIGKILL)
    run.wait_for("worker died (it was ended by SIGKILL); starting it again in 1 s.")
    until(lambda: len(checkout.calls("work")) == 2, lambda: run.log)
    assert run.process.poll() is None


def test_three_deaths_within_a_minute_stop_everything(checkout: Checkout) -> None:
    run = checkout.start("demo", f"--port={free_port()}", STAND_IN_DIES="worker")
    assert run.end() == 1
    assert len(checkout.calls("work")) == 3
    assert "run.py: worker died 3 times within a minute, so everything was stopped" in run.log
    assert "the last time it ended with status 3" in run.log
    assert "worker has no luck today" in run.lines[-1]
    assert alive(checkout.processes()) == []


def test_a_taken_port_is_refused_before_anything_starts(checkout: Checkout) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = checkout.run("demo", f"--port={port}")
    assert ended.returncode == 1
    assert ended.stderr == (
        f"run.py: Port {port} is taken by another program; choose another one with --port.\n"
    )
    assert not checkout.processes()


def test_a_taken_port_of_localvod_is_refused(checkout: Checkout) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        checkout.write("var/env", f"LOCALVOD_PORT={port}\n")
        ended = checkout.run("demo", f"--port={free_port()}")
    assert ended.returncode == 1
    assert f"Port {port} is taken by another program; localvod keeps it" in ended.stderr


def test_a_port_of_localvod_that_is_none_is_refused(checkout: Checkout) -> None:
    checkout.write("var/env", "LOCALVOD_PORT=eighty\n")
    ended = checkout.run("demo", f"--port={free_port()}")
    assert ended.returncode == 1
    assert ended.stderr == (
        "run.py: LOCALVOD_PORT is 'eighty'; it must be a port from 1 to 65535.\n"
    )


def test_settings_that_are_no_text_are_refused(checkout: Checkout) -> None:
    checkout.var.mkdir()
    (checkout.var / "env").write_bytes(b"TIME_ZONE=\xff\n")
    ended = checkout.run("demo", f"--port={free_port()}")
    assert ended.returncode == 1
    assert ended.stderr == f"run.py: {checkout.var / 'env'} is not UTF-8 text.\n"


def test_a_second_demo_in_the_same_checkout_is_refused(checkout: Checkout) -> None:
    run = checkout.demo()
    ended = checkout.run("demo", f"--port={free_port()}")
    assert ended.returncode == 1
    assert f"is already running here (process {run.process.pid})" in ended.stderr


def test_reset_deletes_nothing_without_consent(checkout: Checkout) -> None:
    kept = checkout.write("var/db.sqlite3", "data")
    ended = checkout.run("demo", "--reset", f"--port={free_port()}")
    assert ended.returncode == 1
    assert "add --yes to confirm it" in ended.stderr
    assert kept.read_text() == "data"


def test_reset_with_yes_starts_over(checkout: Checkout) -> None:
    checkout.demo().signal(signal.SIGTERM)
    before = settings_of(checkout)
    old = checkout.write("var/localvod/media/old.mp4", "")
    checkout.demo("--reset", "--yes")
    assert not old.exists()
    assert settings_of(checkout)["SECRET_KEY"] != before["SECRET_KEY"]
    assert len(checkout.calls("create_operator")) == 2


def test_reset_refuses_to_touch_another_database(checkout: Checkout) -> None:
    checkout.write("var/env", "DATABASE_URL=postgres://console@db.example.com/console\n")
    kept = checkout.write("var/localvod/store.sqlite3", "data")
    ended = checkout.run("demo", "--reset", "--yes", f"--port={free_port()}")
    assert ended.returncode == 1
    assert "--reset deletes only the demo's own SQLite" in ended.stderr
    assert kept.exists()


def test_an_invalid_line_of_the_settings_is_named(checkout: Checkout) -> None:
    checkout.write("var/env", "TIME_ZONE=Asia/Shanghai\nnonsense\n")
    ended = checkout.run("demo", f"--port={free_port()}")
    assert ended.returncode == 1
    assert ended.stderr == f"run.py: {checkout.var / 'env'}, line 2: expected KEY=value.\n"


def test_a_failing_migration_stops_the_start(checkout: Checkout) -> None:
    checkout.write("manage.py", "import sys\nprint('no such table')\nsys.exit(7)\n")
    run = checkout.start("demo", f"--port={free_port()}")
    assert run.end() == 1
    assert "migrate   | no such table" in run.lines
    assert not checkout.calls("localvod-serve"), "its state may be upgraded, and cannot go back"
    assert run.lines[-1] == "run.py: `migrate` failed (status 7): its lines above say why."
    assert alive(checkout.processes()) == []
