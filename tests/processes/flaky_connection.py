"""A proxy to Postgres that closes a connection when it commits new links."""

import contextlib
import re
import select
import socket
import threading
from collections.abc import Callable, Iterator

from django.conf import settings

# Sent outside a transaction block, so the end of the statement is the commit.
COMMITTING_STATEMENT = b"INSERT INTO shortlinks_shortlink"
# psycopg prepares the statement under a name, and executes this name afterwards.
PREPARE = re.compile(rb"P.{4}(_pg3_\d+)\0", re.DOTALL)
SYNC = b"S\0\0\0\x04"  # the last message of a request
# The last message of a response, outside a transaction: the statement is committed.
READY = b"Z\0\0\0\x05I"
BUFFER_SIZE = 65536


class FlakyConnection:
    """Forwards connections to Postgres until `at_commit` is set.

    The next connection that commits calls it, once, and is closed. If it returns True,
    Postgres commits before.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.port = int(listener.getsockname()[1])
        self.at_commit: Callable[[], bool] | None = None
        self._listener = listener
        self._prepared: dict[socket.socket, bytes] = {}
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        database = settings.DATABASES["default"]
        with contextlib.suppress(OSError):  # the listener is closed after the test
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((database["HOST"], database["PORT"]))
                threading.Thread(
                    target=self._forward, args=(client, server), daemon=True
                ).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with client, server, contextlib.suppress(OSError):
            while True:
                for source in select.select([client, server], [], [])[0]:
                    if not (data := source.recv(BUFFER_SIZE)):
                        return
                    if source is client and self._is_cut(client, server, data):
                        return
                    (server if source is client else client).sendall(data)

    def _is_cut(
        self, client: socket.socket, server: socket.socket, data: bytes
    ) -> bool:
        prepared = PREPARE.search(data)
        if prepared and COMMITTING_STATEMENT in data:
            self._prepared[client] = prepared[1] + b"\0"
            return False
        name = self._prepared.get(client)
        if self.at_commit is None or name is None or name not in data:
            return False
        at_commit, self.at_commit = self.at_commit, None
        data = _receive_until(SYNC, client, data)
        if at_commit():
            server.sendall(data)
            # Postgres sends the first rows before it commits, and aborts if the
            # connection is closed then.
            _receive_until(READY, server)
        return True


def _receive_until(end: bytes, source: socket.socket, data: bytes = b"") -> bytes:
    while not data.endswith(end):
        received = source.recv(BUFFER_SIZE)
        if not received:
            raise ConnectionError
        data += received
    return data


@contextlib.contextmanager
def to_postgres() -> Iterator[FlakyConnection]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield FlakyConnection(listener)
