"""The configuration of VOD's callbacks."""

import pytest

from shortvideo.cloud.types import (
    CallbackSettings,
)
from shortvideo.cloud.vod import VodGateway
from tests.cloud.liar import Liar, answer


def test_a_callback_is_configured_with_its_key(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({}))
    vod.set_callback(CallbackSettings(url="https://c.example/cb", auth_key="Key1"))
    asked = liar.requests[0].parameters
    assert (asked["AuthSwitch"], asked["AuthKey"], asked["EventTypeList"]) == ("on", "Key1", "ALL")


def test_the_key_of_a_callback_is_read_but_not_shown(vod: VodGateway, liar: Liar) -> None:
    configured = {
        "CallbackURL": "https://c.example/cb",
        "CallbackType": "HTTP",
        "EventTypeList": "FileUploadComplete,TranscodeComplete",
        "AuthSwitch": "on",
        "AuthKey": "Key1",
    }
    liar.says(answer({"MessageCallback": configured}))
    read = vod.get_callback()
    assert read.auth_key == "Key1"
    assert read.event_types == ("FileUploadComplete", "TranscodeComplete")
    assert "Key1" not in repr(read)


@pytest.mark.parametrize(
    "settings",
    [
        CallbackSettings(url="https://c.example/" + "x" * 256),
        CallbackSettings(url="https://c.example/", auth_key="x" * 33),
        CallbackSettings(url="https://c.example/", auth_key="a-b"),
    ],
)
def test_a_callback_that_vod_would_refuse_is_not_sent(
    vod: VodGateway, liar: Liar, settings: CallbackSettings
) -> None:
    with pytest.raises(ValueError, match=r"at most (256|32)"):
        vod.set_callback(settings)
    assert liar.requests == []
