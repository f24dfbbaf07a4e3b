"""A migration that databases may have applied is never changed: its digest is recorded here.

`frozen_migrations.txt` has the format of `sha256sum`.
"""

import hashlib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
RECORD: Final = Path(__file__).with_name("frozen_migrations.txt")


def digests() -> dict[str, str]:
    """The digest of each migration of the project, by its path."""
    paths = [*ROOT.glob("*/migrations/0*.py"), *ROOT.glob("shortvideo/*/migrations/0*.py")]
    return {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def recorded() -> dict[str, str]:
    lines = RECORD.read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, path in (line.split() for line in lines)}


def test_no_recorded_migration_has_changed() -> None:
    now = digests()
    changed = [path for path, digest in recorded().items() if now.get(path) != digest]
    assert not changed, (
        f"{', '.join(changed)} changed or are gone. Databases that have applied them will never "
        "apply the change: restore them and add a migration. Only if no operation differs (an "
        f"import that moved), record the new digest in {RECORD.name}."
    )


def test_every_migration_is_recorded() -> None:
    missing = sorted(digests().items() - recorded().items())
    lines = "\n".join(f"{digest}  {path}" for path, digest in missing if path not in recorded())
    assert not lines, f"New migrations: add these lines to {RECORD.name}\n{lines}"
