"""Readers of settings: a value of the environment, or a refusal that names the setting.

Every function refuses an unreadable value with ImproperlyConfigured: "NAME is VALUE; it must be
WHAT IS ALLOWED." Values that may be secret are not repeated.
"""

import math
import os
import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.checks.security import base
from django.core.exceptions import ImproperlyConfigured

DEVELOPMENT_KEY: Final = "insecure-key-for-development-and-tests-only"
LARGEST_NUMBER: Final = 2**31 - 1  # what a column and a time span of seconds can hold
IN_MEMORY: Final = "sqlite://:memory:"
LONGEST_DAYS: Final = 36_500  # a date that is earlier by this much still exists

_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0")
_NAME: Final = r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]"
_HOST: Final = re.compile(_NAME, re.IGNORECASE)
_SERVED_HOST: Final = re.compile(rf"\*|\.?({_NAME})", re.IGNORECASE)
_HOST_WITH_PORT: Final = re.compile(rf"({_NAME})(:(?P<port>\d{{1,5}}))?", re.IGNORECASE)
_PRINTABLE: Final = re.compile(r"[!-~]*")
_LINE: Final = re.compile(r"(export )?\w+=.*|\s*(#.*)?", re.ASCII)
_POSTGRES: Final = ("postgres", "postgresql", "psql", "pgsql")
# Where VOD is offered, as its SDK knows.
_VOD_REGIONS: Final = (
    "cn-shanghai", "cn-hangzhou", "cn-beijing", "cn-shenzhen", "cn-hongkong", "ap-northeast-1",
    "ap-southeast-1", "ap-southeast-5", "eu-central-1", "me-central-1", "us-west-1",
)  # fmt: skip


def read_file(path: Path, *, is_required: bool) -> None:
    """Add the KEY=value lines of a file to the environment, which wins."""
    if not path.exists() and not is_required:
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"ENV_FILE names {path}, which cannot be read.") from error
    for number, line in enumerate(lines, start=1):
        if not _LINE.fullmatch(line):
            raise ImproperlyConfigured(f"{path}, line {number}: expected KEY=value.")
    environ.Env.read_env(path)


def text(name: str, default: str = "") -> str:
    """A value without line breaks and other control characters."""
    value = os.environ.get(name, default)
    if not value.isprintable():
        raise ImproperlyConfigured(f"{name} contains a character that cannot be printed.")
    return value


def word(name: str, default: str = "") -> str:
    """A key or an id: ASCII without blanks."""
    value = os.environ.get(name, default)
    if not _PRINTABLE.fullmatch(value):
        raise ImproperlyConfigured(f"{name} must consist of ASCII characters without blanks.")
    return value


# A comment after an empty value, or what examples have in place of a key.
_PLACEHOLDER: Final = re.compile(r"\s|change.?me|secret.?key", re.IGNORECASE)


def secret_keys(name: str) -> list[str]:
    """Keys of Django, comma-separated: as long and as random as `check --deploy` wants them."""
    keys = [key for key in text(name).split(",") if key]
    for key in keys:
        if (
            len(key) < base.SECRET_KEY_MIN_LENGTH
            or len(set(key)) < base.SECRET_KEY_MIN_UNIQUE_CHARACTERS
            or key.startswith((base.SECRET_KEY_INSECURE_PREFIX, DEVELOPMENT_KEY))
            or _PLACEHOLDER.search(key)
        ):
            raise ImproperlyConfigured(
                f"{name} is short or well known; it must be {base.SECRET_KEY_MIN_LENGTH} random "
                "characters or more. A new one: python3 -c 'import secrets; "
                "print(secrets.token_urlsafe(48))'"
            )
    return keys


def switch(name: str, *, default: bool) -> bool:
    value = os.environ.get(name, str(default)).strip().lower()
    if value not in {*_TRUE, *_FALSE}:
        raise _refusal(name, value, "true or false")
    return value in _TRUE


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value = os.environ.get(name, default)
    if value not in allowed:
        raise _refusal(name, value, f"one of {', '.join(allowed)}")
    return value


def whole_number(
    name: str, default: int, *, at_least: int = 0, at_most: int = LARGEST_NUMBER
) -> int:
    try:
        number = int(os.environ.get(name, default))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from error
    if number < at_least:
        raise ImproperlyConfigured(f"{name} is {number}; it must be at least {at_least}.")
    if number > at_most:
        raise ImproperlyConfigured(f"{name} is {number}; it must be at most {at_most}.")
    return number


def seconds(name: str, default: float, *, at_least: float, at_most: float) -> float:
    try:
        number = float(os.environ.get(name, default))
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise ImproperlyConfigured(f"{name} must be a number of seconds.")
    if not at_least <= number <= at_most:
        raise ImproperlyConfigured(
            f"{name} is {number:g}; it must be from {at_least} to {at_most} seconds."
        )
    return number


