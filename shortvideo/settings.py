"""Typed settings, read from the environment or from `var/env`.

The environment wins over the file that `ENV_FILE` names (default `var/env`, written by `run.py
demo`). An invalid value stops the start with one sentence that names the setting.
"""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from shortvideo import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
_env_file = env.text("ENV_FILE")
env.read_file(Path(_env_file or BASE_DIR / "var" / "env"), is_required=bool(_env_file))

# --- Django -------------------------------------------------------------------------------------

DEBUG = env.switch("DEBUG", default=False)
ALLOWED_HOSTS = env.served_hosts("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is '*'; it must name the hosts.")
_public_hosts = [host for host in ALLOWED_HOSTS if not env.is_loopback(host)]
if DEBUG and _public_hosts:
    raise ImproperlyConfigured(
        f"DEBUG is true and ALLOWED_HOSTS has {_public_hosts[0]!r}: with DEBUG only loopback names "
        "are allowed."
    )
_is_testing = env.switch("TESTING", default=False)
_is_web = env.switch("WEB_PROCESS", default=False)
SECRET_KEY = ",".join(env.secret_keys("SECRET_KEY"))
SECRET_KEY_FALLBACKS = env.secret_keys("SECRET_KEY_FALLBACKS")
if not SECRET_KEY:
    if _public_hosts or not (DEBUG or _is_testing):
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: put it into the environment or var/env, or run `run.py demo`."
        )
    SECRET_KEY = env.DEVELOPMENT_KEY
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", with_wildcards=True)
CONSOLE_CORS_ORIGINS = env.origins("CONSOLE_CORS_ORIGINS", with_wildcards=False)

INSTALLED_APPS = [
    "shortvideo.site.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "shortvideo.outbox",
    "shortvideo.webhooks",
    "accounts",
    "axes",  # after accounts, which replaces a command
    "videos",
    "recommendations",
]

MIDDLEWARE = [
    "shortvideo.middleware.RequestIdMiddleware",
    "shortvideo.cors.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "shortvideo.pages.CSPMiddleware",
    "shortvideo.pages.WhiteNoiseMiddleware",
    "shortvideo.pages.SessionMiddleware",
    "shortvideo.pages.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "shortvideo.door.DoorMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "shortvideo.pages.AuthenticationMiddleware",
    "accounts.middleware.OperatorMiddleware",
    "shortvideo.pages.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "shortvideo.urls"
WSGI_APPLICATION = "shortvideo.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "shortvideo" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {"desk": "shortvideo.desk.display"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------

_database = env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'var' / 'db.sqlite3'}")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    if not _database["NAME"].startswith((":memory:", "file:")):
        _database["NAME"] = str(env.new_file("DATABASE_URL", BASE_DIR / _database["NAME"]))
    _database["ENGINE"] = "shortvideo.fair_sqlite"
    # With Django's defaults, concurrent writers fail with "database is locked".
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        # A request gives up early and says so; a worker or a command has time.
        "timeout": env.whole_number("DATABASE_LOCK_TIMEOUT", 2_000 if _is_web else 20_000) / 1_000,
        "init_command": "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000;",
    }
