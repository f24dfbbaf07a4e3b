"""Calls under TLS: the same limits, and no trust in unknown certificates."""

import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shortvideo.cloud.client import CloudSettings, Service
from shortvideo.cloud.errors import CloudUnavailable
from shortvideo.cloud.vod import VodGateway
from tests.cloud.liar import Drip, Flood, Liar, answer, head


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the key and the self-signed certificate of 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def liar(certificate: Path) -> Iterator[Liar]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Liar(tls=context)
    yield server
    server.stop()


@pytest.fixture
def untrusting(cloud_settings: CloudSettings) -> VodGateway:
    return VodGateway(Service.vod(replace(cloud_settings, vod_protocol="https")))


@pytest.fixture
def trusting(cloud_settings: CloudSettings, certificate: Path) -> VodGateway:
    service = Service.vod(replace(cloud_settings, vod_protocol="https"))
    service.retrying_client._ca = str(certificate)
    return VodGateway(service)


def test_a_self_signed_certificate_is_refused(untrusting: VodGateway, liar: Liar) -> None:
    with pytest.raises(CloudUnavailable, match="no secure connection"):
        untrusting.search()
    assert liar.requests == []


def test_calls_under_tls_share_a_connection(trusting: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Total": 3, "MediaList": []}))
    assert trusting.search().total == 3
    assert trusting.search().total == 3
    assert liar.connections == 1


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-Slow: ", head(100_000)])
def test_a_drip_under_tls_ends_at_the_deadline(
    trusting: VodGateway, liar: Liar, start: bytes
) -> None:
    drip = Drip(start)
    liar.says(drip)
    with pytest.raises(CloudUnavailable, match="in time"):
        trusting.with_deadline(0.5).search()
    assert not drip.is_finished


def test_a_flood_under_tls_is_cut_off(trusting: VodGateway, liar: Liar) -> None:
    liar.says(Flood(size=500_000_000))
    with pytest.raises(CloudUnavailable, match="larger than"):
        trusting.search()
