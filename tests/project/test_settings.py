"""An invalid setting stops the start with a message that names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
    result = start(SECRET_KEY="x", **{name: value})
    assert result.returncode != 0
    assert sentence in result.stderr


def test_without_a_secret_key_nothing_starts() -> None:
    result = start()
    assert result.returncode != 0
    assert "SECRET_KEY is not set" in result.stderr


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("SECRET_KEY=from-the-file\n")
    assert start(str(file)).stdout.strip() == "from-the-file"
    assert start(str(file), SECRET_KEY="from-outside").stdout.strip() == "from-outside"
