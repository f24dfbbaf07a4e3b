"""Media URLs: which parts are kept, and how they are signed."""

import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from shortvideo.cloud import urls
from shortvideo.cloud.types import MediaPath
from shortvideo.cloud.urls import host_and_path, is_on_cdn, media_url

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
PATH = MediaPath("media.example.com/v1/clip.mp4")


@pytest.fixture(autouse=True)
def _signed(settings: Settings) -> None:
    settings.MEDIA_URL_SCHEME = "https"
    settings.MEDIA_URL_AUTH_KEY = "AuthKey1"
    settings.MEDIA_URL_AUTH_VALIDITY = 1800


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://media.example.com/a/b.mp4", "media.example.com/a/b.mp4"),
        ("https://media.example.com/a.mp4?auth_key=1-0-0-x#t=3", "media.example.com/a.mp4"),
        ("HTTPS://Media.Example.com:8443/A.mp4", "media.example.com:8443/A.mp4"),
        ("//media.example.com/a.mp4", "media.example.com/a.mp4"),
        ("media.example.com/a.mp4?x=1", "media.example.com/a.mp4"),
        ("127.0.0.1:8399/a.mp4", "127.0.0.1:8399/a.mp4"),
        ("http://user:password@media.example.com/a.mp4", "media.example.com/a.mp4"),
        (" http://media.example.com/a.mp4 ", "media.example.com/a.mp4"),
        ("media.example.com/a.mp4?next=http://other/", "media.example.com/a.mp4"),
        ("http://media.example.com/", ""),
        ("media.example.com", ""),
        ("/a.mp4", ""),
        ("", ""),
        ("http://[broken/a.mp4", ""),
    ],
)
def test_only_host_and_path_are_kept(url: str, kept: str) -> None:
    assert host_and_path(url) == kept


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text())
def test_no_text_breaks_the_reader_and_no_query_survives(text: str) -> None:
    kept = host_and_path(text)
    assert "?" not in kept
    assert "#" not in kept


# Pieces of URLs, usual and unusual.
PIECES = st.sampled_from(
    ["http://", "https://", "HTTP://", "//", "media.example.com", "Media", "127.0.0.1:80", "user@",
     "/", "a", "b.mp4", "%20", "~", "#t", "?k=v", "?", "é", " ", "\t", "[", "]", ":", "\\"]
)  # fmt: skip


@hypothesis_settings(deadline=None, max_examples=500)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_a_usual_url_is_read_as_if_it_were_parsed(url: str) -> None:
    read = host_and_path(url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urls, "_USUAL_URL", re.compile(r"(?!)"))
        assert read == host_and_path(url)


def test_a_url_expires_exactly_after_its_ttl() -> None:
    url = media_url(PATH, ttl_seconds=600, now=NOW)
    [auth_key] = parse_qs(urlsplit(url).query)["auth_key"]
    moment, _, _, _ = auth_key.split("-")
    assert datetime.fromtimestamp(int(moment), UTC) + timedelta(seconds=1800) == (
        NOW + timedelta(seconds=600)
    )


def test_a_signature_is_the_documented_digest() -> None:
    moment = int(NOW.timestamp()) + 600 - 1800
    digest = hashlib.md5(f"/v1/clip.mp4-{moment}-0-0-AuthKey1".encode()).hexdigest()
    assert media_url(PATH, ttl_seconds=600, now=NOW) == (
        f"https://media.example.com/v1/clip.mp4?auth_key={moment}-0-0-{digest}"
    )


def test_the_time_zone_of_now_does_not_matter() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=8)))
    assert media_url(PATH, ttl_seconds=60, now=elsewhere) == media_url(
        PATH, ttl_seconds=60, now=NOW
    )


def test_the_path_is_signed_as_it_is_requested() -> None:
    path = MediaPath("media.example.com/海边 1.mp4")
    url = media_url(path, ttl_seconds=600, now=NOW)
    encoded = urlsplit(url).path
    assert encoded == "/%E6%B5%B7%E8%BE%B9%201.mp4"
    assert media_url(MediaPath(f"media.example.com{encoded}"), ttl_seconds=600, now=NOW) == url
    moment = parse_qs(urlsplit(url).query)["auth_key"][0].split("-")[0]
    digest = hashlib.md5(f"{encoded}-{moment}-0-0-AuthKey1".encode()).hexdigest()
    assert url.endswith(digest)
    assert unquote(encoded) == "/海边 1.mp4"


@pytest.mark.parametrize(
    ("kept", "requested"),
    [("a%2Fb.mp4", "/a%2Fb.mp4"), ("100%.mp4", "/100%25.mp4"), ("a?b#c", "/a%3Fb%23c")],
)
def test_a_path_is_percent_encoded_once(kept: str, requested: str) -> None:
    url = media_url(MediaPath(f"media.example.com/{kept}"), ttl_seconds=600, now=NOW)
    assert urlsplit(url).path == requested


def test_without_a_key_a_url_is_plain(settings: Settings) -> None:
    settings.MEDIA_URL_AUTH_KEY = ""
    settings.MEDIA_URL_SCHEME = "http"
    assert media_url(PATH, ttl_seconds=600, now=NOW) == "http://media.example.com/v1/clip.mp4"


def test_an_empty_path_has_no_url() -> None:
    assert media_url(MediaPath(""), ttl_seconds=600, now=NOW) == ""


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("media.example.com/a.mp4", True),
        ("MEDIA.example.com/a.mp4", True),
        ("127.0.0.1:8399/a.mp4", True),
        ("127.0.0.1/a.mp4", False),
        ("elsewhere.example.com/media.example.com/a.mp4", False),
        ("", False),
    ],
)
def test_a_play_domain_is_recognised_in_any_case(
    path: str, is_ours: bool, settings: Settings
) -> None:
    settings.CDN_DOMAINS = ["Media.Example.com", "127.0.0.1:8399"]
    assert is_on_cdn(path) is is_ours
