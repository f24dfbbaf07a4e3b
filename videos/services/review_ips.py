"""Review security IPs: VOD names the play URLs of pending and blocked videos to these callers only.

VOD has no page for them: they are set by its API. It keeps at most 10 groups of at most 100
addresses or CIDR blocks. Nothing is stored here. Each function calls VOD and waits three seconds at
most. It raises CloudUnavailable, CloudRejected, and InvalidState for input that VOD would refuse.
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Operator
from shortvideo.cloud import vod_gateway
from shortvideo.errors import InvalidState

if TYPE_CHECKING:
    from shortvideo.cloud.vod import VodGateway  # at run time it would load the SDKs

DEADLINE_SECONDS: Final = 3
DEFAULT_GROUP: Final = "Default"  # VOD's own name for it
GROUPS: Final = 10
GROUP_SIZE: Final = 100
_GROUP_NAME: Final = re.compile(r"[\w-]{1,64}")


def list_review_ips() -> dict[str, tuple[str, ...]]:
    """Return the addresses of each group, by the group's name."""
    return _gateway().security_ips()


def add_review_ips(
    texts: Sequence[str], *, group: str, operator: Operator | None = None, request_id: str = ""
) -> list[str]:
    """Add addresses or CIDR blocks to a group. Returns those that were not in it before."""
    addresses = [_parse_address(text) for text in texts]
    groups = list_review_ips()
    fresh = [each for each in dict.fromkeys(addresses) if each not in groups.get(group, ())]
    _check_room(groups, group, len(fresh))
    if not fresh:
        raise InvalidState(_("The group “%(group)s” has all of these already.") % {"group": group})
    _gateway().add_security_ips(fresh, group=group)
    _log(operator, f"add review IPs to {group}: {', '.join(fresh)}", request_id)
    return fresh


def remove_review_ips(
    texts: Sequence[str], *, group: str, operator: Operator | None = None, request_id: str = ""
) -> None:
    """Remove addresses or CIDR blocks from a group. They must be in it."""
    listed = list_review_ips().get(group, ())
    for text in texts:
        if text not in listed:
            names = {"group": group, "address": text}
            raise InvalidState(_("The group “%(group)s” does not have %(address)s.") % names)
    _gateway().remove_security_ips(texts, group=group)
    _log(operator, f"remove review IPs from {group}: {', '.join(texts)}", request_id)


def _gateway() -> "VodGateway":
    return vod_gateway().with_deadline(DEADLINE_SECONDS)


def _parse_address(text: str) -> str:
    """Return an address or CIDR block as VOD takes it."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        message = _(
            "“%(text)s” is no IP address and no CIDR block; write 203.0.113.7 or 203.0.113.0/24."
        )
        raise InvalidState(message % {"text": text[:60]}) from None
    if network.prefixlen == 0:
        raise InvalidState(
            _("%(text)s is every address: everybody could play pending videos.") % {"text": text}
        )
    address, slash, _prefix = text.partition("/")
    if slash and str(network.network_address) != address.lower():
        message = _("%(text)s is an address inside a block; the block is %(block)s.")
        raise InvalidState(message % {"text": text, "block": network})
    return str(network) if slash else str(network.network_address)


def _check_room(groups: Mapping[str, Sequence[str]], group: str, count: int) -> None:
    if not _GROUP_NAME.fullmatch(group):
        raise InvalidState(_("The name of a group has up to 64 letters, digits, “-” and “_”."))
    if group not in groups and len(groups) >= GROUPS:
        raise InvalidState(_("VOD has %(limit)d groups, and takes no more.") % {"limit": GROUPS})
    if len(groups.get(group, ())) + count > GROUP_SIZE:
        message = _("VOD takes at most %(limit)d addresses in a group; add them to another group.")
        raise InvalidState(message % {"limit": GROUP_SIZE})


def _log(operator: Operator | None, action: str, request_id: str) -> None:
    if operator is not None:
        journal.log_action(operator, operator, action, request_id=request_id)
