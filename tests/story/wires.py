"""A wire to Postgres that is cut at the worst of moments."""

import contextlib
import re
import select
import socket
import threading
from collections.abc import Callable, Iterator

from django.conf import settings

# Sent outside a transaction block, so the statement's end is the commit.
COMMITS = b"INSERT INTO shortlinks_shortlink"
# It is prepared by name first, and executed with that name next.
PREPARES = re.compile(rb"P.{4}(_pg3_\d+)\0", re.DOTALL)
SYNC = b"S\0\0\0\x04"  # ends what belongs together
MOST = 65536


class Wire:
    """Takes connections for Postgres; `at_commit` says what becomes of the next.

    That connection is cut; if it returns True, Postgres has committed before.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.port = int(listener.getsockname()[1])
        self.at_commit: Callable[[], bool] | None = None
        self._listener = listener
        self._names: dict[socket.socket, bytes] = {}
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
        prepared = PREPARES.search(data)
        if prepared and COMMITS in data:
            self._names[client] = prepared[1] + b"\0"
            return False
        name = self._names.get(client)
        if self.at_commit is None or name is None or name not in data:
            return False
        at_commit, self.at_commit = self.at_commit, None
        while not data.endswith(SYNC):
            data += client.recv(MOST)
        if at_commit():
            server.sendall(data)
            server.recv(MOST)  # it is committed, and nobody hears of it
        return True


@contextlib.contextmanager
def to_postgres() -> Iterator[Wire]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield Wire(listener)
