"""A checkout with stand-ins for each test of run.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.run.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    copy = Checkout(tmp_path)
    yield copy
    copy.stop()
