"""Clients of the official SDKs for the localvod under test."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alibabacloud_cdn20180510.client import Client as CdnClient
from alibabacloud_tea_openapi.utils_models import Config
from alibabacloud_vod20170321.client import Client as VodClient
from Tea.exceptions import TeaException

from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalVod


def sdk_config(server: LocalVod, secret: str = ACCESS_KEY_SECRET) -> Config:
    return Config(
        access_key_id=ACCESS_KEY_ID,
        access_key_secret=secret,
        endpoint=server.endpoint,
        protocol="http",
    )


@pytest.fixture
def client(vod: LocalVod) -> VodClient:
    return VodClient(sdk_config(vod))


@pytest.fixture
def cdn(vod: LocalVod) -> CdnClient:
    return CdnClient(sdk_config(vod))


@contextmanager
def refused(code: str, status: int | None = None) -> Iterator[None]:
    """Expect an error of the SDK with this code (and HTTP status)."""
    with pytest.raises(TeaException) as caught:
        yield
    assert caught.value.code == code
    if status is not None:
        assert caught.value.status_code == status
