"""What a process loads before it speaks to the cloud."""

import subprocess
import sys

STARTED = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
from django.urls import get_resolver
django.setup()
assert get_resolver().url_patterns
print(sorted(name for name in sys.modules if name.startswith("alibabacloud")))
"""


def test_the_console_starts_without_loading_an_sdk() -> None:
    ended = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, check=True)
    assert ended.stdout.decode().strip() == "[]"
