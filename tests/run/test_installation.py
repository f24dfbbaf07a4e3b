"""The packages that `run.py` installs, and its sentence where it cannot."""

import ast
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runner.failure import describe_os_error
from runner.installer_errors import install_error, venv_error
from tests.run.checkout import ROOT, Checkout

UNREACHABLE = "The package index could not be reached: check the network, or name another index in"

# A uv whose environments use our Python. It counts its installations.
UV = f"""#!{sys.executable}
import os, pathlib, sys
if sys.argv[1] == "venv":
    venv = pathlib.Path(sys.argv[-1])
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").touch()
    if message := os.environ.get("UV_CANNOT_MAKE"):
        sys.exit(message)
    (venv / "bin" / "python").symlink_to({sys.executable!r})
else:
    with open("installs", "a") as installs:
        installs.write(" ".join(sys.argv[1:]) + "\\n")
    sys.exit(os.environ.get("UV_CANNOT_INSTALL"))
"""


def with_uv(checkout: Checkout) -> str:
    """A PATH with this uv."""
    uv = checkout.write("tools/uv", UV)
    uv.chmod(uv.stat().st_mode | stat.S_IXUSR)
    return f"{uv.parent}{os.pathsep}{os.environ['PATH']}"


def installs(checkout: Checkout) -> int:
    file = checkout.root / "installs"
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_new_requirements_are_installed_once(checkout: Checkout) -> None:
    path = with_uv(checkout)
    for text, count in (("a==1", 1), ("a==1", 1), ("a==2", 2)):
        checkout.write("requirements.txt", f"{text}\n")
        checkout.run("test", SHORTVIDEO_VENV=None, SHORTVIDEO_POSTGRES="off", PATH=path)
        assert installs(checkout) == count


@pytest.mark.parametrize(
    ("variable", "output", "sentence"),
    [
        (
            "UV_CANNOT_INSTALL",
            "error: Failed to fetch: `https://index.example.com/simple/a/`",
            f"{UNREACHABLE} UV_DEFAULT_INDEX.",
        ),
        (
            "UV_CANNOT_INSTALL",
            "error: failed to write: No space left on device (os error 28)",
            "The disk is full: the packages could not be installed; free some space first.",
        ),
        (
            "UV_CANNOT_INSTALL",
            "error: a==1 is not for this platform",
            "uv could not install the packages; its last lines above say why.",
        ),
        (
            "UV_CANNOT_MAKE",
            "error: No space left on device (os error 28)",
            "The disk is full: the virtual environment could not be made.",
        ),
    ],
)
def test_one_sentence_says_why_nothing_was_installed(
    checkout: Checkout, variable: str, output: str, sentence: str
) -> None:
    path = with_uv(checkout)
    ended = checkout.run("test", SHORTVIDEO_VENV=None, PATH=path, **{variable: output})
    assert ended.returncode == 1
    assert ended.stderr == f"run.py: {sentence}\n"
    assert (variable == "UV_CANNOT_INSTALL") == (checkout.root / ".venv").exists()


def test_a_failed_installation_starts_again_from_nothing(checkout: Checkout) -> None:
    path = with_uv(checkout)
    checkout.run("test", SHORTVIDEO_VENV=None, PATH=path, UV_CANNOT_INSTALL="error: no")
    half_a_package = checkout.write(".venv/lib/half-a-package", "")
    checkout.run("test", SHORTVIDEO_VENV=None, PATH=path, SHORTVIDEO_POSTGRES="off")
    assert installs(checkout) == 2
    assert not half_a_package.exists()


def test_without_ensurepip_the_missing_package_is_named(checkout: Checkout) -> None:
    checkout.write(
        "without/sitecustomize.py",
        "import importlib.util\n"
        "find_spec = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: name != 'ensurepip' and find_spec(name) or None\n",
    )
    checkout.write(".venv/pyvenv.cfg", "")
    ended = checkout.run(
        "test",
        SHORTVIDEO_VENV=None,
        PATH="/nowhere",
        PYTHONPATH=str(checkout.root / "without"),
    )
    assert ended.returncode == 1
    assert "install the package python3-venv" in ended.stderr
    assert not (checkout.root / ".venv").exists()


def test_a_failure_of_ensurepip_names_the_missing_package() -> None:
    output = ["Error: Command '[... -m ensurepip --upgrade]' returned non-zero exit status 1."]
    assert "install the package python3-venv" in venv_error(output)


def test_a_folder_that_is_no_environment_is_left_alone(checkout: Checkout) -> None:
    mine = checkout.write(".venv/thesis.txt", "precious")
    ended = checkout.run("test", SHORTVIDEO_VENV=None, PATH=with_uv(checkout))
    assert ended.returncode == 1
    assert "is not a virtual environment: move it away first" in ended.stderr
    assert mine.read_text() == "precious"


def test_one_sentence_of_pip_says_the_index_is_unreachable(checkout: Checkout) -> None:
    ended = checkout.run(
        "test",
        SHORTVIDEO_VENV=None,
        PATH=f"{Path(sys.base_prefix, 'bin')}",
        PIP_CONFIG_FILE=os.devnull,
        PIP_FIND_LINKS=None,
        PIP_EXTRA_INDEX_URL=None,
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_RETRIES="1",
    )
    assert ended.returncode == 1
    assert ended.stderr == f"run.py: {UNREACHABLE} PIP_INDEX_URL.\n"
    assert "Installing 1 packages with pip" in ended.stdout


@pytest.mark.parametrize(
    "line",
    [
        "WARNING: Retrying after connection broken by 'ConnectTimeoutError(<HTTPSConnection>)'",
        "HTTPSConnectionPool(host='index.example'): no answer (connect timeout=15.0)",
        "Connection to index.example timed out. (connect took too long)",
    ],
)
def test_an_index_that_never_answers_is_called_unreachable(line: str) -> None:
    output = [line, "ERROR: No matching distribution found for left-pad==1.0"]
    assert install_error(output, tool="pip") == f"{UNREACHABLE} PIP_INDEX_URL."


def test_a_missing_package_is_not_blamed_on_the_network() -> None:
    output = ["ERROR: No matching distribution found for left-pad==1.0"]
    assert "last lines above say why" in install_error(output, tool="pip")


def test_a_named_environment_without_python_is_refused(checkout: Checkout) -> None:
    ended = checkout.run("test", SHORTVIDEO_VENV=str(checkout.root))
    assert ended.returncode == 1
    assert "where there is no bin/python" in ended.stderr


def test_a_nearly_full_disk_is_refused(checkout: Checkout) -> None:
    ended = checkout.run(
        "test", SHORTVIDEO_VENV=None, PYTHONPATH=checkout.nearly_full_disk(free_megabytes=2)
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        f"run.py: The disk of {checkout.root} is nearly full: 2 MB are free, 1000 MB are needed.\n"
    )
    assert not (checkout.root / ".venv").exists()


def test_a_full_disk_is_named() -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        Path("/dev/full").write_text("text", encoding="utf-8")
    assert describe_os_error(caught.value).startswith("The disk is full")


@pytest.mark.parametrize("version", [(2, 7), (3, 8), (3, 10)])
def test_an_old_python_says_what_is_needed(version: tuple[int, int]) -> None:
    program = (
        "import runpy, sys\n"
        f"sys.version_info = {(*version, 0)}\n"
        f"runpy.run_path({str(ROOT / 'run.py')!r}, run_name='__main__')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        f"Short Video Console needs Python 3.11 or newer; this is Python {version[0]}.{version[1]}"
    )


def test_old_pythons_can_parse_run_py() -> None:
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 7))
