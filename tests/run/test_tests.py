"""`run.py test`: what runs, on which database, and what it says in the end."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runner.coverage import coverage_line
from runner.postgres import PrivateCluster, binaries
from tests.run.checkout import Checkout, alive, is_alive, until

needs_postgres = pytest.mark.skipif(binaries() is None, reason="no PostgreSQL binaries found")

PYPROJECT = """
[tool.ruff]
extend-exclude = ["run.py", "runner", "tests/support"]
[tool.mypy]
exclude = ["^runner/", "^tests/support/"]
[[tool.mypy.overrides]]
module = "environ.*"
ignore_missing_imports = true
[tool.importlinter]
root_packages = ["shortvideo"]
[[tool.importlinter.contracts]]
name = "shortvideo knows nothing of localvod"
type = "forbidden"
source_modules = ["shortvideo"]
forbidden_modules = ["shortvideo.wsgi"]
allow_indirect_imports = true
[tool.pytest.ini_options]
DJANGO_SETTINGS_MODULE = "shortvideo.settings"
pythonpath = ["."]
filterwarnings = ["error"]
[tool.coverage.run]
source = ["shortvideo"]
"""
SETTINGS = """
import environ

env = environ.Env()
SECRET_KEY = "of a test"
DATABASES = {"default": env.db_url("DATABASE_URL", default="sqlite://:memory:")}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
"""
TESTS = """
import os
import pathlib

import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_database_answers():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    with pathlib.Path("vendors").open("a") as vendors:
        vendors.write(connection.vendor + "\\n")


def test_something_without_a_database():
    assert "DATABASE_URL" not in os.environ
"""


PROCESS_TESTS = """
import pytest


@pytest.mark.django_db
def test_a_process():
    pass
