"""The project's settings as tests need them: nothing of `var/env`, nothing beyond loopback."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("TESTING", "true")
os.environ["ENV_FILE"] = os.devnull
# The content security policy is made of both while the settings are read.
os.environ["CDN_DOMAINS"] = "media.example.com"
os.environ["MEDIA_URL_SCHEME"] = "http"

from shortvideo.settings import *  # noqa: F403 - after the environment is set
from shortvideo.settings import DATABASES, STORAGES

# Programs that the tests start have settings of their own.
del os.environ["CDN_DOMAINS"], os.environ["MEDIA_URL_SCHEME"]

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
VOD_TRANSCODE_TEMPLATE_GROUP_ID = "standard-template-group"
VOD_NARROWBAND_TEMPLATE_GROUP_ID = "narrowband-template-group"
VOD_CALLBACK_URL = "https://console.example.com/vodcallback/callback"
VOD_CALLBACK_KEY = "CallbackKeyOfTheTests1"
REVIEW_UNDO_SECONDS = 0
WHITENOISE_AUTOREFRESH = True  # otherwise each test client reads all static files: 50 ms
# A folder of this run alone; made when the first copy is kept, and emptied by the tests that do.
STORAGES["evidence"]["OPTIONS"]["location"] = str(
    Path(tempfile.gettempdir()) / f"short-video-console-evidence-{os.getpid()}"
)
# Nobody listens there: a test that needs VOD starts localvod and says so.
VOD_ENDPOINT = CDN_ENDPOINT = "127.0.0.1:9"
VOD_PROTOCOL = CDN_PROTOCOL = "http"
ALIBABA_CLOUD_ACCESS_KEY_ID = "localvod"
ALIBABA_CLOUD_ACCESS_KEY_SECRET = "localvod-secret"

if DATABASES["default"]["ENGINE"] == "shortvideo.fair_sqlite":
    # A file of this run alone: threads share it as processes do; SQLite's in-memory databases lock
    # differently and know no WAL.
    DATABASES["default"]["TEST"] = {
        "NAME": str(Path(tempfile.gettempdir()) / f"short-video-console-{os.getpid()}.sqlite3")
    }
