"""Requests to receivers: signed, bounded, and never into our own network."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import WebhookVerificationError

from shortlinks.domain.links.urls import UrlRejected
from shortlinks.domain.webhooks import destinations, http_client, secret_encryption
from shortlinks.domain.webhooks.http_client import Message
from shortlinks.domain.webhooks.retry_policy import Outcome
from tests import receivers
from tests.receivers import Quiet, Receiver

SECRET = secret_encryption.new()
EVENT = UUID("0197f0de-0000-7000-8000-000000000001")
NAME = "receiver.example"


def message(url: str) -> Message:
    kind = "application/x-www-form-urlencoded"
    return Message(url, SECRET, EVENT, kind, "a%5Bb%5D=%D1%8F")


def test_a_request_is_signed_and_says_what_it_is(receiver: Receiver) -> None:
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
def test_redirects_are_failures_and_not_followed(
    receiver: Receiver, status: int
) -> None:
    receiver.answers = [(status, {"Location": receiver.url})]

    outcome = http_client.send(message(receiver.url))

    assert (outcome.status, outcome.is_success) == (status, False)
    assert outcome.error == f"Answered {status}: redirects are not followed."
    assert len(receiver.received) == 1


def test_the_environments_proxies_and_netrc_are_not_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert http_client.send(message(receiver.url)).is_success


def test_nobody_there_is_a_failure_without_a_status(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    outcome = http_client.send(message(f"http://127.0.0.1:{port}/secret"))

    assert (outcome.status, outcome.is_success) == (None, False)
    assert "Connection refused" in outcome.error
    assert "secret" not in outcome.error


class Trickling(Quiet):
    """Never silent for long, never done; `over` is set when it is cut off."""

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


def test_headers_that_trickle_are_cut_off(trickling: str) -> None:
    outcome = http_client.send(message(trickling), seconds=0.3)

    assert outcome == Outcome(error="No answer within 0.3 s.")


def test_a_body_that_trickles_is_cut_off_after_its_status(
    trickling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"
    monkeypatch.setattr(Trickling, "begins", head)

    outcome = http_client.send(message(trickling), seconds=3)

    assert outcome.is_success
    assert Trickling.over.wait(10)


def test_an_endless_answer_is_read_no_further_than_64_kilobytes(
    trickling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"y" * 70_000
    monkeypatch.setattr(Trickling, "begins", head)

    outcome = http_client.send(message(trickling), seconds=60)

    assert outcome.is_success
    assert Trickling.over.wait(10)


# --- where no request goes ----------------------------------------------------


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("http://receiver.example/", "UnsafeUrl", id="http"),
        pytest.param("https://receiver.example:22/", "UnsafeUrl", id="port"),
        pytest.param("https://receiver.example:80/", "UnsafeUrl", id="port of http"),
        pytest.param("https://user:pw@receiver.example/", "UnsafeUrl", id="user"),
        pytest.param("https://receiver.example\\@a.b/", "InvalidUrl", id="backslash"),
        pytest.param("ftp://receiver.example/", "InvalidUrl", id="ftp"),
        pytest.param("file:///etc/passwd", "InvalidUrl", id="file"),
        pytest.param("receiver.example", "InvalidUrl", id="no scheme"),
        pytest.param("https://localhost/", "UnsafeUrl", id="localhost"),
        pytest.param("https://localhost./", "UnsafeUrl", id="localhost."),
        pytest.param("https://redis/", "UnsafeUrl", id="single label"),
        pytest.param("https://db.internal/", "UnsafeUrl", id="internal"),
        pytest.param("https://127.0.0.1/", "UnsafeUrl", id="loopback"),
        pytest.param("https://2130706433/", "UnsafeUrl", id="decimal"),
        pytest.param("https://0177.0.0.1/", "UnsafeUrl", id="octal"),
        pytest.param("https://0x7f.1/", "UnsafeUrl", id="hex"),
        pytest.param("https://①②⑦.⓪.⓪.①/", "UnsafeUrl", id="digits in circles"),
        pytest.param("https://127.1/", "UnsafeUrl", id="short"),
        pytest.param("https://0/", "UnsafeUrl", id="zero"),
        pytest.param("https://169.254.169.254/", "UnsafeUrl", id="metadata"),
        pytest.param("https://10.0.0.1/", "UnsafeUrl", id="private"),
        pytest.param("https://8.8.8.8/", "UnsafeUrl", id="any bare address"),
        pytest.param("https://[::1]/", "UnsafeUrl", id="loopback 6"),
        pytest.param("https://[::ffff:127.0.0.1]/", "UnsafeUrl", id="mapped"),
        pytest.param("https://[2606:4700::1]/", "UnsafeUrl", id="bare 6"),
        pytest.param("https://receiver.example/" + "a" * 600, "TooLong", id="long"),
    ],
)
def test_addresses_that_cannot_be_webhooks(url: str, code: str) -> None:
    with pytest.raises(UrlRejected) as rejected:
        destinations.parse(url)

    assert rejected.value.code == code


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://receiver.example/a?b=c", "https://receiver.example/a?b=c"),
        ("https://receiver.example:8443/", "https://receiver.example:8443/"),
        ("https://receiver.example:443/", "https://receiver.example/"),
        ("https://пример.рф/", "https://xn--e1afmkfd.xn--p1ai/"),
    ],
)
def test_addresses_that_can(url: str, target: str) -> None:
    assert destinations.parse(url) == target


class Names:
    """A resolver: what each question is answered with, and what was asked.

    Whatever address is connected to, `there` is where one arrives: on this machine.
    """

    def __init__(self, *addresses: str, there: int | None = None) -> None:
        self._addresses = list(addresses)
        self._there = there
        self.asked: list[str] = []

    def getaddrinfo(self, host: str, port: int, *_: Any, **__: Any) -> Any:
        self.asked.append(host)
        if host != NAME and self._there is None:
            raise socket.gaierror("no network here")
        if host != NAME:
            address, port = "127.0.0.1", self._there or 0
        else:
            address = self._addresses.pop(0)
        if ":" in address:
            where: tuple[Any, ...] = (address, port, 0, 0)
            return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", where)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


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
def test_names_that_lead_into_networks_are_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    names = Names(address)
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)

    outcome = http_client.send(message(f"https://{NAME}/"))

    assert outcome.error.startswith("The name leads to an address that is not public")
    assert names.asked == [NAME]  # and nothing was connected to


def test_what_was_judged_is_what_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that answers otherwise the second time (rebinding) is not asked twice."""
    names = Names("8.8.8.8", "127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)

    first = http_client.send(message(f"https://{NAME}/"))
    asked = list(names.asked)
    second = http_client.send(message(f"https://{NAME}/"))

    assert asked == [NAME, "8.8.8.8"]
    assert "no network here" in first.error
    assert "not public: 127.0.0.1" in second.error


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and self-signed certificate of NAME."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = timezone.now()
    made = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    bare = serialization.NoEncryption()
    path = tmp_path / "receiver.pem"
    path.write_bytes(key.private_bytes(pem, pkcs8, bare) + made.public_bytes(pem))
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def vouched_for(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))


