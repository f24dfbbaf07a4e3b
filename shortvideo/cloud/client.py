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
from shortvideo.cloud.translation import is_for_the_log, translated

MAX_ATTEMPTS = 3

Operation = Callable[[Any, Any, RuntimeOptions], Any]
"""An SDK client's method, unbound: `VodClient.search_media_with_options`."""


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """What is needed to reach the cloud; an empty endpoint is the region's own."""

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
    """Sees an answer before the SDK's models drop what they do not know."""

    def call_api(self, params: Any, request: Any, runtime: Any) -> Any:
        answer = super().call_api(params, request, runtime)  # type: ignore[misc]  # the SDK's Client
        body = answer["body"]
        if isinstance(body, dict) and body.get("Code"):  # an error that travels on HTTP 200
            raise ClientException(code=str(body["Code"]), data=dict(body))
        if not isinstance(body, dict) or not body.get("RequestId"):
            raise TeaException({"message": "the answer is none of the cloud's"})
        return answer


class _VodClient(_Checked, VodClient):  # type: ignore[misc]  # the SDK is untyped
    pass


class _CdnClient(_Checked, CdnClient):  # type: ignore[misc]  # the SDK is untyped
    pass


@dataclass(frozen=True, slots=True)
class Service:
    """One product of the cloud: a client that repeats failed calls and one that never does."""

    name: Literal["VOD", "CDN"]
    repeating: Any
    single: Any
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
            name, client(_retries()), client(None), settings.proxy, settings.deadline_seconds
        )
        # The SDK resolves the region's endpoint and has no public name for it.
        _install_session(protocol=protocol, endpoint=service.single._endpoint)
        return service

    def with_deadline(self, seconds: float) -> Self:
        return replace(self, deadline_seconds=seconds)

    def repeatable(self, operation: Operation, request: Any) -> Reply:
        """Call what may be carried out twice: repeated within the deadline when it fails."""
        return self._call(self.repeating, operation, request)

    def once(self, operation: Operation, request: Any) -> Reply:
        """Call what must not be carried out twice: sent once, whatever happens."""
        return self._call(self.single, operation, request)

    def _call(self, client: Any, operation: Operation, request: Any) -> Reply:
        name = type(request).__name__.removesuffix("Request")
        sent_at = datetime.now(UTC)
        with transport.calling(deadline_seconds=self.deadline_seconds, proxy=self.proxy) as call:
            try:
                response = operation(client, request, RuntimeOptions())
            except TeaException as error:
                failure = translated(error, service=self.name, operation=name)
                raise failure from (error if is_for_the_log(error) else None)
        if not call.is_guarded:
            raise RuntimeError("The SDK sent a call past the deadline, size limit and proxy.")
        if response.body is None:  # the SDK's way of saying that the shape was not as expected
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


def _retries() -> RetryOptions:
    """Three tries, with a pause of 50 to 200 ms in between.

    Not where the cloud names the time to wait: that is for the caller, who knows what else waits.
    """
    return RetryOptions(
        retryable=True,
        retry_condition=[
            RetryCondition(
                max_attempts=MAX_ATTEMPTS,
                exception=["RetryError", "ServerException"],
                error_code=["Throttling", "Throttling.User", "Throttling.Api", "InternalError"],
                backoff={"policy": "EqualJitter", "period": 50, "cap": 200},
            )
        ],
        no_retry_condition=[RetryCondition(exception=["ThrottlingException"])],
    )
