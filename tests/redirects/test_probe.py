"""The probe of Postgres, which closes the circuit breaker of redirects."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from django.conf import settings

from shortlinks.redirects import process

LATER_SECONDS = 10  # when the server closes a connection, so that no test hangs
NOT_SUPPORTED = b"N"  # the answer to a request for encryption
STARTUP_VERSION = b"\0\3\0\0"
ACCEPTED = b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I"  # logged in, and ready
BUFFER_SIZE = 65536


@pytest.fixture
def frozen_postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the probe connect to a server that accepts it and answers no query."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        database = settings.DATABASES["default"]
        monkeypatch.setitem(database, "HOST", "127.0.0.1")
        monkeypatch.setitem(database, "PORT", listener.getsockname()[1])
        yield


def _accept(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the listener is closed after the test
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_freeze, args=(client,), daemon=True).start()


def _freeze(client: socket.socket) -> None:
    client.settimeout(LATER_SECONDS)
    with client, contextlib.suppress(OSError):
        while data := client.recv(BUFFER_SIZE):
            if data[4:8] == STARTUP_VERSION:
                client.sendall(ACCEPTED)
            elif len(data) == 8:
                client.sendall(NOT_SUPPORTED)


@pytest.mark.usefixtures("frozen_postgres")
def test_probe_times_out_if_postgres_answers_no_query() -> None:
    with pytest.raises(TimeoutError):
        process._probe_postgres()
