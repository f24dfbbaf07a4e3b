"""The browser's libraries are those that `tools/vendor.py` has recorded."""

import hashlib
import json
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("folder", ["shortvideo/static/desk/vendor", "tests/support/vendor"])
def test_vendored_files_have_their_digest_and_a_licence(folder: str) -> None:
    vendor = ROOT / folder
    packages = json.loads((vendor / "versions.json").read_text(encoding="utf-8"))
    recorded = {
        f"{package['name'].rpartition('/')[2]}/{file}": digest
        for package in packages
        for file, digest in package["files"].items()
    }
    found = {
        path.relative_to(vendor).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.glob("*/*")
    }
    assert found == recorded
    assert all(package["version"] and package["licence"] for package in packages)
    assert all("LICENSE" in package["files"] for package in packages)