else:
    _database["ENGINE"] = "shortvideo.bounded_postgresql"
    _database["CONN_MAX_AGE"] = env.whole_number("DATABASE_CONN_MAX_AGE", 60)
    _database["CONN_HEALTH_CHECKS"] = True
    # A query of a request ends before a proxy's timeout; those of workers and commands may be slow.
    # A worker that freezes in a transaction must not keep its lock on a video's row.
    _timeouts = {
        "statement_timeout": env.whole_number(
            "DATABASE_STATEMENT_TIMEOUT", 10_000 if _is_web else 0
        ),
        "lock_timeout": env.whole_number("DATABASE_LOCK_TIMEOUT", 2_000 if _is_web else 0),
        "idle_in_transaction_session_timeout": env.whole_number(
            "DATABASE_IDLE_TRANSACTION_TIMEOUT", 30_000
        ),
    }
    # A machine that is gone is noticed after a minute, also while nothing is sent.
    _options: dict[str, Any] = {
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    if _is_web:
        # A server that does not answer: 2 seconds for a new connection, and for a used one.
        _options |= {"connect_timeout": 2, "tcp_user_timeout": 2_000}
        if _timeouts["statement_timeout"]:
            _options["answer_timeout"] = _timeouts["statement_timeout"] / 1_000 + 2
    _options |= _database.get("OPTIONS", {})
    _flags = [f"-c {name}={limit}" for name, limit in _timeouts.items() if limit]
    if _flags:
        # JIT compilation of the worker's claim query took 80 ms, its execution 1 ms.
        _flags.append("-c jit=off")
        _options["options"] = " ".join([_options.get("options", ""), *_flags]).strip()
    _database["OPTIONS"] = _options
DATABASES = {"default": _database}

# --- People -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.Operator"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.OperatorBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
# Seconds since the last use, and since the login.
CONSOLE_TOKEN_TTL = env.whole_number("CONSOLE_TOKEN_TTL", 30 * 24 * 3600, at_least=60)
CONSOLE_TOKEN_MAX_AGE = env.whole_number("CONSOLE_TOKEN_MAX_AGE", 90 * 24 * 3600, at_least=60)
DESK_SESSION_TTL = env.whole_number("DESK_SESSION_TTL", 12 * 3600, at_least=60)
DESK_SESSION_MAX_AGE = env.whole_number("DESK_SESSION_MAX_AGE", 7 * 24 * 3600, at_least=60)
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = DESK_SESSION_TTL

TRUSTED_PROXY_COUNT = env.whole_number("TRUSTED_PROXY_COUNT", 0)
AXES_HANDLER = "accounts.lockout.LockoutHandler"
AXES_CLIENT_IP_CALLABLE = "accounts.lockout.client_address"
AXES_LOCKOUT_CALLABLE = "accounts.lockout.locked_out"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# --- Language, time, static files ---------------------------------------------------------------

LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LANGUAGE_CODE = env.choice("LANGUAGE_CODE", tuple(dict(LANGUAGES)), "en")
TIME_ZONE = env.time_zone("TIME_ZONE", "Asia/Shanghai")
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "shortvideo" / "locale"]
FORMAT_MODULE_PATH = "shortvideo.formats"
USE_TZ = True
STATIC_URL = "static/"
# Empty: served from the apps' folders, without collectstatic. An image runs collectstatic and names
# the folder here.
STATIC_ROOT = env.folder("STATIC_ROOT", "", root=BASE_DIR)
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
STATICFILES_DIRS = [BASE_DIR / "shortvideo" / "static"]
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# --- HTTP ---------------------------------------------------------------------------------------

_https = env.switch("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
# The owner of the domain decides about HSTS for subdomains and browsers' preload lists.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_SSL_REDIRECT = _https
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if _https else None
if env.switch("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

CDN_DOMAINS = env.hosts("CDN_DOMAINS")
MEDIA_URL_SCHEME = env.choice("MEDIA_URL_SCHEME", ("https", "http"), "https")
_media_origins = [f"{MEDIA_URL_SCHEME}://{domain}" for domain in CDN_DOMAINS]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", *_media_origins],
        # hls.js: playlists and segments by fetch, the media as a blob, a worker of its own.
        "media-src": ["'self'", "blob:", *_media_origins],
        "connect-src": ["'self'", *_media_origins],
        "worker-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Short Video Console",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["shortvideo.console.schema.without_slash_twins"],
    # Not the default one: enums stay inline, without components.
    "POSTPROCESSING_HOOKS": ["shortvideo.console.schema.with_headers"],
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "consoleToken": {"type": "apiKey", "in": "query", "name": "consoleToken"},
        }
    },
    # Each operation declares its own.
    "SECURITY": [],
}

# --- ApsaraVideo VOD and CDN --------------------------------------------------------------------

