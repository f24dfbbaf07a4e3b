"""Typed settings, read from the environment or from `var/env`.

The environment wins over the file that `ENV_FILE` names (default `var/env`, written by `run.py
demo`). An invalid value stops the start with one sentence that names the setting.
"""

import re
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(Path(env.str("ENV_FILE", default=str(BASE_DIR / "var" / "env"))))


def _choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value: str = env.str(name, default=default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
    return value


def _whole_number(name: str, default: int, *, at_least: int = 0) -> int:
    try:
        value: int = env.int(name, default=default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from error
    if value < at_least:
        raise ImproperlyConfigured(f"{name} is {value}; it must be at least {at_least}.")
    return value


def _seconds(name: str, default: float, *, at_least: float, at_most: float) -> float:
    try:
        value: float = env.float(name, default=default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a number of seconds.") from error
    if not at_least <= value <= at_most:
        raise ImproperlyConfigured(
            f"{name} is {value:g}; it must be from {at_least} to {at_most} seconds."
        )
    return value


def _origins(name: str) -> list[str]:
    origins: list[str] = env.list(name, default=[])
    for origin in origins:
        if not re.fullmatch(
            r"https?://[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:]+\](:[0-9]+)?", origin
        ):
            raise ImproperlyConfigured(
                f"{name} has {origin!r}; an origin is like https://app.example.com, in lower case, "
                "without a path."
            )
    return origins


# --- Django -------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not DEBUG and not env.bool("TESTING", default=False):
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: put it into the environment or var/env, or run `run.py demo`."
        )
    SECRET_KEY = "insecure-key-for-development-and-tests-only"  # noqa: S105 - refused above
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CONSOLE_CORS_ORIGINS = _origins("CONSOLE_CORS_ORIGINS")

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
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "shortvideo.door.DoorMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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

_is_web = env.bool("WEB_PROCESS", default=False)
_database: dict[str, Any] = env.db_url(
    "DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'db.sqlite3'}"
)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    if not _database["NAME"].startswith((":memory:", "file:")):
        _file = BASE_DIR / _database["NAME"]
        _file.parent.mkdir(parents=True, exist_ok=True)  # `manage.py migrate` may come first
        _database["NAME"] = str(_file)
    _database["ENGINE"] = "shortvideo.fair_sqlite"
    # With Django's defaults, concurrent writers fail with "database is locked".
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        # A request gives up early and says so; a worker or a command has time.
        "timeout": _whole_number("DATABASE_LOCK_TIMEOUT", 2_000 if _is_web else 20_000) / 1_000,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000;"
        ),
    }
else:
    _database["CONN_MAX_AGE"] = _whole_number("DATABASE_CONN_MAX_AGE", 60)
    _database["CONN_HEALTH_CHECKS"] = True
    # A query of a request ends before a proxy's timeout; those of workers and commands may be slow.
    # A worker that freezes in a transaction must not keep its lock on a video's row.
    _timeouts = {
        "statement_timeout": _whole_number("DATABASE_STATEMENT_TIMEOUT", 10_000 if _is_web else 0),
        "lock_timeout": _whole_number("DATABASE_LOCK_TIMEOUT", 2_000 if _is_web else 0),
        "idle_in_transaction_session_timeout": _whole_number(
            "DATABASE_IDLE_TRANSACTION_TIMEOUT", 30_000
        ),
    }
    if _is_web:
        # A server that does not answer: 2 seconds for a new connection, and for a used one.
        _database.setdefault("OPTIONS", {}).update(connect_timeout=2, tcp_user_timeout=2_000)
    _flags = [f"-c {name}={limit}" for name, limit in _timeouts.items() if limit]
    if _flags:
        # JIT compilation of the worker's claim query took 80 ms, its execution 1 ms.
        _flags.append("-c jit=off")
        _options = _database.setdefault("OPTIONS", {})
        _options["options"] = " ".join([_options.get("options", ""), *_flags]).strip()
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
# Seconds since the last use, and since the login.
CONSOLE_TOKEN_TTL = _whole_number("CONSOLE_TOKEN_TTL", 30 * 24 * 3600, at_least=60)
CONSOLE_TOKEN_MAX_AGE = _whole_number("CONSOLE_TOKEN_MAX_AGE", 90 * 24 * 3600, at_least=60)
DESK_SESSION_TTL = _whole_number("DESK_SESSION_TTL", 12 * 3600, at_least=60)
DESK_SESSION_MAX_AGE = _whole_number("DESK_SESSION_MAX_AGE", 7 * 24 * 3600, at_least=60)
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = DESK_SESSION_TTL

