"""The virtual environment `.venv`: made once, filled again when requirements.txt changes."""

import asyncio
import hashlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from runner.children import Children
from runner.console import Console, bar
from runner.failure import Failure
from runner.project import Project, Python

MEGABYTE = 1_000_000
NEEDED_SPACE = 1_000 * MEGABYTE  # the installed packages, and room to unpack the last of them
REDRAW_SECONDS = 0.3
UNREACHABLE = (
    "connect timeout",
    "connection refused",
    "connection reset",
    "connecttimeouterror",
    "could not connect",
    "dns error",
    "error sending request",
    "failed to establish a new connection",
    "failed to fetch",
    "max retries exceeded",
    "name or service not known",
    "name resolution",
    "network is unreachable",
    "no route to host",
    "proxyerror",
    "read timed out",
    "sslerror",
    "tcp connect error",
    "timed out. (connect",
)
NO_SPACE = ("no space left on device", "disk quota exceeded")


async def installed(project: Project, children: Children) -> Python:
    """The Python with the pinned packages; `SHORTVIDEO_VENV` names one to use just as it is."""
    chosen = os.environ.get("SHORTVIDEO_VENV")
    if chosen:
        python = Python(Path(chosen).resolve())
        if not python.executable.exists():
            raise Failure(f"SHORTVIDEO_VENV names {chosen}, where there is no bin/python.")
        return python
    python = Python(project.root / ".venv")
    if stamp_file(python).is_file() and stamp_file(python).read_text() == stamp(project):
        return python
    ensure_space(project.root, NEEDED_SPACE)
    uv = shutil.which("uv")
    unfinished = python.directory / ".unfinished"
    if not python.executable.exists() or unfinished.exists():
        await make(python, children, uv)
    unfinished.touch()  # an interrupted installer may leave half a package that looks whole
    await install(python, project, children, uv)
    stamp_file(python).write_text(stamp(project))
    unfinished.unlink()
    return python


def stamp_file(python: Python) -> Path:
    return python.directory / ".installed"


def stamp(project: Project) -> str:
    """What an environment is right for: these requirements, on this Python."""
    digest = hashlib.sha256(project.requirements.read_bytes()).hexdigest()
    return f"{sys.implementation.cache_tag} {digest}\n"


def ensure_space(folder: Path, needed: int) -> None:
    """Refuse before filling the disk; `needed` in bytes."""
    if lack := lack_of_space(folder, needed):
        raise Failure(f"The {lack}.")


def lack_of_space(folder: Path, needed: int) -> str:
    """What is to be said of too full a disk, as part of a sentence; "" when it has room."""
    free = shutil.disk_usage(folder).free
    if free >= needed:
        return ""
    return (
        f"disk of {folder} is nearly full: {free // MEGABYTE} MB are free, "
        f"{needed // MEGABYTE} MB are needed"
    )


async def make(python: Python, children: Children, uv: str | None) -> None:
    """Make the environment; one that is only half made is removed."""
    directory = python.directory
    if directory.exists() and not (directory / "pyvenv.cfg").is_file() and any(directory.iterdir()):
        raise Failure(f"{directory} is not a virtual environment: move it away first.")
    shutil.rmtree(directory, ignore_errors=True)
    if uv is None and importlib.util.find_spec("ensurepip") is None:
        raise Failure(needs_ensurepip())
    command = (
        [uv, "venv", "--python", sys.executable, str(directory)]
        if uv
        else [sys.executable, "-m", "venv", str(directory)]
    )
    is_made = False
    output: list[str] = []
    try:
        status, output = await children.run("install", command, on_line=lambda _line: None)
        is_made = status == 0
    finally:
        if not is_made:
            shutil.rmtree(directory, ignore_errors=True)
    if not is_made:
        raise Failure(why_not_made(output))


def needs_ensurepip() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        "This Python has no ensurepip, so it cannot make a virtual environment: install the "
        f"package python3-venv (or python{version}-venv), for example with "
        "`apt-get install python3-venv`."
    )


def why_not_made(output: Sequence[str]) -> str:
    text = "\n".join(output)
    if "ensurepip" in text:
        return needs_ensurepip()
    if any(sign in text.lower() for sign in NO_SPACE):
        return "The disk is full: the virtual environment could not be made."
    return f"The virtual environment could not be made: {output[-1] if output else 'no reason'}."


async def install(python: Python, project: Project, children: Children, uv: str | None) -> None:
    """Install requirements.txt with uv, or with the environment's pip where there is no uv."""
    requirements = str(project.requirements)
    if uv:
        command = [uv, "pip", "install", "--python", str(python.executable), "-r", requirements]
    else:
        await ensure_pip(python, children)
        command = python.module("pip", "install", "--no-input", "--disable-pip-version-check")
        # Python compiles what is imported, when it is imported: most of the modules never are.
        command += ["--no-compile", "--progress-bar", "off", "-r", requirements]
    progress = InstallProgress(children.console, python, project, tool="uv" if uv else "pip")
    drawing = asyncio.create_task(progress.keep_drawing())
    try:
        status, output = await children.run("install", command, on_line=progress.read)
    finally:
        drawing.cancel()
        children.console.status("install", "")
    if status == 0:
        children.console.say(f"Installed {progress.total} packages.")
        return
    for line in output:
        children.console.line("install", line)
    raise Failure(why_not_installed(output, tool=progress.tool))


async def ensure_pip(python: Python, children: Children) -> None:
    """An environment made by uv has no pip."""
    if any(python.directory.glob("lib/python3*/site-packages/pip")):
        return
    command = python.module("ensurepip", "--upgrade")
    status, _ = await children.run("install", command, on_line=lambda _line: None)
    if status != 0:
        raise Failure(needs_ensurepip())


def why_not_installed(output: Sequence[str], *, tool: str) -> str:
    text = "\n".join(output).lower()
    if any(sign in text for sign in NO_SPACE):
        return "The disk is full: the packages could not be installed; free some space first."
    if any(sign in text for sign in UNREACHABLE):
        variable = "UV_DEFAULT_INDEX" if tool == "uv" else "PIP_INDEX_URL"
        return (
            "The package index could not be reached: check the network, or name another index "
            f"in {variable}."
        )
    return f"{tool} could not install the packages; its last lines above say why."


class InstallProgress:
    """One bar for all packages: half of it for fetching them, half for putting them in place."""

    def __init__(self, console: Console, python: Python, project: Project, *, tool: str) -> None:
        self.tool = tool
        self._console = console
        self._site_packages = python.directory / "lib"
        lines = project.requirements.read_text().splitlines()
        self.total = sum("==" in line for line in lines)
        self._fetched = 0
        self._text = ""
        self._console.say(f"Installing {self.total} packages with {tool}.")

    def read(self, line: str) -> None:
        """Take in a line that the installer printed."""
        words = line.split()
        self._text = " ".join(words)[:60]
        if words[:1] in (["Collecting"], ["Downloading"]):
            self._fetched += words[0] == "Collecting"
        elif words[:1] == ["Prepared"] or line.startswith("Installing collected"):
            self._fetched = self.total

    async def keep_drawing(self) -> None:
        """Draw until cancelled: while packages are put in place, pip prints nothing."""
        while self._console.is_terminal:
            self._draw()
            await asyncio.sleep(REDRAW_SECONDS)

    def _draw(self) -> None:
        in_place = sum(1 for _ in self._site_packages.glob("*/site-packages/*.dist-info"))
        done = min(self._fetched, self.total) + min(in_place, self.total)
        columns = self._console.progress_columns
        self._console.status("install", bar(done, 2 * self.total, self._text, columns=columns))
