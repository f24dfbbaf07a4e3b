"""Settings of the installation that a backup is restored into; VOD is the test's."""

import os

from tests.settings import *  # noqa: F403 - the same but for what follows

VOD_ENDPOINT = CDN_ENDPOINT = os.environ["COMMAND_VOD"]
CDN_DOMAINS = [VOD_ENDPOINT]
STORAGES["evidence"]["OPTIONS"]["location"] = os.environ["COMMAND_EVIDENCE"]  # noqa: F405 - of above
REVIEW_LOOK_BACK_SECONDS = 3600  # nobody waits for it here
