"""Review security IPs: addresses that may play unpublished videos."""

import ipaddress
import sqlite3

from localvod import clock
from localvod.cloud import Cloud
from localvod.errors import ApiError, invalid_parameter
from localvod.operations.registry import Answer, Call, operation

LARGEST_GROUP, LARGEST_GROUP_COUNT = 100, 10


def is_reviewer(connection: sqlite3.Connection, peer: str) -> bool:
    """Whether an address is listed in any group."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    rows = connection.execute("SELECT ips FROM security_groups")
    entries = [entry for row in rows for entry in row["ips"].split(",") if entry]
    return any(address in ipaddress.ip_network(entry, strict=False) for entry in entries)


@operation("SetAuditSecurityIp", qps=10, is_writing=True)
def set_audit_security_ip(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Append to, replace, or delete from one group; an unknown OperateMode appends."""
    call.parameters.required("Ips")
    given = call.parameters.items("Ips")
    if not given:
        raise ApiError("IpsIsEmpty", 400, "Ips holds no address.")
    for entry in given:
        _check_entry(entry)
    name = call.parameters.text("SecurityGroupName", "Default")
    groups = {row["name"]: row for row in tx.execute("SELECT * FROM security_groups")}
    known = groups[name]["ips"].split(",") if name in groups else []
    entries = _apply_mode(call.parameters.text("OperateMode", "Append"), known, given)
    if len(entries) > LARGEST_GROUP:
        raise ApiError("IpsExceededMax", 403, f"A group has at most {LARGEST_GROUP} entries.")
    if name not in groups and len(groups) >= LARGEST_GROUP_COUNT:
        message = f"There are at most {LARGEST_GROUP_COUNT} groups."
        raise ApiError("SecurityIpGroupExceededMax", 403, message)
    now = clock.now_text()
    created = groups[name]["creation_time"] if name in groups else now
    row = (name, ",".join(entries), created, now)
    tx.execute("INSERT OR REPLACE INTO security_groups VALUES (?, ?, ?, ?)", row)
    call.effect = {"group": name, "ips": entries}
    return {}


def _check_entry(entry: str) -> None:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        raise invalid_parameter("Ips", f"{entry!r} is no address and no CIDR block") from None


def _apply_mode(mode: str, known: list[str], given: list[str]) -> list[str]:
    if mode == "Cover":
        return given
    if mode == "Delete":
        return [entry for entry in known if entry not in given]
    return list(dict.fromkeys([entry for entry in known if entry] + given))


@operation("ListAuditSecurityIp", qps=10)
def list_audit_security_ip(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """All groups, or the one of SecurityGroupName."""
    name = call.parameters.text("SecurityGroupName")
    rows = connection.execute(
        "SELECT * FROM security_groups WHERE ? IN ('', name) ORDER BY name", (name,)
    )
    return {
        "SecurityIpList": [
            {
                "SecurityGroupName": row["name"],
                "Ips": row["ips"],
                "CreationTime": row["creation_time"],
                "ModificationTime": row["modification_time"],
            }
            for row in rows
        ]
    }
