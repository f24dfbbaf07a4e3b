"""Where VOD sends its events."""

from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from shortvideo.cloud.gateway import Gateway, at_most_bytes
from shortvideo.cloud.types import CallbackSettings

URL_BYTES = 256
KEY_CHARACTERS = 32


class Callbacks(Gateway):
    def set_callback(self, settings: CallbackSettings) -> None:
        """Replace the region's one callback configuration."""
        at_most_bytes(URL_BYTES, settings.url, "The callback URL")
        key = settings.auth_key
        if len(key) > KEY_CHARACTERS or (key and not (key.isascii() and key.isalnum())):
            raise ValueError(
                f"A callback key has at most {KEY_CHARACTERS} characters out of A-Z a-z 0-9."
            )
        self._repeatable(
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
        reply = self._repeatable(
            Client.get_message_callback_with_options, models.GetMessageCallbackRequest()
        )
        configured = reply.child("MessageCallback")
        return CallbackSettings(
            url=configured.text("CallbackURL"),
            event_types=configured.names("EventTypeList"),
            auth_key=configured.text("AuthKey") if configured.text("AuthSwitch") == "on" else "",
            callback_type=configured.text("CallbackType"),
        )
