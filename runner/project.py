"""Paths of the checkout, and the environment of its programs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Project:
    """A checkout of the project: the folder that holds `run.py`."""

    root: Path

    @property
    def var(self) -> Path:
        """Everything that the demo writes; ignored by git."""
        return self.root / "var"

    @property
    def env_file(self) -> Path:
        return self.var / "env"

    @property
    def lock_file(self) -> Path:
        return self.var / "run.lock"

    @property
    def seeding_lock_file(self) -> Path:
        """Held by the `run.py` that makes clips: the demo, or one that adds clips to it."""
        return self.var / "clips.lock"

    @property
    def log_file(self) -> Path:
        return self.var / "demo.log"

    @property
    def database_file(self) -> Path:
        return self.var / "db.sqlite3"

    @property
    def password_file(self) -> Path:
        return self.var / "operator-password.txt"

    @property
    def seeded_file(self) -> Path:
        """Exists once the demo clips have settled; holds their number."""
        return self.var / "seeded"

    @property
    def requirements(self) -> Path:
        return self.root / "requirements.txt"

    def make_var(self) -> None:
        """Only our user may read it: it holds secrets and names of people."""
        self.var.mkdir(mode=0o700, exist_ok=True)
        if self.var.stat().st_uid == os.getuid():
            self.var.chmod(0o700)  # another program may have made it


@dataclass(frozen=True)
class Python:
    """The Python of a virtual environment, with everything in requirements.txt installed."""

    directory: Path

    @property
    def executable(self) -> Path:
        return self.directory / "bin" / "python"

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables for its programs: ours, unbuffered output, and `extra`."""
        environment = {
            **os.environ,
            "PATH": f"{self.directory / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "VIRTUAL_ENV": str(self.directory),
            "PYTHONUNBUFFERED": "1",
            **(extra or {}),
        }
        # Without bytecode each program compiles all packages again, which takes two of its three
        # seconds. Where it may not lie beside the sources, it lies in the environment.
        if environment.pop("PYTHONDONTWRITEBYTECODE", ""):
            environment["PYTHONPYCACHEPREFIX"] = str(self.directory / "pycache")
        return environment

    def module(self, name: str, *arguments: str) -> list[str]:
        return [str(self.executable), "-m", name, *arguments]

    def manage(self, *arguments: str) -> list[str]:
        return [str(self.executable), "manage.py", *arguments]
