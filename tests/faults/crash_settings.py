"""For worker processes that crash: the database and the cloud of the tests, and short waits."""

import os

os.environ["DATABASE_IDLE_TRANSACTION_TIMEOUT"] = "500"  # a frozen worker's, on PostgreSQL

from tests.settings import *  # noqa: F403 - after the environment is set
from tests.settings import STORAGES

VOD_ENDPOINT = CDN_ENDPOINT = os.environ["CRASH_ENDPOINT"]
CDN_DOMAINS = [VOD_ENDPOINT]
OUTBOX_LEASE_SECONDS = 0.3  # type: ignore[assignment]  # whole only where it is read from text
OUTBOX_POLL_SECONDS = 0.02
STORAGES["evidence"]["OPTIONS"]["location"] = os.environ["CRASH_EVIDENCE"]
