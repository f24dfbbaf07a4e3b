"""Where things are, and what of the surroundings is passed on to the programs."""

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
        """Everything that the demo writes, never part of the repository."""
        return self.root / "var"

    @property
    def env_file(self) -> Path:
        return self.var / "env"

    @property
    def lock_file(self) -> Path:
        return self.var / "run.lock"

    @property
    def database_file(self) -> Path:
        return self.var / "db.sqlite3"

    @property
    def password_file(self) -> Path:
        return self.var / "operator-password.txt"

    @property
    def seeded_file(self) -> Path:
        """Present once the demo clips have settled; holds how many there are."""
        return self.var / "seeded"

    @property
    def requirements(self) -> Path:
        return self.root / "requirements.txt"

    def make_var(self) -> None:
        """Secrets and people's names are kept there: it is for our user only."""
        self.var.mkdir(mode=0o700, exist_ok=True)


@dataclass(frozen=True)
class Python:
    """The Python of a virtual environment, with everything in requirements.txt installed."""

    directory: Path

    @property
    def executable(self) -> Path:
        return self.directory / "bin" / "python"

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables for a program that it runs: ours, an unbuffered output, and `extra`."""
        return {
            **os.environ,
            "PATH": f"{self.directory / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "VIRTUAL_ENV": str(self.directory),
            "PYTHONUNBUFFERED": "1",
            **(extra or {}),
        }

    def module(self, name: str, *arguments: str) -> list[str]:
        return [str(self.executable), "-m", name, *arguments]

    def manage(self, *arguments: str) -> list[str]:
        return [str(self.executable), "manage.py", *arguments]
