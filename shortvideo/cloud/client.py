"""The SDK's clients: two for each product, shared by all threads of the process."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import requests
from alibabacloud_cdn20180510.client import Client as CdnClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import Config
from alibabacloud_vod20170321.client import Client as VodClient
from darabonba.core import DaraCore
from darabonba.policy.retry import RetryCondition, RetryOptions
from darabonba.runtime import RuntimeOptions
from django.conf import settings as django_settings
from Tea.exceptions import TeaException

from shortvideo.cloud import transport
from shortvideo.cloud.errors import CloudUnavailable
from shortvideo.cloud.reply import Reply
from shortvideo.cloud.translation import is_safe_to_log, translate

_MAX_ATTEMPTS = 3

Operation = Callable[[Any, Any, RuntimeOptions], Any]
"""An SDK client's method, unbound: `VodClient.search_media_with_options`."""


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """Connection settings. An empty endpoint means the region's own."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    vod_region: str = "cn-shanghai"
    vod_endpoint: str = ""
    vod_protocol: str = "https"
    cdn_endpoint: str = ""
    cdn_protocol: str = "https"
    proxy: str = field(default="", repr=False)
    deadline_seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.proxy and urlsplit(self.proxy).scheme not in {"http", "https"}:
            raise ValueError("CLOUD_PROXY must be a URL that starts with http:// or https://.")
        if self.deadline_seconds <= 0:
            raise ValueError("CLOUD_DEADLINE must be more than 0 seconds.")

    @classmethod
    def from_django(cls) -> Self:
        return cls(
            access_key_id=django_settings.ALIBABA_CLOUD_ACCESS_KEY_ID,
            access_key_secret=django_settings.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
            vod_region=django_settings.VOD_REGION,
            vod_endpoint=django_settings.VOD_ENDPOINT,
            vod_protocol=django_settings.VOD_PROTOCOL,
            cdn_endpoint=django_settings.CDN_ENDPOINT,
            cdn_protocol=django_settings.CDN_PROTOCOL,
            proxy=django_settings.CLOUD_PROXY,
            deadline_seconds=django_settings.CLOUD_DEADLINE,
        )


class _Checked:
    """Checks the raw answer, before the SDK's models drop unknown fields."""

    def call_api(self, params: Any, request: Any, runtime: Any) -> Any:
        answer = super().call_api(params, request, runtime)  # type: ignore[misc]  # the SDK's Client
        body = answer["body"]
        if isinstance(body, dict) and body.get("Code"):  # an error with HTTP status 200
            raise ClientException(code=str(body["Code"]), data=dict(body))
        if not isinstance(body, dict) or not body.get("RequestId"):
            raise TeaException({"message": "the answer has no RequestId"})
        return answer


class _VodClient(_Checked, VodClient):  # type: ignore[misc]  # the SDK is untyped
    pass


class _CdnClient(_Checked, CdnClient):  # type: ignore[misc]  # the SDK is untyped
    pass


@dataclass(frozen=True, slots=True)
class Service:
    """One product of the cloud, with an SDK client that retries and one that does not."""

    name: Literal["VOD", "CDN"]
    retrying_client: Any
    single_client: Any
    proxy: str
    deadline_seconds: float

    @classmethod
    def vod(cls, settings: CloudSettings) -> Self:
        return cls._make("VOD", _VodClient, settings, settings.vod_protocol, settings.vod_endpoint)

    @classmethod
    def cdn(cls, settings: CloudSettings) -> Self:
        return cls._make("CDN", _CdnClient, settings, settings.cdn_protocol, settings.cdn_endpoint)

    @classmethod
    def _make(
        cls,
        name: Literal["VOD", "CDN"],
        client_class: Callable[[Config], Any],
        settings: CloudSettings,
        protocol: str,
        endpoint: str,
    ) -> Self:
        def client(retries: RetryOptions | None) -> Any:
            return client_class(
                Config(
                    access_key_id=settings.access_key_id,
                    access_key_secret=settings.access_key_secret,
                    region_id=settings.vod_region,
                    endpoint=endpoint or None,
                    protocol=protocol,
                    max_idle_conns=transport.POOL_SIZE,
                    retry_options=retries,
                )
            )

        service = cls(
            name, client(_retry_options()), client(None), settings.proxy, settings.deadline_seconds
        )
        # The endpoint that the SDK resolved for the region has no public name.
        _install_session(protocol=protocol, endpoint=service.single_client._endpoint)
        return service

    def with_deadline(self, seconds: float) -> Self:
        return replace(self, deadline_seconds=seconds)

    def call_with_retries(self, operation: Operation, request: Any) -> Reply:
        """Make a call that may be executed twice; retry failures within the deadline."""
        return self._call(self.retrying_client, operation, request)

    def call_once(self, operation: Operation, request: Any) -> Reply:
        """Make a call that must not be executed twice; never retry it."""
        return self._call(self.single_client, operation, request)

    def _call(self, client: Any, operation: Operation, request: Any) -> Reply:
        name = type(request).__name__.removesuffix("Request")
        sent_at = datetime.now(UTC)
        limits = transport.bounded_call(deadline_seconds=self.deadline_seconds, proxy=self.proxy)
        with limits as call:
            try:
                response = operation(client, request, RuntimeOptions())
            except TeaException as error:
                failure = translate(error, service=self.name, operation=name)
                raise failure from (error if is_safe_to_log(error) else None)
        if not call.is_guarded:
            raise RuntimeError("The SDK sent a call past the deadline, size limit and proxy.")
        if response.body is None:  # the SDK drops a body of an unexpected shape
            raise CloudUnavailable(f"{self.name} did not answer {name}: the answer has no body.")
        return Reply(f"{self.name}'s answer to {name}", response.body.to_map(), sent_at)


def _install_session(*, protocol: str, endpoint: str) -> None:
    """Make the SDK send all calls to `endpoint` through our adapter.

    The client's Config must have `max_idle_conns=POOL_SIZE`, which is part of the key. The SDK
    defines the key: if a new version changes it, `Call.is_guarded` stays False.
    """
    session = requests.Session()
    session.trust_env = False
    session.mount(f"{protocol}://", transport.BoundedAdapter(pool_maxsize=transport.POOL_SIZE))
    DaraCore._sessions[f"{protocol}://{endpoint}:80:pool={transport.POOL_SIZE}"] = session


def _retry_options() -> RetryOptions:
    """Up to three attempts, 50 to 200 ms apart.

    No retry if the cloud names a time to wait: the caller knows what else waits, and decides.
    """
    return RetryOptions(
        retryable=True,
        retry_condition=[
            RetryCondition(
                max_attempts=_MAX_ATTEMPTS,
                exception=["RetryError", "ServerException"],
                error_code=["Throttling", "Throttling.User", "Throttling.Api", "InternalError"],
                backoff={"policy": "EqualJitter", "period": 50, "cap": 200},
            )
        ],
        no_retry_condition=[RetryCondition(exception=["ThrottlingException"])],
    )
