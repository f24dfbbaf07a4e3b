"""Settings of worker processes: those of the tests, and an app with kinds of its own."""

from tests.settings import *  # noqa: F403 - settings extend settings
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.outbox.waiting_app"]
