"""SetMessageCallback and GetMessageCallback."""

import dataclasses
import re
import sqlite3
from urllib.parse import urlsplit

from localvod.cloud import Cloud
from localvod.errors import invalid_parameter, missing_parameter
from localvod.events import CALLBACK_NOTE, CallbackConfig, load_config
from localvod.operations.registry import Answer, Call, operation
from localvod.store.notes import save_note

URL_LIMIT = 256
EVENT_TYPES = frozenset(
    [
        "ALL",
        "FileUploadComplete",
        "ImageUploadComplete",
        "AttachedMediaUploadComplete",
        "UploadByURLComplete",
        "VideoAnalysisComplete",
        "SnapshotComplete",
        "StreamTranscodeComplete",
        "TranscodeComplete",
        "AIComplete",
        "CreateAuditComplete",
        "DeleteMediaComplete",
        "MediaBaseChangeComplete",
    ]
)
_AUTH_KEY = re.compile(r"[A-Za-z0-9]{1,32}")


@operation("SetMessageCallback", qps=15, is_writing=True)
def set_message_callback(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Set where events are sent; an empty EventTypeList turns all events off."""
    given, old = call.parameters, load_config(tx)
    kind = given.choice("CallbackType", "HTTP", "HTTP", "MNS")
    config = CallbackConfig(
        url=_parse_url(call) if kind == "HTTP" else "",
        key=_parse_key(call, old),
        is_signed=given.choice("AuthSwitch", "on" if old.is_signed else "off", "on", "off") == "on",
        event_types=_parse_event_types(call),
        callback_type=kind,
        app_id=given.text("AppId", "app-1000000"),
        mns_endpoint=given.text("MnsEndpoint"),
        mns_queue_name=given.text("MnsQueueName"),
    )
    if config.is_signed and not config.key:
        raise missing_parameter("AuthKey")
    save_note(tx, CALLBACK_NOTE, dataclasses.asdict(config))
    call.effect = {"url": config.url, "event_types": config.event_types}
    return {}


def _parse_url(call: Call) -> str:
    url = call.parameters.required("CallbackURL")
    if len(url.encode()) > URL_LIMIT:
        raise invalid_parameter("CallbackURL", f"it may have {URL_LIMIT} bytes at most")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise invalid_parameter("CallbackURL", "it must be one http or https URL")
    return url


def _parse_key(call: Call, old: CallbackConfig) -> str:
    key = call.parameters.text("AuthKey", old.key)
    if key != old.key and not _AUTH_KEY.fullmatch(key):
        raise invalid_parameter("AuthKey", "it must be 1 to 32 letters and digits")
    return key


def _parse_event_types(call: Call) -> str:
    unknown = set(call.parameters.items("EventTypeList")) - EVENT_TYPES
    if unknown:
        raise invalid_parameter("EventTypeList", f"there is no event {sorted(unknown)[0]}")
    return ",".join(call.parameters.items("EventTypeList"))


@operation("GetMessageCallback", qps=15)
def get_message_callback(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """The configuration, with the key in plain text as in the service."""
    config = load_config(connection)
    return {
        "MessageCallback": {
            "AppId": config.app_id,
            "AuthKey": config.key,
            "AuthSwitch": "on" if config.is_signed else "off",
            "CallbackType": config.callback_type,
            "CallbackURL": config.url,
            "EventTypeList": config.event_types,
            "MnsEndpoint": config.mns_endpoint,
            "MnsQueueName": config.mns_queue_name,
        }
    }
