"""The load that drills send over TLS, tested without a Docker engine."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from systemtests.load import Load, Server
from systemtests.traffic import Open
from tests import certificates

HOST = "go.localhost"
OPENS = 60


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    return certificates.make(path, x509.DNSName(HOST))


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError):
        while request := await reader.readuntil(b"\r\n\r\n"):
            closes = b"Connection: close" in request
            header = "Connection: close\r\n" if closes else ""
            answer = f"HTTP/1.1 302 Found\r\n{header}Content-Length: 0\r\n\r\n"
            writer.write(answer.encode())
            if closes:
                break
    writer.close()


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """Serve redirects over TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context)
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def opens() -> Iterator[Open]:
    for number in range(OPENS):
        yield Open(number, 1, "code", number / 200, keeps_connection=number % 10 != 0)


def test_load_sends_each_open_over_tls(port: int, certificate: Path) -> None:
    tls = ssl.create_default_context(cafile=certificate)

    with Load([Server("127.0.0.1", port, tls)], opens(), host=HOST) as load:
        pass

    assert [each.is_answered for each in load.opened] == [True] * OPENS


def test_load_counts_an_open_as_refused_if_no_server_accepts() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = Server("127.0.0.1", unused.getsockname()[1])

        with Load([server], opens(), host=HOST) as load:
            load.stop()

    assert all(each.is_refused for each in load.opened)
