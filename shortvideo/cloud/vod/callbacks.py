"""VOD's callback configuration: where VOD sends its events."""

from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from shortvideo.cloud.gateway import Gateway, check_bytes
from shortvideo.cloud.types import CallbackSettings

_URL_BYTES = 256
_KEY_CHARACTERS = 32


class Callbacks(Gateway):
    def set_callback(self, settings: CallbackSettings) -> None:
        """Replace the callback configuration; a region has one."""
        check_bytes(_URL_BYTES, settings.url, "The callback URL")
        key = settings.auth_key
        if len(key) > _KEY_CHARACTERS or (key and not (key.isascii() and key.isalnum())):
            raise ValueError(
                f"A callback key has at most {_KEY_CHARACTERS} characters out of A-Z a-z 0-9."
            )
        self._call_with_retries(
            Client.set_message_callback_with_options,
            models.SetMessageCallbackRequest(
                callback_type=settings.callback_type,
                callback_url=settings.url,
                event_type_list=",".join(settings.event_types),
                auth_switch="on" if key else "off",
                auth_key=key or None,
            ),
        )

    def get_callback(self) -> CallbackSettings:
        reply = self._call_with_retries(
            Client.get_message_callback_with_options, models.GetMessageCallbackRequest()
        )
        configured = reply.child("MessageCallback")
        return CallbackSettings(
            url=configured.text("CallbackURL"),
            event_types=configured.names("EventTypeList"),
            auth_key=configured.text("AuthKey") if configured.text("AuthSwitch") == "on" else "",
            callback_type=configured.text("CallbackType"),
        )
