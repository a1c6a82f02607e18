"""Requests to receivers: signed, limited, and to public addresses only."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from pytest_django import Settings
from standardwebhooks import WebhookVerificationError

from shortlinks.domain.links.urls import UrlRejected
from shortlinks.domain.webhooks import destinations, http_client, secret_encryption
from shortlinks.domain.webhooks.http_client import Message
from shortlinks.domain.webhooks.retry_policy import Outcome
from tests import receivers
from tests.domain.webhooks import network
from tests.domain.webhooks.network import NAME, Names
from tests.receivers import Quiet, Receiver

SECRET = secret_encryption.new()
EVENT = UUID("0197f0de-0000-7000-8000-000000000001")


def message(url: str) -> Message:
    kind = "application/x-www-form-urlencoded"
    return Message(url, SECRET, EVENT, kind, "a%5Bb%5D=%D1%8F")


def test_request_is_signed_and_has_its_headers(receiver: Receiver) -> None:
    outcome = http_client.send(message(receiver.url))

    [request] = receiver.received
    assert outcome.is_success
    assert (request.path, request.form) == ("/hook", {"a[b]": "я"})
    headers = request.headers
    assert headers["webhook-id"] == str(EVENT)
    assert headers["User-Agent"] == "shortlinks-webhooks"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Cookie" not in headers
    request.verify(SECRET)
    with pytest.raises(WebhookVerificationError):
        request.verify(secret_encryption.new())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_a_failure_and_not_followed(
    receiver: Receiver, status: int
) -> None:
    receiver.answers = [(status, {"Location": receiver.url})]

    outcome = http_client.send(message(receiver.url))

    assert (outcome.status, outcome.is_success) == (status, False)
    assert outcome.error == f"redirect: {status}"
    assert len(receiver.received) == 1


def test_proxies_of_the_environment_are_ignored(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert http_client.send(message(receiver.url)).is_success


def test_refused_connection_is_a_failure_without_a_status(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    outcome = http_client.send(message(f"http://127.0.0.1:{port}/secret"))

    assert (outcome.status, outcome.is_success) == (None, False)
    assert outcome.error == "refused"


class Trickling(Quiet):
    """Sends byte after byte without end; `over` is set when it is cut off."""

    over = threading.Event()
    begins = b"HTTP/1.1 200 OK\r\n"

    def do_POST(self) -> None:  # noqa: N802  as the library calls it
        self.read()
        self.wfile.write(self.begins)
        with contextlib.suppress(OSError):
            while not self.over.wait(0.01):
                self.wfile.write(b"x")
        type(self).over.set()


@pytest.fixture
def trickling(settings: Settings) -> Iterator[str]:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    Trickling.over.clear()
    with receivers.serving(Trickling) as (_, url):
        yield url
        Trickling.over.set()


def test_deadline_cuts_off_slow_headers(trickling: str) -> None:
    outcome = http_client.send(message(trickling), seconds=0.3)

    assert outcome == Outcome(error="timeout: 0.3")


def test_deadline_cuts_off_a_slow_body_after_its_status(
    trickling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"
    monkeypatch.setattr(Trickling, "begins", head)

    outcome = http_client.send(message(trickling), seconds=3)

    assert outcome.is_success
    assert Trickling.over.wait(10)


def test_response_is_read_up_to_64_kilobytes(
    trickling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"y" * 70_000
    monkeypatch.setattr(Trickling, "begins", head)

    outcome = http_client.send(message(trickling), seconds=60)

    assert outcome.is_success
    assert Trickling.over.wait(10)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1"),  # noqa: S104
        *("192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8"),
        *("192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1"),
        *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:7f00:1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001::7f00:1"),
        *("2001:db8::1", "2001:20::1", "3fff::1", "5f00::1", "100::1", "4000::1"),
    ],
)
def test_name_is_rejected_if_it_resolves_to_a_non_public_address(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    names = Names(address)
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)

    outcome = http_client.send(message(f"https://{NAME}/"))

    assert outcome.error.startswith("private: ")
    assert names.requested == [NAME]  # no connection was made


def test_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Resolve a name once, so that a changed answer (DNS rebinding) has no effect."""
    names = Names("8.8.8.8", "127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)

    first = http_client.send(message(f"https://{NAME}/"))
    requested = list(names.requested)
    second = http_client.send(message(f"https://{NAME}/"))

    assert requested == [NAME, "8.8.8.8"]
    assert first.error == "name"
    assert second.error == "private: 127.0.0.1"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return the path of a file with a key and a self-signed certificate for NAME."""
    return network.certificate(tmp_path / "receiver.pem")


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted_certificate(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))


@pytest.fixture
def tls_receiver(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Receiver]:
    with receivers.receiver(tls) as made:
        network.resolve_to(made.url, monkeypatch)
        yield made


@pytest.mark.usefixtures("trusted_certificate")
def test_https_request_names_the_host_at_the_checked_address(
    tls_receiver: Receiver,
) -> None:
    outcome = http_client.send(message(f"https://{NAME}/hook"))

    assert outcome == Outcome(200)
    [request] = tls_receiver.received
    assert request.headers["Host"] == NAME
    request.verify(SECRET)


def test_untrusted_certificate_is_a_failure(
    tls_receiver: Receiver,
) -> None:
    outcome = http_client.send(message(f"https://{NAME}/hook"))

    assert outcome.error == "certificate"
    assert tls_receiver.received == []


@pytest.mark.usefixtures("trusted_certificate")
def test_deadline_cuts_off_a_slow_tls_response(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trickling.over.clear()
    with receivers.serving(Trickling, tls) as (_, url):
        network.resolve_to(url, monkeypatch)
        outcome = http_client.send(message(f"https://{NAME}/hook"), seconds=1)
        assert Trickling.over.wait(10)

    assert outcome == Outcome(error="timeout: 1")


def test_stored_destination_is_checked_again_when_sending(receiver: Receiver) -> None:
    stored = message(receiver.url)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.WEBHOOK_ALLOW_PRIVATE_TARGETS", False)
        outcome = http_client.send(stored)

    assert outcome.error == "url"
    assert receiver.received == []


def test_proxy_resolves_the_name(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.WEBHOOK_PROXY = f"http://127.0.0.1:{listening.getsockname()[1]}"
        requests: list[bytes] = []
        proxy = threading.Thread(target=_refuse, args=(listening, requests))
        proxy.start()

        outcome = http_client.send(message("https://nowhere.invalid/secret"))
        proxy.join()

    assert requests[0].startswith(b"CONNECT nowhere.invalid:443 HTTP/1.")
    assert (outcome.status, outcome.is_success) == (None, False)
    assert outcome.error == "proxy"


def test_plain_http_is_rejected_with_a_proxy(settings: Settings) -> None:
    settings.WEBHOOK_PROXY = "http://127.0.0.1:1"

    with pytest.raises(UrlRejected):
        destinations.parse("http://shop.example/hook")


def _refuse(listening: socket.socket, requests: list[bytes]) -> None:
    connection, _ = listening.accept()
    with connection:
        requests.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
