"""Settings for a command in a process of its own: it uses the test's database and localvod."""

import os

from tests.settings import *  # noqa: F403 - all but the two settings below
from tests.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["COMMAND_DATABASE"]
VOD_ENDPOINT = CDN_ENDPOINT = os.environ["COMMAND_VOD"]
