"""The world of the property tests."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django.fixtures import Settings

from tests.admin.conftest import Desk
from tests.factories import make_operator
from tests.faults.machine_world import World
from tests.support.console import Console
from tests.support.localvod import LocalVod
from tests.support.receiver import Receiver


@pytest.fixture(scope="module")
def silent_vod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalVod]:
    """A localvod that reviews clips only on request, and whose events a receiver ignores."""
    with Receiver() as receiver:
        folder = tmp_path_factory.mktemp("properties")
        with LocalVod(folder, auto_review="off", callback_url=receiver.url) as vod:
            yield vod


@pytest.fixture
def world(
    transactional_db: None,
    silent_vod: LocalVod,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    settings.VOD_ENDPOINT = settings.CDN_ENDPOINT = silent_vod.endpoint
    settings.CDN_DOMAINS = [silent_vod.endpoint]
    settings.OUTBOX_BACKOFF_SECONDS = 0  # the next round is the next attempt
    settings.MACHINE_REVIEW_TIMEOUT = 60
    settings.REVIEW_UNDO_SECONDS = 10  # a few steps
    monkeypatch.setattr("shortvideo.cloud.retry.PAUSES_SECONDS", (0.0,))
    operator = make_operator("administrator")
    client = Client()
    client.force_login(operator, django_settings.AUTHENTICATION_BACKENDS[-1])
    world = World(silent_vod, Console(operator), Desk(client, operator), tmp_path)
    logging.disable(logging.ERROR)  # faults by the thousand
    with world.clock.in_force():
        yield world
    logging.disable(logging.NOTSET)
