"""Warnings of `manage.py check` about missing settings."""

import pytest
from pytest_django import Settings

from videos.checks import CONSEQUENCES, check_vod_settings


def test_a_complete_installation_gets_no_warning() -> None:
    assert check_vod_settings(None) == []


@pytest.mark.parametrize("name", CONSEQUENCES)
def test_each_missing_setting_is_named_with_its_consequence(name: str, settings: Settings) -> None:
    setattr(settings, name, [] if name == "CDN_DOMAINS" else "")
    [warning] = check_vod_settings(None)
    number, consequence = CONSEQUENCES[name]
    assert warning.id == number
    assert warning.msg == f"{name} is not set: {consequence}."


def test_all_that_is_missing_is_named(settings: Settings) -> None:
    for name in CONSEQUENCES:
        setattr(settings, name, "")
    found = [warning.msg.partition(" is not set")[0] for warning in check_vod_settings(None)]
    assert found == list(CONSEQUENCES)
