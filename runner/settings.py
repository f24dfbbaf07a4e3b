"""`var/env`: the demo's settings. Existing values are kept, missing ones added.

A bare `manage.py` reads the file too, and the environment overrides it.
"""

import os
import re
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from runner.failure import Failure
from runner.project import Project

LOCALVOD_PORTS = range(20_000, 32_768)  # below the ports that systems give to outgoing connections
CALLBACK_URL = "http://127.0.0.1:{port}/vodcallback/callback"
OUR_CALLBACK_URL = re.compile(r"http://127\.0\.0\.1:\d+/vodcallback/callback")
DATABASE_URL = "sqlite:///var/db.sqlite3"
HEADER = "# Settings of the demo, written by run.py. The environment overrides them.\n"


def prepare(project: Project, *, web_port: int) -> dict[str, str]:
    """Complete `var/env`. Returns its settings, overridden by those of the environment."""
    project.make_var()
    stored = read_env(project.env_file)
    complete = {**_defaults(stored, web_port=web_port), **stored}
    for name in ("VOD_CALLBACK_URL", "LOCALVOD_CALLBACK_URL"):
        if OUR_CALLBACK_URL.fullmatch(complete[name]):
            complete[name] = CALLBACK_URL.format(port=web_port)
    if complete != stored:
        _write_env(project.env_file, complete)
    return {name: os.environ.get(name, value) for name, value in complete.items()}


def _defaults(stored: Mapping[str, str], *, web_port: int) -> dict[str, str]:
    """A value for every setting. Settings that must agree follow the `stored` ones."""

    def kept(name: str, value: str) -> str:
        return stored.get(name, value)

    port = kept("LOCALVOD_PORT", "") or str(_choose_localvod_port())
    address = f"127.0.0.1:{port}"
    key_id = kept("ALIBABA_CLOUD_ACCESS_KEY_ID", f"localvod{secrets.token_hex(8)}")
    key_secret = kept("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secrets.token_urlsafe(24))
    auth_key = kept("MEDIA_URL_AUTH_KEY", secrets.token_hex(16))
    callback_key = kept("VOD_CALLBACK_KEY", secrets.token_hex(16))
    callback_url = kept("VOD_CALLBACK_URL", CALLBACK_URL.format(port=web_port))
    standard = kept("VOD_TRANSCODE_TEMPLATE_GROUP_ID", "standard-template-group")
    narrowband = kept("VOD_NARROWBAND_TEMPLATE_GROUP_ID", "narrowband-template-group")
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DEBUG": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
        "DATABASE_URL": DATABASE_URL,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key_secret,
        "VOD_ENDPOINT": address,
        "VOD_PROTOCOL": "http",
        "CDN_ENDPOINT": address,
        "CDN_PROTOCOL": "http",
        "CDN_DOMAINS": address,
        "MEDIA_URL_SCHEME": "http",
        "MEDIA_URL_AUTH_KEY": auth_key,
        "DEMO_PROGRESS": "var/demo-progress",
        "VOD_CALLBACK_URL": callback_url,
        "VOD_CALLBACK_KEY": callback_key,
        "VOD_TRANSCODE_TEMPLATE_GROUP_ID": standard,
        "VOD_NARROWBAND_TEMPLATE_GROUP_ID": narrowband,
        "LOCALVOD_HOST": "127.0.0.1",
        "LOCALVOD_PORT": port,
        "LOCALVOD_STATE": "var/localvod",
        "LOCALVOD_ACCESS_KEY_ID": key_id,
        "LOCALVOD_ACCESS_KEY_SECRET": key_secret,
        "LOCALVOD_CDN_DOMAIN": address,
        "LOCALVOD_CDN_AUTH_KEY": auth_key,
        "LOCALVOD_CALLBACK_URL": callback_url,
        "LOCALVOD_CALLBACK_KEY": callback_key,
        "LOCALVOD_STANDARD_GROUP": standard,
        "LOCALVOD_NARROWBAND_GROUP": narrowband,
        # The console runs on a review IP: operators watch videos that the public cannot.
        "LOCALVOD_REVIEW_IPS": "127.0.0.1",
    }


def read_env(path: Path) -> dict[str, str]:
    """The KEY=value lines of a file, in order; empty without a file."""
    if not path.exists():
        return {}
    settings = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise Failure(f"{path} is not UTF-8 text.") from error
    for number, line in enumerate(lines, start=1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise Failure(f"{path}, line {number}: expected KEY=value.")
        settings[name.strip()] = value.strip().strip("'\"")
    return settings


def _write_env(path: Path, settings: Mapping[str, str]) -> None:
    """Set these settings in the file; comments and other lines stay."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else [HEADER.strip()]
    stored = read_env(path)
    changed = {name: value for name, value in settings.items() if stored.get(name) != value}
    for index, line in enumerate(lines):
        name = line.strip().removeprefix("export ").partition("=")[0].strip()
        if name in changed:
            lines[index] = f"{name}={changed.pop(name)}"
    lines += [f"{name}={value}" for name, value in changed.items()]
    replace_secret_file(path, "\n".join(lines) + "\n")


def replace_secret_file(path: Path, text: str) -> None:
    """Write a file that only our user may read, atomically."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)


def _choose_localvod_port() -> int:
    """A free port, chosen at random so that two checkouts seldom take the same one."""
    for _ in range(100):
        port = secrets.choice(LOCALVOD_PORTS)
        if is_port_free(port):
            return port
    raise Failure(
        f"No free port between {LOCALVOD_PORTS.start} and {LOCALVOD_PORTS.stop - 1} was found."
    )


def is_port_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
