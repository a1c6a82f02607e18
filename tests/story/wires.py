"""A wire to Postgres that is cut at the worst of moments."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator

from django.conf import settings

# Sent outside a transaction block, so the statement's end is the commit.
COMMITS = b"INSERT INTO shortlinks_shortlink"
MOST = 65536


class Wire:
    """Takes connections for Postgres; `at_commit` says what becomes of the next.

    That connection is cut; if it returns True, Postgres has committed before.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.port = int(listener.getsockname()[1])
        self.at_commit: Callable[[], bool] | None = None
        self._listener = listener
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        database = settings.DATABASES["default"]
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((database["HOST"], database["PORT"]))
                threading.Thread(
                    target=self._carry, args=(client, server), daemon=True
                ).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with client, server, contextlib.suppress(OSError):
            while True:
                for source in select.select([client, server], [], [])[0]:
                    if not (data := source.recv(MOST)):
                        return
                    if source is client and self._is_cut(client, server, data):
                        return
                    (server if source is client else client).sendall(data)

    def _is_cut(
        self, client: socket.socket, server: socket.socket, data: bytes
    ) -> bool:
        if COMMITS not in data or self.at_commit is None:
            return False
        at_commit, self.at_commit = self.at_commit, None
        while not data.endswith(b"\0"):  # a statement comes in pieces
            data += client.recv(MOST)
        if at_commit():
            server.sendall(data)
            server.recv(MOST)  # it is committed, and nobody hears of it
        return True


@contextlib.contextmanager
def to_postgres() -> Iterator[Wire]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield Wire(listener)
