"""The browser's libraries are those that `tools/vendor.py` has recorded."""

import hashlib
import json
from pathlib import Path
from typing import Final

VENDOR: Final = Path(__file__).resolve().parents[2] / "shortvideo" / "static" / "desk" / "vendor"


def test_vendored_files_have_their_digest_and_a_licence() -> None:
    packages = json.loads((VENDOR / "versions.json").read_text(encoding="utf-8"))
    recorded = {
        f"{package['name']}/{file}": digest
        for package in packages
        for file, digest in package["files"].items()
    }
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.glob("*/*")
    }
    assert found == recorded
    assert all(package["version"] and package["licence"] for package in packages)
    assert all("LICENSE" in package["files"] for package in packages)
