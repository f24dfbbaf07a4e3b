"""The virtual environment `.venv`. Packages are installed when requirements.txt changes."""

import asyncio
import hashlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from runner.children import Children
from runner.console import Console, bar
from runner.failure import Failure
from runner.installer_errors import ensurepip_error, install_error, venv_error
from runner.project import Project, Python

MEGABYTE = 1_000_000
NEEDED_SPACE = 1_000 * MEGABYTE  # the installed packages, and room to unpack the last of them
REDRAW_SECONDS = 0.3


async def ensure_installed(project: Project, children: Children) -> Python:
    """Install the pinned packages where they are missing. Returns the Python that has them.

    `SHORTVIDEO_VENV` names an environment to use unchanged.
    """
    chosen = os.environ.get("SHORTVIDEO_VENV")
    if chosen:
        python = Python(Path(chosen).resolve())
        if not python.executable.exists():
            raise Failure(f"SHORTVIDEO_VENV names {chosen}, where there is no bin/python.")
        return python
    python = Python(project.root / ".venv")
    if _stamp_file(python).is_file() and _stamp_file(python).read_text() == _stamp(project):
        return python
    if lack := lack_of_space(project.root, NEEDED_SPACE):
        raise Failure(f"The {lack}.")
    uv = shutil.which("uv")
    unfinished = python.directory / ".unfinished"
    if not python.executable.exists() or unfinished.exists():
        await _make_environment(python, children, uv)
    unfinished.touch()  # an interrupted installer may leave half a package that looks whole
    await _install(python, project, children, uv)
    _stamp_file(python).write_text(_stamp(project))
    unfinished.unlink()
    return python


def _stamp_file(python: Python) -> Path:
    return python.directory / ".installed"


def _stamp(project: Project) -> str:
    """The requirements and the Python that an environment is made for."""
    digest = hashlib.sha256(project.requirements.read_bytes()).hexdigest()
    return f"{sys.implementation.cache_tag} {digest}\n"


def lack_of_space(folder: Path, needed: int) -> str:
    """Say that fewer than `needed` bytes are free: part of a sentence, or ""."""
    free = shutil.disk_usage(folder).free
    if free >= needed:
        return ""
    return (
        f"disk of {folder} is nearly full: {free // MEGABYTE} MB are free, "
        f"{needed // MEGABYTE} MB are needed"
    )


async def _make_environment(python: Python, children: Children, uv: str | None) -> None:
    """Make the environment, or leave none."""
    directory = python.directory
    if directory.exists() and not (directory / "pyvenv.cfg").is_file() and any(directory.iterdir()):
        raise Failure(f"{directory} is not a virtual environment: move it away first.")
    shutil.rmtree(directory, ignore_errors=True)
    if uv is None and importlib.util.find_spec("ensurepip") is None:
        raise Failure(ensurepip_error())
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
        raise Failure(venv_error(output))


async def _install(python: Python, project: Project, children: Children, uv: str | None) -> None:
    """Install requirements.txt with uv, without it with the environment's pip."""
    requirements = str(project.requirements)
    if uv:
        command = [uv, "pip", "install", "--python", str(python.executable), "-r", requirements]
    else:
        await _ensure_pip(python, children)
        command = python.module("pip", "install", "--no-input", "--disable-pip-version-check")
        # Python compiles a module at its first import; most modules are never imported.
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
    raise Failure(install_error(output, tool=progress.tool))


async def _ensure_pip(python: Python, children: Children) -> None:
    """Add pip to an environment that uv made."""
    if any(python.directory.glob("lib/python3*/site-packages/pip")):
        return
    command = python.module("ensurepip", "--upgrade")
    status, _ = await children.run("install", command, on_line=lambda _line: None)
    if status != 0:
        raise Failure(ensurepip_error())


class InstallProgress:
    """One bar for all packages: its first half is the download, its second the unpacking."""

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
        """Read a line of the installer's output."""
        words = line.split()
        self._text = " ".join(words)[:60]
        if words[:1] in (["Collecting"], ["Downloading"]):
            self._fetched += words[0] == "Collecting"
        elif words[:1] == ["Prepared"] or line.startswith("Installing collected"):
            self._fetched = self.total

    async def keep_drawing(self) -> None:
        """Draw until cancelled. pip prints nothing while it unpacks."""
        while self._console.is_terminal:
            self._draw()
            await asyncio.sleep(REDRAW_SECONDS)

    def _draw(self) -> None:
        in_place = sum(1 for _ in self._site_packages.glob("*/site-packages/*.dist-info"))
        done = min(self._fetched, self.total) + min(in_place, self.total)
        columns = self._console.progress_columns
        self._console.status("install", bar(done, 2 * self.total, self._text, columns=columns))
