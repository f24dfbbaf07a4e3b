#!/usr/bin/env python3
"""Fetch the browser's libraries from npm: the desk's, and those that only tests load.

    python3 tools/vendor.py

It needs npm. A package's tarball must have the integrity below, so each run gives the same files.
To update: change version and integrity (`npm view NAME@VERSION dist.integrity`), and run it again.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
DESK: Final = ROOT / "shortvideo" / "static" / "desk" / "vendor"
TESTS: Final = ROOT / "tests" / "support" / "vendor"


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    licence: str  # SPDX
    integrity: str
    files: tuple[str, ...]  # in the tarball, without `package/`

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[2]  # a scope is no folder


HLS: Final = Package(
    "hls.js",
    "1.7.4",
    "Apache-2.0",
    "sha512-3GlxGdPvT2YHvQYOt+yOzT/DEior/qJVNIylHA77kgeoBTdQQqi70GwefNEUmHQeNGyjC8U62+bruqW/Tpm+tg==",
    ("dist/hls.light.min.mjs", "dist/hls.worker.js", "LICENSE"),
)
COMBOBOX: Final = Package(
    "@github/combobox-nav",
    "3.0.2",
    "MIT",
    "sha512-txEw3G7oK2b7G5olc5+xDEUJcHvyp9N+yx+LIjAwKsfOq22CGAx5zUL/6yVsHiCF/tRZlKMuFTAgpOHoCrNrzA==",
    ("dist/index.js", "LICENSE"),
)
AXE: Final = Package(
    "axe-core",
    "4.14.1",
    "MPL-2.0",
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
    ("axe.min.js", "LICENSE"),
)


def main() -> None:
    for vendor, packages in ((DESK, [HLS, COMBOBOX]), (TESTS, [AXE])):
        with tempfile.TemporaryDirectory() as work:
            fetched = [_fetch(package, vendor / package.folder, Path(work)) for package in packages]
        record = json.dumps(fetched, indent=2) + "\n"
        (vendor / "versions.json").write_text(record, encoding="utf-8")
        sys.stdout.write(record)


def _fetch(package: Package, folder: Path, work: Path) -> dict[str, object]:
    """Replace a package's folder. Returns its version, licence and the digest of each file."""
    named = f"{package.name}@{package.version}"
    npm = shutil.which("npm") or sys.exit("npm is missing: install Node.js.")
    command = [npm, "pack", named, "--json", "--pack-destination", str(work)]
    packed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=work)
    tarball = work / json.loads(packed.stdout)[0]["filename"]
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != package.integrity:
        sys.exit(f"{named} has another content than before: sha512-{digest}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tarfile.open(tarball) as archive:
        for name in package.files:
            _copy(archive, f"package/{name}", folder / Path(name).name)
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    return {
        "name": package.name,
        "version": package.version,
        "licence": package.licence,
        "files": files,
    }


def _copy(archive: tarfile.TarFile, name: str, target: Path) -> None:
    content = archive.extractfile(name)
    if content is None:
        sys.exit(f"{name} is no file.")
    target.write_bytes(content.read())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
