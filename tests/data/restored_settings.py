"""Settings of the restored installation; VOD is the test's."""

import os

from tests.settings import *  # noqa: F403 - with the changes below

VOD_ENDPOINT = CDN_ENDPOINT = os.environ["COMMAND_VOD"]
CDN_DOMAINS = [VOD_ENDPOINT]
STORAGES["evidence"]["OPTIONS"]["location"] = os.environ["COMMAND_EVIDENCE"]  # noqa: F405 - imported above
REVIEW_LOOK_BACK_SECONDS = 3600  # longer than the test
