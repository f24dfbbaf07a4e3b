"""Settings of a command that a test starts as a process of its own: the test's database and VOD."""

import os

from tests.settings import *  # noqa: F403 - the same but for what follows
from tests.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["COMMAND_DATABASE"]
VOD_ENDPOINT = CDN_ENDPOINT = os.environ["COMMAND_VOD"]