def lead_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let NAME have a public address, which is to be found on this machine."""
    names = Names("8.8.8.8", there=urlsplit(url).port)
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)


@pytest.fixture
def tls_receiver(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Receiver]:
    with receivers.receiver(tls) as made:
        lead_to(made.url, monkeypatch)
        yield made


@pytest.mark.usefixtures("vouched_for")
def test_https_is_spoken_with_the_name_at_the_address_that_was_judged(
    tls_receiver: Receiver,
) -> None:
    outcome = http_client.send(message(f"https://{NAME}/hook"))

    assert outcome == Outcome(200)
    [request] = tls_receiver.received
    assert request.headers["Host"] == NAME
    request.verify(SECRET)


def test_a_certificate_that_nobody_vouches_for_is_a_failure(
    tls_receiver: Receiver,
) -> None:
    outcome = http_client.send(message(f"https://{NAME}/hook"))

    assert "CERTIFICATE_VERIFY_FAILED" in outcome.error
    assert tls_receiver.received == []


@pytest.mark.usefixtures("vouched_for")
def test_what_trickles_encrypted_is_cut_off_as_well(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trickling.over.clear()
    with receivers.serving(Trickling, tls) as (_, url):
        lead_to(url, monkeypatch)
        outcome = http_client.send(message(f"https://{NAME}/hook"), seconds=1)
        assert Trickling.over.wait(10)

    assert outcome == Outcome(error="No answer within 1 s.")


def test_a_stored_address_is_judged_by_todays_rules(receiver: Receiver) -> None:
    from_development = message(receiver.url)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.WEBHOOK_ALLOW_PRIVATE_TARGETS", False)
        outcome = http_client.send(from_development)

    assert "UrlRejected" in outcome.error
    assert receiver.received == []


def test_a_proxy_is_asked_for_the_name_itself(settings: Settings) -> None:
    """It alone knows which addresses are public; nobody else resolves the name."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.WEBHOOK_PROXY = f"http://127.0.0.1:{listening.getsockname()[1]}"
        asked: list[bytes] = []
        proxy = threading.Thread(target=_refuse, args=(listening, asked))
        proxy.start()

        outcome = http_client.send(message("https://nowhere.invalid/secret"))
        proxy.join()

    assert asked[0].startswith(b"CONNECT nowhere.invalid:443 HTTP/1.")
    assert (outcome.status, outcome.is_success) == (None, False)
    assert "403" in outcome.error
    assert "secret" not in outcome.error


def test_with_a_proxy_plain_http_is_refused_as_ever(settings: Settings) -> None:
    settings.WEBHOOK_PROXY = "http://127.0.0.1:1"

    with pytest.raises(UrlRejected):
        destinations.parse("http://shop.example/hook")


def _refuse(listening: socket.socket, asked: list[bytes]) -> None:
    connection, _ = listening.accept()
    with connection:
        asked.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
