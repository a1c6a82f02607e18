"""Errors of real connections, and the sentences that users read about them."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import translation
from pytest_django import Settings

from shortlinks.domain.webhooks import failures, http_client, secret_encryption
from shortlinks.domain.webhooks.http_client import Message
from tests import receivers
from tests.domain.webhooks import network
from tests.domain.webhooks.network import NAME
from tests.receivers import Receiver

KEYS = [
    f"{kind}: 7" if "%" in sentence else kind
    for kind, sentence in failures.SENTENCES.items()
]


def error_of(url: str, *, seconds: float = 15) -> str:
    """Send to the URL and return why it failed, in English."""
    secret = secret_encryption.new()
    message = Message(url, secret, uuid4(), "application/json", "{}")
    return failures.explain(http_client.send(message, seconds=seconds).error)


@contextlib.contextmanager
def answering(data: bytes, *, reads: int = 4096) -> Iterator[str]:
    """Answer one connection with these bytes and close it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(reads)
                connection.sendall(data)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/secret"
        thread.join()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, "The server answered 500."),
        (404, "The server answered 404."),
        (410, "The server answered 410: it wants no more events."),
        (
            301,
            "The server answered 301, a redirect, which is not followed. Enter the URL"
            " to which it leads.",
        ),
    ],
)
def test_status_is_explained(receiver: Receiver, status: int, expected: str) -> None:
    receiver.answers = [(status, {})]

    assert error_of(receiver.url) == expected


def test_server_that_does_not_answer_is_explained(receiver: Receiver) -> None:
    receiver.answering.clear()

    error = error_of(receiver.url, seconds=0.2)

    assert error == "The server did not answer within 0.2 s."


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "The server closed the connection without an answer."),
        (b"SSH-2.0-OpenSSH\r\n", "The answer of the server is not valid HTTP."),
    ],
    ids=["nothing", "not HTTP"],
)
def test_wrong_answer_is_explained(
    settings: Settings, data: bytes, expected: str
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    with answering(data) as url:
        assert error_of(url) == expected


def test_reset_connection_is_explained(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    with answering(b"", reads=1) as url:  # unread bytes make the system send a reset
        error = error_of(url)

    assert error == "The server closed the connection without an answer."


def test_refused_connection_is_explained(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/secret"

    assert error_of(url) == "The server refused the connection."


def test_full_backlog_is_explained(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    monkeypatch.setattr(http_client, "CONNECT_TIMEOUT_SECONDS", 0.1)
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = full.getsockname()
        waiting = [stack.enter_context(socket.socket()) for _ in range(4)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(address)
        error = error_of(f"http://127.0.0.1:{address[1]}/secret")

    assert error == "The server cannot be reached: no connection."


@pytest.mark.parametrize("private", ["0", "1"])
def test_unknown_name_is_explained(settings: Settings, private: str) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = private == "1"

    error = error_of("https://receiver.invalid/secret")

    assert error == "The name of the server was not found."


def test_private_address_is_explained_with_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = network.Names("10.0.0.7")
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)

    error = error_of(f"https://{NAME}/secret")

    assert "leads to 10.0.0.7, which is not a public address" in error
    assert "WEBHOOK_ALLOW_PRIVATE_TARGETS" in error


@pytest.mark.parametrize(
    ("name", "valid_days", "is_trusted", "expected"),
    [
        (NAME, -1, True, "The certificate of the server has expired."),
        ("a.example", 1, True, "The certificate of the server is for another name."),
        (
            NAME,
            1,
            False,
            "The certificate of the server is not from a known authority, or a"
            " certificate in between is missing.",
        ),
    ],
    ids=["expired", "other name", "untrusted"],
)
def test_certificate_is_explained(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    valid_days: int,
    expected: str,
    *,
    is_trusted: bool,
) -> None:
    path = network.certificate(tmp_path / "a.pem", name=name, valid_days=valid_days)
    other = network.certificate(tmp_path / "b.pem")
    trusted = path if is_trusted else other
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)

    with receivers.receiver(context) as receiver:
        network.resolve_to(receiver.url, monkeypatch)
        error = error_of(f"https://{NAME}/secret")

    assert error == expected


def test_server_without_tls_is_explained(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = False
    network.resolve_to(receiver.url, monkeypatch)

    error = error_of(f"https://{NAME}/secret")

    assert error == "No secure connection to the server could be made."


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_sentence_has_no_words_of_programmers(language: str, key: str) -> None:
    with translation.override(language):
        sentence = failures.explain(key)

    assert re.search(r"[a-z]Error|Exception|errno|%\(|__", sentence) is None
    assert sentence.endswith(".")
    assert re.search("[а-я]", sentence) is not None or language == "en"