TRUSTED_PROXY_COUNT = _whole_number("TRUSTED_PROXY_COUNT", 0)
AXES_HANDLER = "accounts.lockout.LockoutHandler"
AXES_CLIENT_IP_CALLABLE = "accounts.lockout.client_address"
AXES_LOCKOUT_CALLABLE = "accounts.lockout.locked_out"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# --- Language, time, static files ---------------------------------------------------------------

LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
TIME_ZONE = env.str("TIME_ZONE", default="Asia/Shanghai")
USE_I18N = True
FORMAT_MODULE_PATH = "shortvideo.formats"
USE_TZ = True
STATIC_URL = "static/"
# Empty: served from the apps' folders, without collectstatic. An image runs collectstatic and names
# the folder here.
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
STATICFILES_DIRS = [BASE_DIR / "shortvideo" / "static"]
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# --- HTTP ---------------------------------------------------------------------------------------

_https = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
# The owner of the domain decides about HSTS for subdomains and browsers' preload lists.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_SSL_REDIRECT = _https
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if _https else None
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

CDN_DOMAINS: list[str] = env.list("CDN_DOMAINS", default=[])
MEDIA_URL_SCHEME = _choice("MEDIA_URL_SCHEME", ("https", "http"), "https")
_media_origins = [f"{MEDIA_URL_SCHEME}://{domain}" for domain in CDN_DOMAINS]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", *_media_origins],
        "media-src": ["'self'", *_media_origins],
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
    "POSTPROCESSING_HOOKS": [],  # keep enums inline, without components
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

ALIBABA_CLOUD_ACCESS_KEY_ID = env.str("ALIBABA_CLOUD_ACCESS_KEY_ID", default="")
ALIBABA_CLOUD_ACCESS_KEY_SECRET = env.str("ALIBABA_CLOUD_ACCESS_KEY_SECRET", default="")
VOD_REGION = env.str("VOD_REGION", default="cn-shanghai")
VOD_ENDPOINT = env.str("VOD_ENDPOINT", default="")  # empty: the region's own
VOD_PROTOCOL = _choice("VOD_PROTOCOL", ("https", "http"), "https")
CDN_ENDPOINT = env.str("CDN_ENDPOINT", default="")
CDN_PROTOCOL = _choice("CDN_PROTOCOL", ("https", "http"), "https")
CLOUD_PROXY = env.str("CLOUD_PROXY", default="")
# For one call, retries included.
CLOUD_DEADLINE = _seconds("CLOUD_DEADLINE", 5.0, at_least=0.1, at_most=600)
VOD_TRANSCODE_TEMPLATE_GROUP_ID = env.str("VOD_TRANSCODE_TEMPLATE_GROUP_ID", default="")
VOD_NARROWBAND_TEMPLATE_GROUP_ID = env.str("VOD_NARROWBAND_TEMPLATE_GROUP_ID", default="")
# Exactly as configured in VOD: the URL is part of the signature, and behind a proxy Django may see
# another one.
VOD_CALLBACK_URL = env.str("VOD_CALLBACK_URL", default="")
VOD_CALLBACK_KEY = env.str("VOD_CALLBACK_KEY", default="")
VOD_CALLBACK_PREVIOUS_KEY = env.str("VOD_CALLBACK_PREVIOUS_KEY", default="")
VOD_CALLBACK_MAX_AGE = _whole_number("VOD_CALLBACK_MAX_AGE", 300, at_least=1)  # seconds
EVENTS_KEEP_DAYS = _whole_number("EVENTS_KEEP_DAYS", 90, at_least=1)
MEDIA_URL_AUTH_KEY = env.str("MEDIA_URL_AUTH_KEY", default="")
MEDIA_URL_TTL = _whole_number("MEDIA_URL_TTL", 3600, at_least=60)  # seconds
MEDIA_URL_TTL_UNPUBLISHED = 600
# Seconds that the CDN accepts a signed URL after the time in it (a setting of the domain).
MEDIA_URL_AUTH_VALIDITY = _whole_number("MEDIA_URL_AUTH_VALIDITY", 1800)

# --- Moderation ---------------------------------------------------------------------------------

