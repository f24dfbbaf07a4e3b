"""For real worker processes in tests: the database of the tests, and one kind of their own."""

from tests.settings import *  # noqa: F403 - settings extend settings
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.outbox.waiting_app"]
