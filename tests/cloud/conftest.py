"""Gateways that talk to a cloud under the test's control."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shortvideo.cloud.cdn import CdnGateway
from shortvideo.cloud.client import CloudSettings, Service
from shortvideo.cloud.vod import VodGateway
from tests.cloud.liar import Liar

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper() in PROXY_VARIABLES:
            monkeypatch.delenv(name)


@pytest.fixture
def liar() -> Iterator[Liar]:
    server = Liar()
    yield server
    server.stop()


@pytest.fixture
def cloud_settings(liar: Liar) -> CloudSettings:
    return CloudSettings(
        access_key_id="key-id-of-the-tests",
        access_key_secret="secret-of-the-tests",
        vod_endpoint=liar.endpoint,
        vod_protocol="http",
        cdn_endpoint=liar.endpoint,
        cdn_protocol="http",
        deadline_seconds=20,
    )


@pytest.fixture
def vod(cloud_settings: CloudSettings) -> VodGateway:
    return VodGateway(Service.vod(cloud_settings))


@pytest.fixture
def cdn(cloud_settings: CloudSettings) -> CdnGateway:
    return CdnGateway(Service.cdn(cloud_settings))


@pytest.fixture
def proxy() -> Iterator[Liar]:
    """A listener that no call may reach unless CLOUD_PROXY names it."""
    server = Liar()
    yield server
    server.stop()


@pytest.fixture
def proxied_vod(cloud_settings: CloudSettings, proxy: Liar) -> VodGateway:
    return VodGateway(Service.vod(replace(cloud_settings, proxy=f"http://{proxy.endpoint}")))
