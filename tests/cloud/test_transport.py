"""The transport of calls: time, size, redirects, proxies, threads, logs."""

import logging
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from darabonba.core import DaraCore

from shortvideo.cloud import transport, vod_gateway
from shortvideo.cloud.client import CloudSettings, Service
from shortvideo.cloud.errors import CloudUnavailable
from shortvideo.cloud.types import Audit, AuditStatus, CallbackSettings
from shortvideo.cloud.vod import VodGateway
from tests.cloud.liar import (
    Drip,
    Exchange,
    Flood,
    Liar,
    answer,
    hang,
    hang_up,
    head,
    refusal,
    reset,
)
from tests.support.localvod import wait_until

PROXY_NAMES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
REASON = "what-only-the-operator-should-see"
EMPTY_SEARCH = answer({"Total": 0, "MediaList": []})


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", head(100_000)],
    ids=["status line", "header", "body"],
)
def test_a_drip_cannot_hold_a_call_past_its_deadline(
    vod: VodGateway, liar: Liar, start: bytes
) -> None:
    drip = Drip(start)
    liar.says(drip)
    with pytest.raises(CloudUnavailable, match=r"VOD did not answer SearchMedia: .* in time"):
        vod.with_deadline(0.4).search()
    assert not drip.is_finished


def test_the_rest_of_the_deadline_limits_each_wait(vod: VodGateway, liar: Liar) -> None:
    """The second part of the answer comes within the read timeout, but past the deadline."""
    body = b'{"RequestId":"r","Total":0}'

    def late(exchange: Exchange) -> None:
        exchange.sock.sendall(head(len(body)))
        for part in (body[:1], body[1:]):
            exchange.stopping.wait(0.4)
            exchange.sock.sendall(part)

    liar.says(late)
    with pytest.raises(CloudUnavailable, match="in time"):
        vod.with_deadline(0.6).search()


def test_the_deadline_counts_retries_too(vod: VodGateway, liar: Liar) -> None:
    drip = Drip()
    liar.says(hang_up, drip)
    with pytest.raises(CloudUnavailable, match="in time"):
        vod.with_deadline(1.5).search()
    assert not drip.is_finished
    assert len(liar.requests) == 2


def test_with_deadline_leaves_the_gateway_unchanged(vod: VodGateway, liar: Liar) -> None:
    vod.with_deadline(0.001)
    liar.says(EMPTY_SEARCH)
    assert vod.search().total == 0


def test_silence_is_a_read_timeout_and_a_reading_is_retried(
    vod: VodGateway, liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "READ_SECONDS", 0.2)
    liar.says(hang)
    with pytest.raises(CloudUnavailable, match=r"no answer within 0\.2 s"):
        vod.search()
    wait_until(lambda: len(liar.actions) == 3)  # it may read the last one late
    assert liar.actions == ["SearchMedia"] * 3


