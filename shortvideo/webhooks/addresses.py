"""Which URLs an administrator may enter, and which addresses a connection may reach.

Only administrators enter URLs, and the backend is usually in the same network, so private
addresses are allowed by default. The metadata services, which serve the credentials of cloud
machines, never are.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from shortvideo.addresses import Address, embedded_ipv4

# The metadata services of Alibaba Cloud and of EC2 over IPv6; the others are link-local.
_METADATA: Final = (ip_address("100.100.100.200"), ip_address("fd00:ec2::254"))


def check_url(url: str) -> None:
    """Raises ValidationError (one sentence) if the URL may not be called."""
    parts = _parse(url)
    if parts.username is not None or parts.password is not None:
        raise ValidationError(_("The URL must not contain a user name or password."))
    if parts.fragment:
        raise ValidationError(_("The URL must not contain a fragment (#)."))
    host = parts.hostname or ""
    if parts.scheme == "http" and not (settings.WEBHOOK_ALLOW_HTTP or _is_loopback(host)):
        raise ValidationError(
            _("It must be https; http only for this machine, or with WEBHOOK_ALLOW_HTTP=true.")
        )
    address = _parse_address(host)
    if address is not None and not is_allowed(address):
        raise ValidationError(
            _("The address %(address)s may not be called."), params={"address": host}
        )


def _parse(url: str) -> SplitResult:
    """The parts of an http(s) URL with a host. Raises ValidationError."""
    message = _("It must be a URL such as https://backend.example.com/hooks.")
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError as error:
        raise ValidationError(message) from error
    is_clean = url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not (has_port and is_clean):
        raise ValidationError(message)
    return parts


def _parse_address(host: str) -> Address | None:
    """The host as an IP address; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _parse_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def is_allowed(address: Address) -> bool:
    """Whether a connection to this address may be used. IPv4 inside IPv6 is judged as IPv4."""
    return all(_is_allowed(each) for each in embedded_ipv4(address) or [address])


def _is_allowed(address: Address) -> bool:
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if address in _METADATA:
        return False
    return settings.WEBHOOK_ALLOW_PRIVATE or address.is_global
