"""Which URLs are called: what an administrator may enter, and whom a connection may reach.

Only administrators enter URLs, and the backend usually is in the same network: private addresses
are allowed by default. Addresses that give away a cloud machine's credentials never are.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

Address = IPv4Address | IPv6Address

# The metadata services of Alibaba Cloud and of EC2 over IPv6; others are link-local.
METADATA: Final = (ip_address("100.100.100.200"), ip_address("fd00:ec2::254"))


def check_url(url: str) -> None:
    """Raise ValidationError, one sentence, for a URL that may not be called."""
    parts = parsed(url)
    if parts.username is not None or parts.password is not None:
        raise ValidationError(_("A URL carries no user name and no password."))
    if parts.fragment:
        raise ValidationError(_("A URL carries no fragment (#)."))
    host = parts.hostname or ""
    if parts.scheme == "http" and not (settings.WEBHOOK_ALLOW_HTTP or is_loopback(host)):
        raise ValidationError(
            _("It must be https; http is for this machine, or with WEBHOOK_ALLOW_HTTP=true.")
        )
    address = as_address(host)
    if address is not None and not is_allowed(address):
        raise ValidationError(
            _("The address %(address)s may not be called."), params={"address": host}
        )


def parsed(url: str) -> SplitResult:
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


def as_address(host: str) -> Address | None:
    """The address that a host is; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    address = as_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def is_allowed(address: Address) -> bool:
    """Whether a connection to this address may be used."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if address in METADATA:
        return False
    return settings.WEBHOOK_ALLOW_PRIVATE or address.is_global
