"""PostgreSQL and Valkey: configure, start and probe them."""

import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
import redis
from psycopg import sql

from deploy.programs import Program, Rank
from deploy.roles import LOOPBACK
from devserver import environment, store_directories, wall_clock
from devserver.errors import RunError
from devserver.store_directories import Home

DATABASE = "shortlinks"
PORTS = ("POSTGRES", "VALKEY")


class Store(Protocol):
    @property
    def home(self) -> Home: ...
    @property
    def title(self) -> str: ...
    @property
    def setting(self) -> str:
        """Environment variable that names a store to use instead."""

    @property
    def url(self) -> str: ...
    @property
    def program(self) -> Program: ...
    def prepare(self) -> None:
        """Create files that its process needs."""

    def serves(self) -> bool:
        """Return whether the service can log in."""


@dataclass(frozen=True)
class Postgres:
    home: Home
    port: int
    password: str
    title = "PostgreSQL 18"
    setting = "DATABASE_URL"

    @property
    def url(self) -> str:
        return self._url(DATABASE, DATABASE)

    @property
    def program(self) -> Program:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "unix_socket_directories": "",
            "shared_buffers": "128MB",
            "log_checkpoints": "off",
            # Statements and details contain names of contacts, and sessions.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_statement": "none",
            "log_parameter_max_length": 0,
            "log_parameter_max_length_on_error": 0,
        }
        options = (f"--{name}={value}" for name, value in settings.items())
        return Program(
            name="postgres",
            command=(
                *_empty_environment(),
                str(self.home.postgres),
                "-D",
                str(self._data),
                *options,
            ),
            rank=Rank.STORES,
            user=self.home.user,
            stop_signal=signal.SIGINT,  # fast shutdown; SIGTERM waits for all clients
            stop_seconds=60,
        )

    def prepare(self) -> None:
        if self._data.exists():
            return
        new = self.home.directory / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        self.home.give(new)
        self._initialize(new)
        new.rename(self._data)

    def serves(self) -> bool:
        try:
            with psycopg.connect(
                self._url("postgres", "postgres"), autocommit=True, connect_timeout=5
            ) as connection:
                self._create_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _data(self) -> Path:
        return self.home.directory / "postgres"

    def _url(self, user: str, database: str) -> str:
        address = f"{LOOPBACK}:{self.port}"
        return f"postgres://{user}:{self.password}@{address}/{database}"

    def _initialize(self, data: Path) -> None:
        password = self.home.directory / "postgres.password"
        password.touch(mode=0o600)
        password.write_text(self.password)
        self.home.give(password)
        command = (
            *(*_empty_environment(), str(self.home.initdb), "-D", str(data)),
            *("--username=postgres", "--auth=scram-sha-256", f"--pwfile={password}"),
            *("--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        )
        done = subprocess.run(
            command,
            cwd=data,
            start_new_session=True,
            capture_output=True,
            text=True,
            **self.home.credentials,
        )
        password.unlink()
        if done.returncode:
            raise RunError(f"initdb failed: {done.stdout}{done.stderr}")

    def _create_database(self, connection: psycopg.Connection) -> None:
        """Create it for a role that is not a superuser, as in production."""
        name = sql.Identifier(DATABASE)
        exists = "SELECT FROM pg_roles WHERE rolname = %s"
        if not connection.execute(exists, [DATABASE]).rowcount:
            role = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
            connection.execute(role.format(name, sql.Literal(self.password)))
        exists = "SELECT FROM pg_database WHERE datname = %s"
        if not connection.execute(exists, [DATABASE]).rowcount:
            database = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(database.format(name, name))


@dataclass(frozen=True)
class Valkey:
    home: Home
    port: int
    password: str
    title = "Valkey"
    setting = "REDIS_URL"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def program(self) -> Program:
        return Program(
            name="valkey",
            command=(*_empty_environment(), str(self.home.valkey), str(self._settings)),
            rank=Rank.STORES,
            user=self.home.user,
        )

    def prepare(self) -> None:
        directory = self._settings.parent
        directory.mkdir(exist_ok=True)
        self.home.give(directory)
        settings = {
            "bind": LOOPBACK,
            "port": self.port,
            "requirepass": self.password,
            "dir": f'"{directory}"',
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
            # `orphans` finds the process by its command line.
            "set-proc-title": "no",
        }
        self._settings.touch(mode=0o600)
        lines = (f"{name} {value}\n" for name, value in settings.items())
        self._settings.write_text("".join(lines))
        self.home.give(self._settings)

    def serves(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=5)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    @property
    def _settings(self) -> Path:
        return self.home.directory / "valkey" / "valkey.conf"


def _empty_environment() -> tuple[str, ...]:
    """Return the start of a command line. Stores get none of the service's secrets."""
    shifted = (
        f"{n}={value}" for n in wall_clock.VARIABLES if (value := environment.get(n))
    )
    return ("/usr/bin/env", "-i", "LC_ALL=C", *shifted)


def needed(
    base: Path, passwords: Mapping[str, str], ports: Mapping[str, int]
) -> tuple[Store, ...]:
    """Return the stores whose address is not in the environment."""
    kinds = (Postgres, Valkey)
    if all(environment.get(kind.setting) for kind in kinds):
        return ()
    home = store_directories.settle(base)
    stores: tuple[Store, ...] = (
        Postgres(home, ports["POSTGRES"], passwords["POSTGRES_PASSWORD"]),
        Valkey(home, ports["VALKEY"], passwords["VALKEY_PASSWORD"]),
    )
    return tuple(store for store in stores if not environment.get(store.setting))