def test_a_host_with_a_full_queue_is_a_connect_timeout(
    cloud_settings: CloudSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        try:
            for sock in waiting:  # the kernel drops connections beyond the queue
                sock.setblocking(False)
                sock.connect_ex(address)
            endpoint = f"127.0.0.1:{address[1]}"
            vod = VodGateway(Service.vod(replace(cloud_settings, vod_endpoint=endpoint)))
            with pytest.raises(CloudUnavailable, match=r"no connection within 0\.2 s"):
                vod.search()
        finally:
            for sock in waiting:
                sock.close()


def test_a_refused_connection_is_unavailable(cloud_settings: CloudSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        endpoint = f"127.0.0.1:{closed.getsockname()[1]}"
    vod = VodGateway(Service.vod(replace(cloud_settings, vod_endpoint=endpoint)))
    with pytest.raises(CloudUnavailable, match="the connection failed"):
        vod.search()


@pytest.mark.parametrize("behaviour", [hang_up, reset])
def test_a_lost_connection_is_retried(vod: VodGateway, liar: Liar, behaviour: object) -> None:
    liar.says(behaviour, behaviour, EMPTY_SEARCH)  # type: ignore[arg-type]  # both are Behaviour
    assert vod.search().total == 0
    assert len(liar.requests) == 3


def test_a_huge_answer_is_not_read_to_its_end(vod: VodGateway, liar: Liar) -> None:
    flood = Flood(size=500_000_000)
    liar.says(flood)
    with pytest.raises(CloudUnavailable, match="the answer is larger than 8388608 bytes"):
        vod.search()
    liar.stop()
    assert flood.sent < 100_000_000
    assert len(liar.requests) == 1


def test_an_answer_that_ends_early_is_unavailable(vod: VodGateway, liar: Liar) -> None:
    def half(exchange: Exchange) -> None:
        exchange.sock.sendall(head(1000) + b'{"RequestId":')
        exchange.is_over = True

    liar.says(half)
    with pytest.raises(CloudUnavailable, match="the connection failed"):
        vod.search()


def test_a_redirect_is_not_followed(vod: VodGateway, liar: Liar, proxy: Liar) -> None:
    liar.says(answer(status=307, headers={"Location": f"http://{proxy.endpoint}/"}))
    with pytest.raises(CloudUnavailable, match="it redirects the call"):
        vod.search()
    assert proxy.connections == 0


def test_proxy_variables_cannot_divert_a_call(
    vod: VodGateway, liar: Liar, proxy: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXY_NAMES:
        monkeypatch.setenv(name, f"http://{proxy.endpoint}")
    liar.says(EMPTY_SEARCH)
    assert vod.search().total == 0
    assert len(liar.requests) == 1
    assert proxy.connections == 0


def test_proxy_variables_cannot_divert_a_secure_call(
    cloud_settings: CloudSettings, liar: Liar, proxy: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXY_NAMES:
        monkeypatch.setenv(name, f"http://{proxy.endpoint}")
    vod = VodGateway(Service.vod(replace(cloud_settings, vod_protocol="https")))
    liar.says(hang_up)  # no TLS here: it is enough that the call arrives
    with pytest.raises(CloudUnavailable):
        vod.search()
    assert liar.connections == 3
    assert proxy.connections == 0


def test_the_configured_proxy_is_used(proxied_vod: VodGateway, liar: Liar, proxy: Liar) -> None:
    proxy.says(EMPTY_SEARCH)
    assert proxied_vod.search().total == 0
    assert proxy.requests[0].target.startswith(f"http://{liar.endpoint}/")
    assert liar.connections == 0


def test_a_secure_call_asks_the_configured_proxy_for_a_tunnel(
    cloud_settings: CloudSettings, liar: Liar, proxy: Liar
) -> None:
    settings = replace(cloud_settings, vod_protocol="https", proxy=f"http://{proxy.endpoint}")
    proxy.says(answer(status=403))
    with pytest.raises(CloudUnavailable, match="CLOUD_PROXY"):
        VodGateway(Service.vod(settings)).search()
    assert {(r.method, r.target) for r in proxy.requests} == {("CONNECT", liar.endpoint)}
    assert liar.connections == 0


def test_a_proxy_that_drips_cannot_hold_a_call(cloud_settings: CloudSettings, proxy: Liar) -> None:
    drip = Drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    proxy.says(drip)
    settings = replace(cloud_settings, vod_protocol="https", proxy=f"http://{proxy.endpoint}")
    with pytest.raises(CloudUnavailable):
        VodGateway(Service.vod(settings)).with_deadline(0.4).search()
    assert not drip.is_finished


def test_a_proxy_that_is_not_an_http_url_is_refused(cloud_settings: CloudSettings) -> None:
    with pytest.raises(ValueError, match="CLOUD_PROXY must be a URL that starts with http://"):
        replace(cloud_settings, proxy="socks5://127.0.0.1:1080")


def test_eight_threads_share_one_gateway(vod: VodGateway, liar: Liar) -> None:
    def echo(exchange: Exchange) -> None:
        vod_id = exchange.request.parameters["VideoId"]
        answer({"Video": {"VideoId": vod_id, "Status": "Normal"}})(exchange)

    liar.says(echo)
    asked = [f"video-{number}" for number in range(160)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        got = list(pool.map(lambda vod_id: vod.get_info(vod_id).vod_id, asked))
    assert got == asked
    assert liar.connections <= 8


def test_calls_leave_no_threads_behind(vod: VodGateway, liar: Liar) -> None:
    before = {thread.name for thread in threading.enumerate() if "_serve" not in thread.name}
    liar.says(hang)
    with pytest.raises(CloudUnavailable):
        vod.with_deadline(0.2).search()
    after = {thread.name for thread in threading.enumerate() if "_serve" not in thread.name}
    assert after <= before


def test_a_forked_process_makes_its_own_connections() -> None:
    ours = vod_gateway()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"own" if vod_gateway() is not ours else b"shared")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 10) == b"own"
    os.close(read)
    os.close(write)


def test_connections_are_reused(vod: VodGateway, liar: Liar) -> None:
    liar.says(EMPTY_SEARCH)
    for _ in range(5):
        vod.search()
    assert liar.connections == 1


def test_a_call_that_bypasses_the_limits_raises_an_error(
    vod: VodGateway, liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new version of the SDK may keep its sessions under another name."""
    monkeypatch.setattr(DaraCore, "_sessions", {})
    liar.says(EMPTY_SEARCH)
    with pytest.raises(RuntimeError, match="past the deadline"):
        vod.search()


def test_debug_output_of_the_sdk_shows_no_secret(
    vod: VodGateway,
    liar: Liar,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DEBUG", "sdk")
    liar.says(answer())
    caplog.set_level(logging.DEBUG)
    vod.set_callback(CallbackSettings(url="https://console.example.com/cb", auth_key="KeyInUrl1"))
    written = caplog.text + "".join(capfd.readouterr())
    for secret in ("KeyInUrl1", "Signature=", "Credential=", "key-id-of-the-tests"):
        assert secret not in written


def test_a_failure_carries_no_parameter_and_no_secret(
    vod: VodGateway, liar: Liar, caplog: pytest.LogCaptureFixture
) -> None:
    quoting = refusal("SignatureDoesNotMatch", message=f"Ours: AuditContent={REASON}")
    for behaviour in (reset, hang_up, answer(REASON.encode(), status=502), quoting):
        liar.says(behaviour)
        with pytest.raises(CloudUnavailable) as caught:
            vod.create_audit([Audit("v1", AuditStatus.BLOCKED, reason=REASON)])
        logging.getLogger("test").error("Failed", exc_info=caught.value)
    assert "CloudUnavailable" in caplog.text
    for secret in (REASON, "AuditContent=", "secret-of-the-tests", "key-id-of-the-tests"):
        assert secret not in str(caught.value)
        assert secret not in caplog.text
