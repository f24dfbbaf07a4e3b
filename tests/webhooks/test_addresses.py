"""Which URLs may be entered, and which addresses a connection may reach."""

from ipaddress import ip_address

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from shortvideo.outbox.models import DeliveryState
from shortvideo.webhooks.addresses import check_url, is_allowed
from tests.support.receiver import Receiver

from .support import delivery_of, emit_event, make_endpoint, work


@pytest.mark.parametrize(
    "url",
    [
        "https://backend.example.com/hooks?tenant=1",
        "https://backend:8443/hooks",
        "https://10.0.0.7/hooks",
        "http://127.0.0.1:9000/hooks",
        "http://localhost/",
        "http://[::1]:9000/",
    ],
)
def test_a_url_of_a_backend_is_accepted(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://backend.example.com/hooks", "It must be https"),
        ("http://10.0.0.7/hooks", "It must be https"),
        ("ftp://backend.example.com/", "It must be a URL such as"),
        ("file:///etc/passwd", "It must be a URL such as"),
        ("backend.example.com/hooks", "It must be a URL such as"),
        ("https://", "It must be a URL such as"),
        ("https://backend.example.com:99999/", "It must be a URL such as"),
        ("https://[::1/", "It must be a URL such as"),
        ("https://backend.example.com/a b", "It must be a URL such as"),
        ("https://backend.example.com/\r\nX-Other: 1", "It must be a URL such as"),
        ("https://mei:secret@backend.example.com/", "must not contain a user name or password"),
        ("https://backend.example.com/#part", "must not contain a fragment"),
        ("https://169.254.169.254/latest/meta-data/", "may not be called"),
        ("https://100.100.100.200/latest/meta-data/", "may not be called"),
        ("https://[::ffff:169.254.169.254]/", "may not be called"),
        ("https://0.0.0.0/", "may not be called"),
        ("https://224.0.0.1/", "may not be called"),
    ],
)
def test_a_forbidden_url_is_refused_with_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        check_url(url)


def test_http_is_allowed_by_a_setting(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    check_url("http://backend.example.com/hooks")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "fd12::1", "::ffff:10.0.0.1"]
)
def test_private_addresses_are_refused_by_a_setting(address: str, settings: Settings) -> None:
    assert is_allowed(ip_address(address))
    settings.WEBHOOK_ALLOW_PRIVATE = False
    assert not is_allowed(ip_address(address))
    assert is_allowed(ip_address("8.8.8.8"))


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "::ffff:0:169.254.169.254",
        "64:ff9b::100.100.100.200",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::169.254.169.254",  # local NAT64: /96, /64, /56, /48
        "64:ff9b:1:0:a9:fea9:fe00:0",
        "64:ff9b:1:a9:fe:a9fe::",
        "64:ff9b:1:a9fe:a9:fe00::",
        "2002:a9fe:a9fe::1",
        "2002:6464:64c8::",
        "2001:0:102:304:0:0:5601:5601",  # Teredo: the client's address is inverted
        "::ffff:0.0.0.0",
        "64:ff9b::224.0.0.1",
    ],
)
def test_a_forbidden_ipv4_address_inside_ipv6_is_forbidden(address: str) -> None:
    assert not is_allowed(ip_address(address))


@pytest.mark.parametrize(
    "address", ["64:ff9b::8.8.8.8", "2002:808:808::1", "::ffff:8.8.8.8", "::8.8.8.8"]
)
def test_a_public_ipv4_address_inside_ipv6_is_public(address: str, settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    assert is_allowed(ip_address(address))


@pytest.mark.parametrize(
    "address", ["64:ff9b::10.0.0.1", "2002:a00:1::1", "::10.0.0.1", "64:ff9b:1::8.8.8.8"]
)
def test_a_private_ipv4_address_inside_ipv6_is_private(address: str, settings: Settings) -> None:
    assert is_allowed(ip_address(address))
    settings.WEBHOOK_ALLOW_PRIVATE = False
    assert not is_allowed(ip_address(address))


@pytest.mark.django_db
def test_a_host_with_a_forbidden_address_is_not_called(
    receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    make_endpoint(receiver.url.replace("127.0.0.1", "localhost"))
    event = emit_event()
    work()
    assert receiver.received == []
    delivery = delivery_of(event)
    assert delivery.state == DeliveryState.WAITING
    assert delivery.error == "The host resolves to an address that may not be called."
