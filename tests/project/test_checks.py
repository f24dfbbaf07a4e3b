"""What `manage.py check` says of an installation that lacks a setting."""

import pytest
from pytest_django import Settings

from videos.checks import CONSEQUENCES, check_vod_settings


def test_a_complete_installation_gets_no_warning() -> None:
    assert check_vod_settings(None) == []


@pytest.mark.parametrize("name", CONSEQUENCES)
def test_each_missing_setting_is_named_with_what_follows(name: str, settings: Settings) -> None:
    setattr(settings, name, [] if name == "CDN_DOMAINS" else "")
    [warning] = check_vod_settings(None)
    number, consequence = CONSEQUENCES[name]
    assert warning.id == number
    assert warning.msg == f"{name} is not set: {consequence}."


def test_without_an_access_key_there_is_nothing_to_warn_of(settings: Settings) -> None:
    settings.ALIBABA_CLOUD_ACCESS_KEY_ID = settings.VOD_CALLBACK_KEY = ""
    assert check_vod_settings(None) == []
