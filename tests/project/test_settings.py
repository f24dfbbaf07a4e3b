"""An invalid setting stops the start with a message that names it."""

import os
import re
import runpy
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from shortvideo import environment

ROOT = Path(__file__).resolve().parents[2]
KEY = "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Values that cannot be read, for each reader of shortvideo/environment.py.
UNREADABLE = {
    "choice": ("maybe", ""),
    "database": ("mysql://db/name", "postgres://db", "postgres://u:p/w@db:x/name", "nonsense",
                 "sqlite://var/db.sqlite3", "postgres://db:99999/name", ""),
    "endpoint": ("https://vod.example.com", "vod.example.com/", "vod example", "vod:0", "vod:x"),
    "folder": ("/dev/null/folder", "/dev/null", "a" * 5000, "a\nb"),
    "hosts": ("https://cdn.example.com", "media.example.com/clips", "a b", ",", "a,,b", "a:0"),
    "origins": ("console.example.com", "https://console.example.com/path", "https://", "ftp://a"),
    "region": ("nowhere", "cn_shanghai", "cn-shangai", ""),
    "seconds": ("soon", "nan", "inf", "-1", ""),
    "secret_keys": ("short", "x" * 60, f"django-insecure-{KEY}", f"{KEY},short",
                    "insecure-key-for-development-and-tests-only" * 2),
    "served_hosts": ("http://console.example.com", "console.example.com/", "a:80", "", "a b", "*"),
    "switch": ("yes-please", "2", "tru", ""),
    "text": ("two\nlines", "\x1b[31m"),
    "time_zone": ("Mars/Olympus", "/etc/passwd", "../UTC", ""),
    "url": ("ftp://example.com/", "example.com", "http://", "http://a:x/", "http://[::1"),
    "whole_number": ("soon", "-1", "1.5", "1e3", str(2**31), ""),
    "word": ("two words", "密码", "line\n"),
}  # fmt: skip
SOURCE = (ROOT / "shortvideo" / "settings.py").read_text(encoding="utf-8")
READ = {
    name: reader for reader, name in re.findall(r'env\.(?!new_file)(\w+)\(\s*"([A-Z_]+)"', SOURCE)
}
NO_SETTINGS = {"ENV_FILE", "TESTING", "WEB_PROCESS"}  # of tests and of the web server itself


def load(monkeypatch: pytest.MonkeyPatch, folder: Path, **environment: str) -> dict[str, Any]:
    """The settings with only these variables."""
    for name in READ:
        monkeypatch.delenv(name, raising=False)
    usual = {"ENV_FILE": os.devnull, "SECRET_KEY": KEY, "DATABASE_URL": f"sqlite:///{folder}/db"}
    for name, value in {**usual, **environment}.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "shortvideo" / "settings.py"))


