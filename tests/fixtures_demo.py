"""pytest plugin: a console that `run.py demo` started."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture
def demo_folder(tmp_path: Path, settings: Settings) -> Path:
    """The folder in which `seed_demo` says how many clips are ready."""
    settings.DEMO_PROGRESS = tmp_path / "demo-progress"
    settings.CACHES = settings.CACHES | {
        "demo": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(settings.DEMO_PROGRESS),
        }
    }
    return Path(settings.DEMO_PROGRESS)
