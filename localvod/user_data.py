"""UserData, the JSON text that an app gives to an upload or a job."""

import json
from collections.abc import Mapping
from typing import Any


def extend_part(user_data: str) -> dict[str, str]:
    """The part of an event's body that repeats Extend of UserData; empty if there is none."""
    extend = extend_text(json.loads(user_data)) if user_data else ""
    return {"Extend": extend} if extend else {}


def extend_text(user_data: Mapping[str, Any]) -> str:
    """Extend of parsed UserData: a string stays, anything else becomes JSON text."""
    extend = user_data.get("Extend", "")
    return extend if isinstance(extend, str) else json.dumps(extend, ensure_ascii=False)


def callback_url(user_data: str) -> str:
    """The URL for the events of this upload or job; '' if there is none."""
    callback = json.loads(user_data).get("MessageCallback") if user_data else None
    return str(callback.get("CallbackURL", "")) if isinstance(callback, Mapping) else ""
