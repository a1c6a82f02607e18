"""The whole service, each part a process that can fail on its own."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, connection

from deploy import roles
from devserver import store_directories
from devserver.stores import Postgres, Store, Valkey
from shortlinks.models import Heartbeat
from systemtests import processes
from systemtests.processes import Process

STORES = ("postgres", "valkey")
REDIRECTS = ("redirects", "redirects-2")
# in the order of their start
ROLES = ("web", *REDIRECTS, "worker", "beat")


class Service:
    def __init__(self, base: Path, ports: list[int]) -> None:
        self.base = base
        self.web_port, *self.redirect_ports = ports
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
        """Start these parts and wait until each is ready."""
        for name in names:
            if name == "worker":
                self._heartbeat = heartbeat()
            self.parts[name].start(environment, wrapper)
        for name in names:
            self.parts[name].wait_until_ready()

    def restart(
        self,
        *names: str,
        environment: Mapping[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> None:
        for name in names:
            self.parts[name].stop()
        self.start(*names, environment=environment, wrapper=wrapper)

    def recover(self) -> None:
        """Thaw what is frozen, and start what does not run."""
        for part in self.parts.values():
            part.thaw()
        missing = [name for name, part in self.parts.items() if not part.is_running]
        if missing:
            self.start(*missing)

    def end(self) -> None:
        for part in reversed(self.parts.values()):
            part.end()

    def lost_visits(self) -> int:
        """Return how many visits the redirect processes report as lost."""
        reports = [readiness(port) for port in self.redirect_ports]
        return sum(int(each["lost_visits"]["detail"]) for each in reports)

    def _store_processes(self) -> dict[str, Process]:
        return {
            store.program.name: Process(
                store.program,
                self._log(store.program.name),
                is_ready=store.make_ready,
                credentials=store.home.credentials,
            )
            for store in self._stores
        }

    def _role_processes(self) -> dict[str, Process]:
        web, worker = roles.web(self.web_port), roles.worker()
        beat = roles.beat(self.base / "beat-schedule")
        redirects = {
            name: processes.http_server(roles.redirects(port), port, self._log(name))
            for name, port in zip(REDIRECTS, self.redirect_ports, strict=True)
        }
        return {
            "web": processes.http_server(web, self.web_port, self._log("web")),
            **redirects,
            "worker": Process(
                worker, self._log("worker"), is_ready=self._has_heartbeat
            ),
            "beat": Process(beat, self._log("beat"), is_ready=lambda: True),
        }

    def _has_heartbeat(self) -> bool:
        """Return whether the worker, which sends itself a heartbeat, did so."""
        return heartbeat() != self._heartbeat

    def _log(self, name: str) -> Path:
        return self.base / f"{name}.log"


def heartbeat() -> object:
    connection.close()  # Postgres may have been restarted
    try:
        return Heartbeat.objects.values_list("beat_at", flat=True).first()
    except Error:
        return None


def readiness(port: int) -> dict[str, Any]:
    """Return the checks of `/readyz`, by name."""
    checks: dict[str, Any] = json.loads(processes.get(port, "/readyz").body)["checks"]
    return checks


def from_environment() -> Service:
    ports = [int(port) for port in os.environ["CHAOS_PORTS"].split(",")]
    return Service(Path(os.environ["CHAOS_DIRECTORY"]), ports)


def _stores(base: Path) -> tuple[Store, ...]:
    home = store_directories.choose_home(base)
    postgres, valkey = (
        urlsplit(url) for url in (os.environ["DATABASE_URL"], settings.REDIS_URL)
    )
    password = postgres.password or ""
    return (
        Postgres(home, postgres.port or 0, password, app_password=password),
        Valkey(home, valkey.port or 0, valkey.password or ""),
    )
