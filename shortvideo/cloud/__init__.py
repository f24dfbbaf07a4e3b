"""ApsaraVideo VOD and CDN in our own terms; the only package that imports an SDK.

Other packages import from here and from these modules; all other modules are private:

- `shortvideo.cloud`: the gateways and the errors
- `shortvideo.cloud.types`: the values that gateways take and return
- `shortvideo.cloud.events`: reading and verifying VOD's callbacks
- `shortvideo.cloud.urls`: media paths and signed media URLs
- `shortvideo.cloud.retry`: retries while the cloud is unavailable
- `shortvideo.cloud.transport`: HTTP connections with a deadline, also used by webhooks
- `shortvideo.cloud.vod`: `VodGateway`, for annotations

`vod_gateway()`, `cdn_gateway()` and `media_gateway()` create one gateway per process and settings;
threads may share it. Of Django the package uses only the settings.

Importing the SDKs takes a second and 60 MB. The first call of a gateway function does that, and so
does an import of `shortvideo.cloud.vod`; the other modules above do not.
"""

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from shortvideo.cloud.errors import CloudError, CloudRejected, CloudUnavailable

if TYPE_CHECKING:
    from shortvideo.cloud.cdn import CdnGateway
    from shortvideo.cloud.client import CloudSettings
    from shortvideo.cloud.media import MediaGateway
    from shortvideo.cloud.vod import VodGateway


def vod_gateway() -> "VodGateway":
    """Return the process's VOD gateway."""
    from shortvideo.cloud.client import CloudSettings  # noqa: PLC0415 - see above

    return _vod(CloudSettings.from_django())


def cdn_gateway() -> "CdnGateway":
    """Return the process's CDN gateway."""
    from shortvideo.cloud.client import CloudSettings  # noqa: PLC0415 - see above

    return _cdn(CloudSettings.from_django())


def media_gateway() -> "MediaGateway":
    """Return the process's gateway to the media files on the CDN."""
    return _media(settings.CLOUD_PROXY, settings.CLOUD_DEADLINE)


@lru_cache
def _vod(given: "CloudSettings") -> "VodGateway":
    from shortvideo.cloud.client import Service  # noqa: PLC0415 - see above
    from shortvideo.cloud.vod import VodGateway  # noqa: PLC0415 - see above

    return VodGateway(Service.vod(given))


@lru_cache
def _cdn(given: "CloudSettings") -> "CdnGateway":
    from shortvideo.cloud.cdn import CdnGateway  # noqa: PLC0415 - see above
    from shortvideo.cloud.client import Service  # noqa: PLC0415 - see above

    return CdnGateway(Service.cdn(given))


@lru_cache
def _media(proxy: str, deadline_seconds: float) -> "MediaGateway":
    from shortvideo.cloud.media import MediaGateway  # noqa: PLC0415 - see above

    return MediaGateway(proxy=proxy, deadline_seconds=deadline_seconds)


def _drop_gateways() -> None:
    """Make a forked process open its own connections: two must not read from one socket."""
    _vod.cache_clear()
    _cdn.cache_clear()
    _media.cache_clear()


os.register_at_fork(after_in_child=_drop_gateways)
