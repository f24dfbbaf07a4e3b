"""Settings of workers that crash: the database and the cloud of the tests, and short waits."""

import os

# PostgreSQL ends the transaction of a frozen worker after so many milliseconds.
os.environ["DATABASE_IDLE_TRANSACTION_TIMEOUT"] = "500"

from tests.settings import *  # noqa: F403 - after the environment is set
from tests.settings import STORAGES

VOD_ENDPOINT = CDN_ENDPOINT = os.environ["CRASH_ENDPOINT"]
CDN_DOMAINS = [VOD_ENDPOINT]
OUTBOX_LEASE_SECONDS = 0.3  # type: ignore[assignment]  # an int in the project's settings
OUTBOX_POLL_SECONDS = 0.02
STORAGES["evidence"]["OPTIONS"]["location"] = os.environ["CRASH_EVIDENCE"]
