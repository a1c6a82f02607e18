"""The whole service, each part a process that can fail on its own.

Two redirects' processes: as long as one lives, visitors are answered.
"""

import contextlib
import http.client
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, connection

from deploy import roles
from deploy.programs import Program
from devserver import store_directories
from devserver.stores import Postgres, Store, Valkey
from faults.processes import Process
from shortlinks.models import Heartbeat

HEALTHY = 200
STORES = ("postgres", "valkey")
DOORS = ("redirects", "redirects-2")
# In the order of their start.
ROLES = ("web", *DOORS, "worker", "beat")


class Service:
    def __init__(self, base: Path, ports: list[int]) -> None:
        self.base = base
        self.web_port, *self.door_ports = ports
        self._heartbeat: object = None
        self._stores = _stores(base)
        self.parts = {**self._store_processes(), **self._role_processes()}

    def start_stores(self) -> None:
        for store in self._stores:
            store.prepare()
        self.start(*STORES)

    def start(
        self,
        *names: str,
        environment: Mapping[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> None:
        """Start these and wait until each does its work."""
        for name in names:
            if name == "worker":
                self._heartbeat = heartbeat()
            self.parts[name].start(environment, wrapper)
        for name in names:
            self.parts[name].wait_until_ready()

    def start_again(
        self,
        *names: str,
        environment: Mapping[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> None:
        for name in names:
            self.parts[name].stop()
        self.start(*names, environment=environment, wrapper=wrapper)

    def heal(self) -> None:
        """Let what is frozen go on, and start what does not run."""
        for part in self.parts.values():
            part.thaw()
        missing = [name for name, part in self.parts.items() if not part.is_running]
        if missing:
            self.start(*missing)

    def end(self) -> None:
        for part in reversed(self.parts.values()):
            part.end()

    def lost(self) -> int:
        """Visits that the redirects say they have lost."""
        reports = [ready(port) for port in self.door_ports]
        return sum(int(each["lost_visits"]["detail"]) for each in reports)

    def _store_processes(self) -> dict[str, Process]:
        return {
            store.program.name: Process(
                store.program,
                self._log(store.program.name),
                is_ready=store.serves,
                credentials=store.home.credentials,
            )
            for store in self._stores
        }

    def _role_processes(self) -> dict[str, Process]:
        web, worker = roles.web(self.web_port), roles.worker()
        beat = roles.beat(self.base / "beat-schedule")
        doors = {
            name: self._door(roles.redirects(port), name, port)
            for name, port in zip(DOORS, self.door_ports, strict=True)
        }
        return {
            "web": self._door(web, "web", self.web_port),
            **doors,
            "worker": Process(worker, self._log("worker"), is_ready=self._has_beaten),
            "beat": Process(beat, self._log("beat"), is_ready=lambda: True),
        }

    def _door(self, program: Program, name: str, port: int) -> Process:
        return Process(program, self._log(name), is_ready=lambda: is_healthy(port))

    def _has_beaten(self) -> bool:
        """A worker that is ready sends itself a heartbeat."""
        return heartbeat() != self._heartbeat

    def _log(self, name: str) -> Path:
        return self.base / f"{name}.log"


def heartbeat() -> object:
    connection.close()  # of a Postgres that may have been another process
    try:
        return Heartbeat.objects.values_list("beat_at", flat=True).first()
    except Error:
        return None


def is_healthy(port: int) -> bool:
    try:
        with _answer(port, "/healthz") as response:
            return response.status == HEALTHY
    except (OSError, http.client.HTTPException):
        return False


def ready(port: int) -> dict[str, Any]:
    """The checks of `/readyz`, by name."""
    with _answer(port, "/readyz") as response:
        checks: dict[str, Any] = json.load(response)["checks"]
        return checks


@contextlib.contextmanager
def _answer(port: int, path: str) -> Iterator[http.client.HTTPResponse]:
    client = http.client.HTTPConnection(roles.LOOPBACK, port, timeout=2)
    with contextlib.closing(client):
        client.request("GET", path)
        yield client.getresponse()


def opened() -> Service:
    """Where `__main__` says."""
    ports = [int(port) for port in os.environ["FAULTS_PORTS"].split(",")]
    return Service(Path(os.environ["FAULTS_IN"]), ports)


def _stores(base: Path) -> tuple[Store, ...]:
    home = store_directories.settle(base)
    postgres, valkey = (
        urlsplit(url) for url in (os.environ["DATABASE_URL"], settings.REDIS_URL)
    )
    return (
        Postgres(home, postgres.port or 0, postgres.password or ""),
        Valkey(home, valkey.port or 0, valkey.password or ""),
    )
