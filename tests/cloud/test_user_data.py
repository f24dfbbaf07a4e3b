"""User data: sent with an upload and read back."""

import json

import pytest

from shortvideo.cloud.types import Uploader, UserData

UPLOADER = Uploader("u1", "阿明", "http://media.example.com/u1.png")


def test_an_uploader_is_read_back_as_it_was_sent() -> None:
    sent = UserData.of(UPLOADER).to_json()
    read = UserData.parse(sent)
    assert read
    assert read.uploader == UPLOADER


def test_an_extend_that_is_json_text_is_read_like_an_object() -> None:
    read = UserData.parse(json.dumps({"Extend": json.dumps({"userId": "u1"})}))
    assert read
    assert read.uploader == Uploader("u1")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "{}", '{"MessageCallback": {}}'])
def test_no_extend_is_no_user_data(text: str) -> None:
    assert UserData.parse(text) is None


def test_the_limit_of_extend_is_in_bytes() -> None:
    padding = 512 - len('{"t":""}')
    assert json.loads(UserData({"t": "x" * padding}).to_json())["Extend"]["t"] == "x" * padding
    with pytest.raises(ValueError, match="Extend has 513 bytes of UTF-8; VOD takes at most 512"):
        UserData({"t": "x" * (padding + 1)}).to_json()
    with pytest.raises(ValueError, match="Extend has"):
        UserData({"t": "字" * 170}).to_json()


def test_a_text_stays_a_text() -> None:
    assert json.loads(UserData("order-17").to_json()) == {"Extend": "order-17"}