def time_zone(name: str, default: str) -> str:
    value = os.environ.get(name, default)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _refusal(name, value, "a time zone such as Asia/Shanghai") from error
    return value


def region(name: str, default: str, *, is_known: bool) -> str:
    """A region of VOD; with `is_known` False any, as the endpoint is named too."""
    value = os.environ.get(name, default)
    if value not in _VOD_REGIONS and (is_known or not _HOST.fullmatch(value)):
        raise _refusal(name, value, f"one of {', '.join(_VOD_REGIONS)}")
    return value


def folder(name: str, default: str, *, root: Path) -> Path | None:
    """A folder that exists or can be made, absolute or relative to `root`; None without one.

    Makes the missing folders above it that are below `root`, for our user only: `collectstatic`
    would let every user of the machine enter `var/`.
    """
    value = text(name) or default
    if not value:
        return None
    path = root / value
    try:
        there = next(each for each in (path, *path.parents) if each.exists())
    except OSError:
        there = Path(os.devnull)
    if not there.is_dir() or (there != path and not os.access(there, os.W_OK)):
        raise _refusal(name, value, "a folder that exists or can be made")
    if path.parent.is_relative_to(root):
        _make_private(path.parent)
    return path


def new_file(name: str, path: Path) -> Path:
    """A file that exists or can be made. Makes its folder, for our user only."""
    try:
        _make_private(path.parent)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} names {path}, whose folder cannot be made: {error.strerror}."
        ) from error
    if path.is_dir():
        raise ImproperlyConfigured(f"{name} names {path}, which is a folder; it must be a file.")
    return path


def _make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing; only our user may enter them."""
    if not folder.is_dir():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def served_hosts(name: str, default: str) -> list[str]:
    """Host names that the server answers to: at least one."""
    what = "host names without scheme and port, comma-separated"
    found = _items(name, default, _SERVED_HOST.fullmatch, what)
    if not found:
        raise _refusal(name, "", what)
    return found


def hosts(name: str) -> list[str]:
    what = "host names such as media.example.com, comma-separated"
    return _items(name, "", _is_host_with_port, what)


def endpoint(name: str) -> str:
    value = os.environ.get(name, "")
    if value and not _is_host_with_port(value):
        raise _refusal(name, value, "a host without scheme and path, such as 127.0.0.1:8399")
    return value


def origins(name: str, *, with_wildcards: bool) -> list[str]:
    what = "origins such as https://console.example.com, in lower case, comma-separated"
    return _items(
        name,
        "",
        lambda item: (
            _is_url(item, is_origin=True)
            and item == item.lower()
            and (with_wildcards or "*" not in item)
        ),
        what,
    )


def url(name: str) -> str:
    """An http or https URL, or "". It may hold a password, so it is not repeated."""
    value = word(name)
    if value and not _is_url(value):
        raise ImproperlyConfigured(f"{name} must be a URL that starts with http:// or https://.")
    return value


def database(name: str, default: str) -> dict[str, Any]:
    """Django's settings of a database. The URL holds a password, so it is not repeated."""
    value = os.environ.get(name, default)
    try:
        is_valid = value == IN_MEMORY or _is_database_url(value)
        if is_valid:
            found: dict[str, Any] = environ.Env.db_url_config(value)
            return found
    except ValueError:
        pass
    raise ImproperlyConfigured(
        f"{name} must be a URL such as sqlite:///var/db.sqlite3 or "
        "postgres://user:password@host/name; special characters are written as %40."
    )


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach a served host."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name, for example 127.example.com
        return False


def _refusal(name: str, value: str, what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is {value!r}; it must be {what}.")


def _items(name: str, default: str, is_valid: Callable[[str], object], what: str) -> list[str]:
    value = os.environ.get(name, default)
    items = [item.strip() for item in value.split(",")] if value.strip() else []
    for item in items:
        if not is_valid(item):
            raise ImproperlyConfigured(f"{name} has {item!r}; it must be {what}.")
    return items


def _is_database_url(value: str) -> bool:
    """May raise ValueError for an invalid one."""
    parts = urlsplit(value)
    if not parts.path.strip("/") or ("," not in parts.netloc and parts.port == 0):
        return False
    return parts.scheme in _POSTGRES or (parts.scheme == "sqlite" and not parts.netloc)


def _is_host_with_port(value: str) -> bool:
    found = _HOST_WITH_PORT.fullmatch(value)
    return found is not None and 0 < int(found["port"] or 1) < 65_536


def _is_url(value: str, *, is_origin: bool = False) -> bool:
    try:
        parts = urlsplit(value)
        is_valid = parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        return False
    # Django allows https://*.example.com as an origin.
    host = (parts.hostname or "").removeprefix("*." if is_origin else "")
    is_host = bool(_HOST.fullmatch(f"[{host}]" if ":" in host else host))
    return is_valid and is_host and not (is_origin and value != f"{parts.scheme}://{parts.netloc}")