ALIBABA_CLOUD_ACCESS_KEY_ID = env.word("ALIBABA_CLOUD_ACCESS_KEY_ID")
ALIBABA_CLOUD_ACCESS_KEY_SECRET = env.word("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
VOD_ENDPOINT = env.endpoint("VOD_ENDPOINT")  # empty: the region's own
VOD_REGION = env.region("VOD_REGION", "cn-shanghai", is_known=not VOD_ENDPOINT)
VOD_PROTOCOL = env.choice("VOD_PROTOCOL", ("https", "http"), "https")
CDN_ENDPOINT = env.endpoint("CDN_ENDPOINT")
CDN_PROTOCOL = env.choice("CDN_PROTOCOL", ("https", "http"), "https")
CLOUD_PROXY = env.url("CLOUD_PROXY")
# For one call, retries included.
CLOUD_DEADLINE = env.seconds("CLOUD_DEADLINE", 5.0, at_least=0.1, at_most=600)
VOD_TRANSCODE_TEMPLATE_GROUP_ID = env.word("VOD_TRANSCODE_TEMPLATE_GROUP_ID")
VOD_NARROWBAND_TEMPLATE_GROUP_ID = env.word("VOD_NARROWBAND_TEMPLATE_GROUP_ID")
# Exactly as configured in VOD: the URL is part of the signature, and behind a proxy Django may see
# another one.
VOD_CALLBACK_URL = env.url("VOD_CALLBACK_URL")
VOD_CALLBACK_KEY = env.word("VOD_CALLBACK_KEY")
VOD_CALLBACK_PREVIOUS_KEY = env.word("VOD_CALLBACK_PREVIOUS_KEY")
VOD_CALLBACK_MAX_AGE = env.whole_number("VOD_CALLBACK_MAX_AGE", 300, at_least=1)  # seconds
EVENTS_KEEP_DAYS = env.whole_number("EVENTS_KEEP_DAYS", 90, at_least=1, at_most=env.LONGEST_DAYS)
MEDIA_URL_AUTH_KEY = env.word("MEDIA_URL_AUTH_KEY")
MEDIA_URL_TTL = env.whole_number("MEDIA_URL_TTL", 3600, at_least=60)  # seconds
MEDIA_URL_TTL_UNPUBLISHED = 600
# Seconds that the CDN accepts a signed URL after the time in it (a setting of the domain).
MEDIA_URL_AUTH_VALIDITY = env.whole_number("MEDIA_URL_AUTH_VALIDITY", 1800)

# --- Moderation ---------------------------------------------------------------------------------

MACHINE_REVIEW = env.choice("MACHINE_REVIEW", ("vod", "submit", "off"), "vod")
REVIEW_NORMAL = env.choice("REVIEW_NORMAL", ("pass", "queue"), "pass")
MACHINE_REVIEW_TIMEOUT = env.whole_number("MACHINE_REVIEW_TIMEOUT", 1800, at_least=1)  # seconds
# How long a decision of the desk waits, and can be undone, before it is sent to VOD; 0: no undo.
REVIEW_UNDO_SECONDS = env.whole_number("REVIEW_UNDO_SECONDS", 10)
# The team's defaults of the review page; each operator may choose otherwise.
REVIEW_BLUR = env.switch("REVIEW_BLUR", default=False)
REVIEW_GREYSCALE = env.switch("REVIEW_GREYSCALE", default=False)
# The language of the reasons that VOD gets.
VOD_REASON_LANGUAGE = env.choice("VOD_REASON_LANGUAGE", ("en", "zh-hans"), "en")
# If a worker is lost while it sends a decision, VOD's history is read this much later: the call may
# arrive late. That of a frozen worker may arrive even later, but that is rare.
REVIEW_LOOK_BACK_SECONDS = env.whole_number("REVIEW_LOOK_BACK_SECONDS", 60)
# How long the evidence of a blocked clip is kept after the clip's deletion.
EVIDENCE_DAYS = env.whole_number("EVIDENCE_DAYS", 180, at_least=1, at_most=env.LONGEST_DAYS)
EVIDENCE_ROOT = str(env.folder("EVIDENCE_ROOT", "var/evidence", root=BASE_DIR))
STORAGES["evidence"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": EVIDENCE_ROOT,
        "file_permissions_mode": 0o640,  # not for other users of the machine
        "directory_permissions_mode": 0o700,  # it may be what makes `var/`
    },
}
# Set by `run.py demo`: where `seed_demo` says how many clips are ready. Its programs share it.
DEMO_PROGRESS = env.folder("DEMO_PROGRESS", "", root=BASE_DIR)
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "demo": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    if DEMO_PROGRESS is None
    else {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(DEMO_PROGRESS),
    },
}
TRANSCODE_STUCK_SECONDS = env.whole_number("TRANSCODE_STUCK_SECONDS", 1800, at_least=1)
# How often the worker compares the mirror with VOD, without healing; 0: never.
RECONCILE_EVERY_HOURS = env.whole_number("RECONCILE_EVERY_HOURS", 24, at_most=24 * env.LONGEST_DAYS)
# A comparison reads the files of one video in this many, with a call each; 0: of none.
RECONCILE_FILE_SHARE = env.whole_number("RECONCILE_FILE_SHARE", 30)
CONSOLE_API_COMPAT = env.switch("CONSOLE_API_COMPAT", default=False)
CONSOLE_DEFAULT_BLOCK_REASON = env.text("CONSOLE_DEFAULT_BLOCK_REASON", "Blocked by review")
if len(CONSOLE_DEFAULT_BLOCK_REASON.encode()) > 128:
    raise ImproperlyConfigured("CONSOLE_DEFAULT_BLOCK_REASON is longer than 128 bytes of UTF-8.")

