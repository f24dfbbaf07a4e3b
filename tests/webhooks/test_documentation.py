"""The documented verifier on real calls, and the documentation of event types and settings."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from shortvideo.webhooks.models import EventType
from shortvideo.webhooks.services import rotate_secret
from tests.support.receiver import Received, Receiver

from .support import emit_event, make_endpoint, work

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
Verifier = Callable[..., bool]


class Headers(dict[str, str]):
    """Headers as in a web framework: names match in any case."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())


@pytest.fixture
def is_genuine() -> Verifier:
    [code] = re.findall(r"```python\n(import hashlib.*?)```", PAGE.read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 10
    names: dict[str, Any] = {}
    exec(code, names)
    verifier: Verifier = names["is_genuine"]
    return verifier


def receive_one(receiver: Receiver) -> Received:
    emit_event("v1", title="面条 🍜")
    work()
    return receiver.received[-1]


def test_the_documented_verifier_accepts_a_real_call(
    is_genuine: Verifier, receiver: Receiver
) -> None:
    endpoint = make_endpoint(receiver)
    received = receive_one(receiver)
    assert is_genuine(endpoint.secret, Headers(received.headers), received.content)


def test_the_documented_verifier_accepts_old_and_new_secret(
    is_genuine: Verifier, receiver: Receiver
) -> None:
    endpoint = make_endpoint(receiver)
    new = rotate_secret(endpoint)
    received = receive_one(receiver)
    for secret in (endpoint.secret, new):
        assert is_genuine(secret, Headers(received.headers), received.content)


def test_the_documented_verifier_refuses_forged_calls(
    is_genuine: Verifier, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = make_endpoint(receiver)
    received = receive_one(receiver)
    headers, body = Headers(received.headers), received.content
    secret, now = endpoint.secret, int(headers["X-Console-Timestamp"])
    assert is_genuine(secret, headers, body)
    assert not is_genuine("whsec_other", headers, body)
    assert not is_genuine(secret, headers, body.replace(b"v1", b"v2"))
    for name, value in (
        ("x-console-timestamp", str(now + 1)),
        ("x-console-timestamp", "soon"),
        ("x-console-signature", ""),
        ("x-console-signature", "v1=é"),
    ):
        assert not is_genuine(secret, Headers({**headers, name: value}), body)
    monkeypatch.setattr(time, "time", lambda: now + 301)
    assert not is_genuine(secret, headers, body)


def test_every_type_and_every_setting_is_documented() -> None:
    text = PAGE.read_text()
    assert all(f"| `{member}` |" in text for member in EventType.values)
    configuration = PAGE.with_name("configuration.md").read_text()
    names = [name for name in dir(settings) if name.startswith("WEBHOOK_")]
    assert names
    assert all(f"`{name}`" in configuration for name in names)