"""


@pytest.fixture
def project(
    checkout: Checkout, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Checkout:
    """A small project: two tests that touch the database, one of them of processes, and another.

    What makes its checks slow, and nothing here is about, is shared or left out.
    """
    monkeypatch.setenv("MYPY_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "mypy"))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:schemathesis -p no:playwright")
    for name in ("stand_in.py", "manage.py", "shortvideo/wsgi.py", "localvod/__main__.py"):
        (checkout.root / name).write_text("", encoding="utf-8")
    checkout.write("pyproject.toml", PYPROJECT)
    checkout.write("shortvideo/settings.py", SETTINGS.lstrip())
    checkout.write("shortvideo/templates/page.html", "<p>A page</p>\n")
    checkout.write("tests/test_something.py", TESTS.lstrip())
    checkout.write("tests/faults/test_process.py", PROCESS_TESTS.lstrip())
    support = Path(__file__).parents[1] / "support"
    for name in ("__init__.py", "traits.py"):
        checkout.write(f"tests/support/{name}", (support / name).read_text(encoding="utf-8"))
    return checkout


@pytest.fixture
def folder_for_all() -> Iterator[Path]:
    """A temporary folder through which the server's account may pass (pytest's own are ours)."""
    with tempfile.TemporaryDirectory(prefix="shortvideo-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def server_in(folder: Path) -> int:
    """The process of the server in there; 0 while there is none (initdb notes a negative one)."""
    for file in folder.glob("*/data/postmaster.pid"):
        words = file.read_text(encoding="utf-8").split()
        return max(0, int(words[0])) if words else 0
    return 0


def vendors(project: Checkout) -> list[str]:
    file = project.root / "vendors"
    return sorted(file.read_text().split()) if file.exists() else []


@needs_postgres
def test_each_lane_ends_with_its_summary_and_the_sum_is_last(
    project: Checkout,
) -> None:
    ended = project.run("test", "--coverage")
    *_, postgres, postgres_processes, sqlite, sqlite_processes, total = ended.stdout.splitlines()
    assert postgres.startswith("pytest on PostgreSQL")
    assert "1 passed, 1 deselected" in postgres
    assert ", processes: 1 passed in " in postgres_processes
    assert sqlite.startswith("pytest on SQLite: 2 passed in ")
    assert sqlite_processes.startswith("pytest on SQLite, processes: 1 passed in ")
    assert total == "5 passed, 0 failed, 0 skipped"
    assert "shortvideo" in ended.stdout.split("Coverage (statements and branches): ")[1]
    assert vendors(project) == ["postgresql", "sqlite"]
    assert ended.returncode == 0, ended.stdout


def test_without_postgres_one_line_says_that_it_was_not_tested(project: Checkout) -> None:
    ended = project.run("test", SHORTVIDEO_POSTGRES="off")
    assert "PostgreSQL was not tested: no binaries found" in ended.stdout.splitlines()[-4]
    assert vendors(project) == ["sqlite"]
    assert ended.returncode == 0, ended.stdout


def test_arguments_go_to_pytest_and_the_first_line_names_them(project: Checkout) -> None:
    ended = project.run("test", "-k", "without", SHORTVIDEO_POSTGRES="off")
    assert "checks and pytest -k without on SQLite." in ended.stdout.splitlines()[0]
    assert "1 passed, 2 deselected" in ended.stdout.splitlines()[-2]
    assert ended.returncode == 0, ended.stdout


@needs_postgres
def test_arguments_may_select_nothing_on_postgres(project: Checkout) -> None:
    ended = project.run("test", "-k", "without")
    assert "3 deselected" in ended.stdout.splitlines()[-3]
    assert ended.returncode == 0, ended.stdout


def test_a_failing_test_a_failing_check_and_a_skip_are_shown(project: Checkout) -> None:
    project.write(
        "tests/test_trouble.py",
        "import pytest\n\n\n"
        "def test_that_fails():\n    assert 1 == 2\n\n\n"
        '@pytest.mark.skip(reason="no moon")\n'
        "def test_by_moonlight():\n    pass\n",
    )
    project.write("shortvideo/ugly.py", "import os\n")
    ended = project.run("test", SHORTVIDEO_POSTGRES="off")
    assert ended.returncode == 1
    assert "FAILED: ruff check, pytest on SQLite." in ended.stdout.splitlines()
    assert "F401" in ended.stdout
    assert "FAILED tests/test_trouble.py::test_that_fails" in ended.stdout
    assert "no moon" in ended.stdout
    *_, sqlite, _, total = ended.stdout.splitlines()
    assert sqlite.startswith("pytest on SQLite: 1 failed, 2 passed, 1 skipped in ")
    assert total == "3 passed, 1 failed, 1 skipped"


def test_a_run_that_breaks_off_counts_as_failed(project: Checkout) -> None:
    project.write("tests/test_exit.py", "import os\n\n\ndef test_exit():\n    os._exit(0)\n")
    ended = project.run("test", "tests/test_exit.py", SHORTVIDEO_POSTGRES="off")
    assert ended.stdout.splitlines()[-2:] == [
        "pytest on SQLite: pytest printed no summary",
        "0 passed, 1 failed, 0 skipped",
    ]
    assert ended.returncode == 1


def test_a_fast_run_says_what_it_leaves_out(project: Checkout) -> None:
    ended = project.run("test", "--fast")
    assert "Left out (--fast): mypy, import contracts" in ended.stdout.splitlines()[-4]
    assert ended.stdout.splitlines()[-1] == "2 passed, 0 failed, 0 skipped"
    assert vendors(project) == ["sqlite"]
    assert ended.returncode == 0, ended.stdout


def test_the_demos_settings_do_not_reach_the_tests(project: Checkout) -> None:
    project.write("var/env", "DATABASE_URL=postgres://nobody@127.0.0.1:9/nothing\n")
    ended = project.run(
        "test",
        SHORTVIDEO_POSTGRES="off",
        DATABASE_URL="postgres://nobody@127.0.0.1:9/nothing",
    )
    assert vendors(project) == ["sqlite"]
    assert ended.returncode == 0, ended.stdout


@needs_postgres
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_neither_server_nor_folder(
    project: Checkout, folder_for_all: Path, number: signal.Signals
) -> None:
    project.write("tests/test_long.py", "import time\n\n\ndef test_long():\n    time.sleep(600)\n")
    run = project.start("test", TMPDIR=str(folder_for_all))
    until(lambda: server_in(folder_for_all) > 0, lambda: run.log)
    server = server_in(folder_for_all)
    assert is_alive(server)
    expected = -number if number == signal.SIGKILL else 128 + number
    assert run.signal(number) == expected
    until(lambda: not alive([server]), lambda: "the server is still alive")
    until(
        lambda: not list(folder_for_all.glob("shortvideo-postgres-*")),
        lambda: "the cluster's folder is still there",
    )


@needs_postgres
def test_a_private_cluster_keeps_its_data_over_a_restart() -> None:
    folder = binaries()
    assert folder is not None
    with PrivateCluster(folder) as cluster:
        with psycopg.connect(cluster.url) as connection:
            connection.execute("CREATE TABLE clips AS SELECT 'a clip' AS title")
        cluster.restart()
        with psycopg.connect(cluster.url) as connection:
            row = connection.execute("SELECT title FROM clips").fetchone()
            collation = connection.execute("SHOW lc_collate").fetchone()
    assert row == ("a clip",)
    assert collation == ("C.UTF-8",)
    assert cluster.url.startswith("postgres://tests:")


@needs_postgres
def test_a_private_cluster_refuses_a_wrong_password() -> None:
    folder = binaries()
    assert folder is not None
    with PrivateCluster(folder) as cluster:
        address = f"postgres://tests:guessed@127.0.0.1:{cluster.port}/postgres"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(address)


def test_coverage_is_added_up_per_package() -> None:
    half = {"covered_lines": 1, "num_statements": 2, "covered_branches": 0, "num_branches": 0}
    full = {"covered_lines": 2, "num_statements": 2, "covered_branches": 4, "num_branches": 4}
    files = {"videos/a.py": {"summary": half}, "accounts/b.py": {"summary": full}}
    assert coverage_line(files) == (
        "Coverage (statements and branches): accounts 100.0%, videos 50.0%, together 87.5%."
    )


FUZZ = """
import os
import pathlib


def test_the_variables_arrive(db):
    names = ("FUZZ_GETS", "FUZZ_POSTS", "FUZZ_SEED", "FUZZ_ONLY")
    pathlib.Path("fuzzed").write_text(" ".join(os.environ[name] for name in names))
"""


def test_fuzz_runs_its_tests_alone_and_hands_its_options_on(project: Checkout) -> None:
    project.write("tests/fuzz/test_fuzz.py", FUZZ.lstrip())
    options = ("--gets=5", "--posts=4", "--seed=3", "--only=gets:2")
    ended = project.run("fuzz", *options, SHORTVIDEO_POSTGRES="off")
    assert ended.returncode == 0, ended.stdout
    assert (project.root / "fuzzed").read_text() == "5 4 3 gets:2"
    assert not (project.root / "vendors").exists()
    assert "Running 0 checks" in ended.stdout


def test_fuzz_explains_itself(project: Checkout) -> None:
    ended = project.run("fuzz", "--help")
    assert ended.returncode == 0
    assert "--seed" in ended.stdout
    assert project.run("fuzz", "--gets=none").returncode == 2