# --- Outbox -------------------------------------------------------------------------------------

OUTBOX_LEASE_SECONDS = env.whole_number("OUTBOX_LEASE_SECONDS", 10, at_least=1)
OUTBOX_POLL_SECONDS = env.seconds("OUTBOX_POLL_SECONDS", 0.5, at_least=0.01, at_most=60)
OUTBOX_MAX_ATTEMPTS = env.whole_number("OUTBOX_MAX_ATTEMPTS", 12, at_least=1, at_most=1000)
OUTBOX_BACKOFF_SECONDS = env.seconds("OUTBOX_BACKOFF_SECONDS", 1.0, at_least=0.001, at_most=3600)
OUTBOX_BACKOFF_CAP_SECONDS = env.seconds(
    "OUTBOX_BACKOFF_CAP_SECONDS", 300.0, at_least=0.001, at_most=86_400
)
OUTBOX_KEEP_DAYS = env.whole_number("OUTBOX_KEEP_DAYS", 90, at_least=1, at_most=env.LONGEST_DAYS)

# --- Webhooks -----------------------------------------------------------------------------------

# For one call.
WEBHOOK_TIMEOUT = env.seconds("WEBHOOK_TIMEOUT", 5.0, at_least=0.1, at_most=60)
WEBHOOK_MAX_ATTEMPTS = env.whole_number("WEBHOOK_MAX_ATTEMPTS", 15, at_least=1, at_most=1000)
WEBHOOK_ALLOW_HTTP = env.switch("WEBHOOK_ALLOW_HTTP", default=False)
# The backend is usually in the same network, and only administrators enter URLs.
WEBHOOK_ALLOW_PRIVATE = env.switch("WEBHOOK_ALLOW_PRIVATE", default=True)
WEBHOOK_SECRET_GRACE = env.whole_number("WEBHOOK_SECRET_GRACE", 24 * 3600)  # seconds
WEBHOOK_LOG_DAYS = env.whole_number("WEBHOOK_LOG_DAYS", 30, at_least=1, at_most=env.LONGEST_DAYS)

# --- Logging ------------------------------------------------------------------------------------

LOG_LEVEL = env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
LOG_FORMAT = env.choice("LOG_FORMAT", ("console", "json"), "console")
LOGGING_CONFIG = "shortvideo.logs.configure"
LOGGING = {"level": LOG_LEVEL, "format": LOG_FORMAT}