def start(env_file: str = os.devnull, **environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in another process that has only `environment`."""
    return subprocess.run(
        [sys.executable, "-c", "from shortvideo import settings; print(settings.SECRET_KEY)"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": env_file, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "MACHINE_REVIEW",
            "maybe",
            "MACHINE_REVIEW is 'maybe'; it must be one of vod, submit, off.",
        ),
        ("VOD_PROTOCOL", "ftp", "VOD_PROTOCOL is 'ftp'; it must be one of https, http."),
        ("CONSOLE_TOKEN_TTL", "soon", "CONSOLE_TOKEN_TTL must be a whole number."),
        ("CONSOLE_TOKEN_TTL", "5", "CONSOLE_TOKEN_TTL is 5; it must be at least 60."),
        ("CLOUD_DEADLINE", "long", "CLOUD_DEADLINE must be a number of seconds."),
        ("CLOUD_DEADLINE", "0", "CLOUD_DEADLINE is 0; it must be from 0.1 to 600 seconds."),
        ("OUTBOX_POLL_SECONDS", "nan", "OUTBOX_POLL_SECONDS must be a number of seconds."),
        ("OUTBOX_BACKOFF_CAP_SECONDS", "-1", "must be from 0.001 to 86400 seconds."),
        (
            "CONSOLE_DEFAULT_BLOCK_REASON",
            "敏" * 43,
            "CONSOLE_DEFAULT_BLOCK_REASON is longer than 128 bytes of UTF-8.",
        ),
    ],
)
def test_a_bad_value_is_named_with_the_allowed_values(name: str, value: str, sentence: str) -> None:
    result = start(SECRET_KEY=KEY, **{name: value})
    assert result.returncode != 0
    assert sentence in result.stderr


def test_without_a_secret_key_nothing_starts() -> None:
    result = start()
    assert result.returncode != 0
    assert "SECRET_KEY is not set" in result.stderr


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(f"SECRET_KEY={KEY}-of-the-file\n")
    assert start(str(file)).stdout.strip() == f"{KEY}-of-the-file"
    assert start(str(file), SECRET_KEY=KEY).stdout.strip() == KEY


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, reader in READ.items() for value in UNREADABLE[reader]],
)
def test_no_setting_takes_an_unreadable_value(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    is_postgres = name.startswith("DATABASE_") and name != "DATABASE_URL"
    others = {"DATABASE_URL": "postgres://db/name"} if is_postgres else {}
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} ") as refusal:
        load(monkeypatch, tmp_path, **{**others, name: value})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "VOD_CALLBACK_KEY", "CLOUD_PROXY"])
def test_a_refusal_repeats_no_secret(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        load(monkeypatch, tmp_path, **{name: "ftp://me:hidden word@example.com"})
    assert "hidden" not in str(refusal.value)


def test_the_documented_settings_are_those_that_are_read() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|", page, re.MULTILINE)
    documented = {name for cell in cells for name in re.findall(r"[A-Z_]+", cell)}
    assert documented == READ.keys() - NO_SETTINGS
    assert not re.search(r"environ(\.get)?[(\[]", SOURCE), "a value read past the readers"


@pytest.mark.parametrize("value", ["true", "True", "yes", "on", "1"])
def test_a_switch_has_several_spellings(
    value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load(monkeypatch, tmp_path, HTTPS=value)["SESSION_COOKIE_SECURE"] is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", "console.example.com,.example.com,10.0.0.7,[::1]"),
        ("CDN_DOMAINS", "127.0.0.1:8399,media.example.com"),
        ("CLOUD_PROXY", "http://me:word@proxy.example.com:3128"),
        ("CSRF_TRUSTED_ORIGINS", "https://console.example.com:8443,https://*.example.com"),
        ("DATABASE_URL", "postgres://user:p%40ss@db1:5432,db2:5433/name?sslmode=require"),
        ("DATABASE_URL", "postgresql://user@%2Fvar%2Frun%2Fpostgresql/name"),
        ("DATABASE_URL", "sqlite://:memory:"),
        ("SECRET_KEY", "$" + KEY),
        ("VOD_CALLBACK_URL", "https://console.example.com/vodcallback/callback?a=1"),
        ("VOD_ENDPOINT", "[::1]:8399"),
    ],
)
def test_a_readable_value_is_taken(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load(monkeypatch, tmp_path, **{name: value})


def test_another_region_needs_its_endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = load(monkeypatch, tmp_path, VOD_REGION="cn-new-1", VOD_ENDPOINT="vod.example.com")
    assert found["VOD_REGION"] == "cn-new-1"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DEBUG": "true", "ALLOWED_HOSTS": "localhost,console.example.com"}, "DEBUG is true and"),
        ({"DEBUG": "true", "ALLOWED_HOSTS": "192.168.1.7"}, "DEBUG is true and"),
        (
            {"SECRET_KEY": "", "TESTING": "true", "ALLOWED_HOSTS": "example.com"},
            "SECRET_KEY is not",
        ),
        ({"SECRET_KEY": "", "DEBUG": "false"}, "SECRET_KEY is not set"),
        ({"ALLOWED_HOSTS": "console.example.com,*"}, "ALLOWED_HOSTS is '*'"),
        ({"SECRET_KEY_FALLBACKS": "changeme"}, "SECRET_KEY_FALLBACKS is short or well known"),
        ({"SECRET_KEY": f"   # {'python3 -c secrets ' * 4}"}, "SECRET_KEY is short or well known"),
        (
            {"SECRET_KEY": "your-secret-key-here-0123456789" * 2},
            "SECRET_KEY is short or well known",
        ),
        ({"DEBUG": "true", "ALLOWED_HOSTS": "127.example.com"}, "DEBUG is true and"),
    ],
)
def test_a_server_for_others_refuses_what_is_for_development(
    environment: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(sentence)):
        load(monkeypatch, tmp_path, **environment)


def test_debug_serves_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hosts = "localhost,127.0.0.1,[::1],console.localhost"
    found = load(monkeypatch, tmp_path, DEBUG="true", SECRET_KEY="", ALLOWED_HOSTS=hosts)
    assert found["DEBUG"] is True


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"HTTPS true\n", "line 1: expected KEY=value."),
        (b"# fine\nHTTPS = true\n", "line 2: expected KEY=value."),
        (b"TIME_ZONE=\xff\n", "which cannot be read."),
        (None, "which cannot be read."),
    ],
)
def test_an_unreadable_file_of_settings_is_named(
    content: bytes | None, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match=re.escape(str(file))) as refusal:
        load(monkeypatch, tmp_path, ENV_FILE=str(file))
    assert sentence in str(refusal.value)


def test_only_our_user_may_enter_the_folder_of_the_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load(monkeypatch, tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/var/data/db.sqlite3")
    for folder in (tmp_path / "var", tmp_path / "var" / "data"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_only_our_user_may_enter_the_folder_of_static_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STATIC_ROOT", "var/static")
    assert environment.folder("STATIC_ROOT", "", root=tmp_path) == tmp_path / "var" / "static"
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
    assert not (tmp_path / "var" / "static").exists()


def test_a_folder_of_the_database_that_cannot_be_made_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_URL names .* cannot be made"):
        load(monkeypatch, tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/file/db.sqlite3")
