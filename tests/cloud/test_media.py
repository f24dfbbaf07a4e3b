"""Probes of the CDN for files, and downloads of pictures."""

import pytest
from pytest_django.fixtures import Settings

from shortvideo.cloud import media_gateway
from shortvideo.cloud.errors import CloudRejected, CloudUnavailable
from shortvideo.cloud.media import MediaGateway
from shortvideo.cloud.types import MediaPath
from tests.cloud.liar import Behaviour, Drip, Flood, Liar, answer, hang_up, head, reset

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def media(settings: Settings, liar: Liar) -> MediaGateway:
    settings.CDN_DOMAINS = [liar.endpoint]
    settings.MEDIA_URL_SCHEME = "http"
    settings.MEDIA_URL_AUTH_KEY = "KeyOfThePlayDomain1"
    return MediaGateway(proxy="", deadline_seconds=20)


def path_on(liar: Liar) -> MediaPath:
    return MediaPath(f"{liar.endpoint}/clip/cover.jpg")


def answers(status: int, **headers: str) -> Behaviour:
    return answer(b"", status=status, headers=headers)


@pytest.mark.parametrize("status", [200, 204, 206])
def test_a_file_with_a_2xx_answer_is_served(media: MediaGateway, liar: Liar, status: int) -> None:
    liar.says(answers(status))
    assert media.is_served(path_on(liar))


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refused_or_gone_file_is_not_served(media: MediaGateway, liar: Liar, status: int) -> None:
    liar.says(answers(status))
    assert not media.is_served(path_on(liar))


def test_a_probe_is_a_head_request_with_a_signed_url(media: MediaGateway, liar: Liar) -> None:
    liar.says(answers(200))
    media.is_served(path_on(liar))
    [request] = liar.requests
    assert request.method == "HEAD"
    assert request.target.startswith("/clip/cover.jpg?auth_key=")


@pytest.mark.parametrize(
    "behaviour",
    [answers(500), answers(429), answers(302, Location="http://127.0.0.1:9/x"), hang_up, reset],
    ids=["fault", "throttled", "redirect", "hangs up", "resets"],
)
def test_any_other_answer_proves_nothing(
    media: MediaGateway, liar: Liar, behaviour: Behaviour
) -> None:
    liar.says(behaviour, behaviour)
    with pytest.raises(CloudUnavailable) as raised:
        media.is_served(path_on(liar))
    assert "auth_key" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_picture_is_returned_with_its_extension(media: MediaGateway, liar: Liar) -> None:
    liar.says(answer(b"pixels", headers={"Content-Type": "Image/JPEG; charset=binary"}))
    picture = media.picture(path_on(liar))
    assert (picture.content, picture.extension) == (b"pixels", "jpg")


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(b"<svg/>", headers={"Content-Type": "image/svg+xml"}),
        answer(b"<html>", headers={"Content-Type": "text/html"}),
        answer(b"", headers=JPEG),
        answer(b"pixels", headers={}),
        answers(403),
    ],
    ids=["a drawing with scripts", "a page", "nothing", "unnamed", "gone"],
)
def test_content_that_is_not_a_picture_is_refused(
    media: MediaGateway, liar: Liar, behaviour: Behaviour
) -> None:
    liar.says(behaviour)
    with pytest.raises(CloudRejected):
        media.picture(path_on(liar))


def test_a_picture_has_limits_of_size_and_time(media: MediaGateway, liar: Liar) -> None:
    liar.says(Flood(64 * 1024 * 1024))
    with pytest.raises(CloudUnavailable, match="larger than"):
        media.picture(path_on(liar))
    liar.says(Drip(head(100_000)))
    with pytest.raises(CloudUnavailable, match="no answer in time"):
        MediaGateway(proxy="", deadline_seconds=0.5).picture(path_on(liar))


def test_requests_use_the_configured_proxy_only(
    liar: Liar, proxy: Liar, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_URL_SCHEME = "http"
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    liar.says(answers(200))
    assert MediaGateway(proxy="", deadline_seconds=20).is_served(path_on(liar))
    proxy.says(answers(404))
    through = MediaGateway(proxy=f"http://{proxy.endpoint}", deadline_seconds=20)
    assert not through.is_served(path_on(liar))
    assert len(liar.requests) == 1


def test_the_process_has_one_gateway_for_its_settings(settings: Settings) -> None:
    first = media_gateway()
    assert media_gateway() is first
    settings.CLOUD_DEADLINE = 1.5
    assert media_gateway() is not first
