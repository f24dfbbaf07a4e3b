"""IP addresses: the IPv4 addresses that an IPv6 address leads to."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address

# Compatible, mapped and translated addresses, and NAT64: the last 32 bits are the IPv4 address.
_ENDING_IN_IPV4: Final = [
    IPv6Network(f"{prefix}/96") for prefix in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::")
]
# NAT64 for local use: each network chooses where in the address the IPv4 address is (RFC 6052).
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")


def embedded_ipv4(address: Address) -> Sequence[Address]:
    """Return the IPv4 addresses in an IPv6 address; more than one if its network decides which."""
    if isinstance(address, IPv4Address) or address.is_loopback or address.is_unspecified:
        return []
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return [address.teredo[1]]  # the client; the first is its server
    octets = address.packed
    if address in _LOCAL_NAT64:  # octet 8 is never part of the IPv4 address
        places = (octets[6:8] + octets[9:11], octets[7:8] + octets[9:12], octets[9:13], octets[12:])
        return [IPv4Address(place) for place in places if any(place)]
    if any(address in network for network in _ENDING_IN_IPV4):
        return [IPv4Address(octets[12:])]
    return []