MACHINE_REVIEW = _choice("MACHINE_REVIEW", ("vod", "submit", "off"), "vod")
REVIEW_NORMAL = _choice("REVIEW_NORMAL", ("pass", "queue"), "pass")
MACHINE_REVIEW_TIMEOUT = _whole_number("MACHINE_REVIEW_TIMEOUT", 1800, at_least=1)  # seconds
# How long a decision of the desk waits, and can be undone, before it is sent to VOD; 0: no undo.
REVIEW_UNDO_SECONDS = _whole_number("REVIEW_UNDO_SECONDS", 5)
# If a worker is lost while it sends a decision, VOD's history is read this much later: the call may
# arrive late. That of a frozen worker may arrive even later, but that is rare.
REVIEW_LOOK_BACK_SECONDS = _whole_number("REVIEW_LOOK_BACK_SECONDS", 60)
# How long the evidence of a blocked clip is kept after the clip's deletion.
EVIDENCE_DAYS = _whole_number("EVIDENCE_DAYS", 180, at_least=1)
EVIDENCE_ROOT = str(BASE_DIR / (env.str("EVIDENCE_ROOT", default="") or "var/evidence"))
STORAGES["evidence"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": EVIDENCE_ROOT,
        "file_permissions_mode": 0o640,  # not for other users of the machine
        "directory_permissions_mode": 0o750,
    },
}
TRANSCODE_STUCK_SECONDS = _whole_number("TRANSCODE_STUCK_SECONDS", 1800, at_least=1)
# How often the worker compares the mirror with VOD, without healing; 0: never.
RECONCILE_EVERY_HOURS = _whole_number("RECONCILE_EVERY_HOURS", 24)
# A comparison reads the files of one video in this many, with a call each; 0: of none.
RECONCILE_FILE_SHARE = _whole_number("RECONCILE_FILE_SHARE", 30)
CONSOLE_API_COMPAT = env.bool("CONSOLE_API_COMPAT", default=False)
CONSOLE_DEFAULT_BLOCK_REASON = env.str("CONSOLE_DEFAULT_BLOCK_REASON", default="Blocked by review")
if len(CONSOLE_DEFAULT_BLOCK_REASON.encode()) > 128:
    raise ImproperlyConfigured("CONSOLE_DEFAULT_BLOCK_REASON is longer than 128 bytes of UTF-8.")

# --- Outbox -------------------------------------------------------------------------------------

OUTBOX_LEASE_SECONDS = _whole_number("OUTBOX_LEASE_SECONDS", 10, at_least=1)
OUTBOX_POLL_SECONDS = _seconds("OUTBOX_POLL_SECONDS", 0.5, at_least=0.01, at_most=60)
OUTBOX_MAX_ATTEMPTS = _whole_number("OUTBOX_MAX_ATTEMPTS", 12, at_least=1)
OUTBOX_BACKOFF_SECONDS = _seconds("OUTBOX_BACKOFF_SECONDS", 1.0, at_least=0.001, at_most=3600)
OUTBOX_BACKOFF_CAP_SECONDS = _seconds(
    "OUTBOX_BACKOFF_CAP_SECONDS", 300.0, at_least=0.001, at_most=86_400
)
OUTBOX_KEEP_DAYS = _whole_number("OUTBOX_KEEP_DAYS", 90, at_least=1)

# --- Webhooks -----------------------------------------------------------------------------------

# For one call.
WEBHOOK_TIMEOUT = _seconds("WEBHOOK_TIMEOUT", 5.0, at_least=0.1, at_most=60)
WEBHOOK_MAX_ATTEMPTS = _whole_number("WEBHOOK_MAX_ATTEMPTS", 15, at_least=1)
WEBHOOK_ALLOW_HTTP = env.bool("WEBHOOK_ALLOW_HTTP", default=False)
# The backend is usually in the same network, and only administrators enter URLs.
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", default=True)
WEBHOOK_SECRET_GRACE = _whole_number("WEBHOOK_SECRET_GRACE", 24 * 3600)  # seconds
WEBHOOK_LOG_DAYS = _whole_number("WEBHOOK_LOG_DAYS", 30, at_least=1)

# --- Logging ------------------------------------------------------------------------------------

LOG_LEVEL = _choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
LOG_FORMAT = _choice("LOG_FORMAT", ("console", "json"), "console")
LOGGING_CONFIG = "shortvideo.logs.configure"
LOGGING = {"level": LOG_LEVEL, "format": LOG_FORMAT}
