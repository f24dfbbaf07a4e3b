"""pytest plugin: a test leaves logging and the language of its thread as they were.

The stream of its own capture is closed by then: later tests would print tracebacks into it.
"""

import logging
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils import translation

from shortvideo.logs import configure


def _own_handler() -> logging.Handler | None:
    return next((each for each in logging.root.handlers if each.name == "stderr"), None)


@pytest.fixture(autouse=True)
def _logging_is_restored() -> Iterator[None]:
    before = _own_handler()
    yield
    if _own_handler() is not before:
        configure(settings.LOGGING)
    translation.deactivate()  # a request of Django's test client sets it for this thread
