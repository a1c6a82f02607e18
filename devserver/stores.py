"""PostgreSQL and Valkey: configure, start and probe them."""

import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult

import psycopg
import redis
from psycopg import sql

from deploy import keys
from deploy.programs import Program, Rank
from deploy.roles import LOOPBACK
from devserver import environment, store_directories, wall_clock
from devserver.errors import RunError
from devserver.store_directories import StoreInstallation

DATABASE = OWNER = "shortlinks"
APP_USER = "shortlinks_app"
# The image of the database executes this file, too.
APP_RIGHTS = Path(__file__).parents[1] / "docker" / "db" / "app-user.sql"
# The rights of the only user of Redis, who cannot configure the server, or empty it.
REDIS_RIGHTS = "~* &* +@all -@admin -@dangerous +info"
PORTS = ("POSTGRES", "VALKEY")


class Store(Protocol):
    @property
    def home(self) -> StoreInstallation: ...
    @property
    def title(self) -> str: ...
    @property
    def setting(self) -> str:
        """Environment variable that names a store to use instead."""

    @property
    def url(self) -> str:
        """Address for migrations and tests."""

    @property
    def app_url(self) -> str:
        """Address for the processes, whose user may have fewer rights."""

    @property
    def program(self) -> Program: ...
    def prepare(self) -> None:
        """Create files that its process needs."""

    def make_ready(self) -> bool:
        """Create missing users and databases; return whether the service can log in."""


@dataclass(frozen=True)
class Postgres:
    home: StoreInstallation
    port: int
    password: str
    app_password: str
    title = "PostgreSQL 18"
    setting = "DATABASE_URL"

    @property
    def url(self) -> str:
        return self._url(OWNER, self.password, DATABASE)

    @property
    def app_url(self) -> str:
        return self._url(APP_USER, self.app_password, DATABASE)

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
        self.home.restrict_to_store_user(new)
        self._initialize(new)
        new.rename(self._data)

    def make_ready(self) -> bool:
        try:
            with self._connect_as_superuser("postgres") as connection:
                self._create_users(connection)
                self._create_database(connection)
            with self._connect_as_superuser(DATABASE) as connection:
                connection.execute(APP_RIGHTS.read_bytes())
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _data(self) -> Path:
        return self.home.directory / "postgres"

    def _url(self, user: str, password: str, database: str) -> str:
        return f"postgres://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    def _connect_as_superuser(self, database: str) -> psycopg.Connection:
        url = self._url("postgres", self.password, database)
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def _initialize(self, data: Path) -> None:
        password = self.home.directory / "postgres.password"
        password.touch(mode=0o600)
        password.write_text(self.password)
        self.home.restrict_to_store_user(password)
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

    def _create_users(self, connection: psycopg.Connection) -> None:
        """Create the users of production; for tests, the owner may create databases."""
        exists = "SELECT FROM pg_roles WHERE rolname = %s"
        create = sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}")
        for name, right, password in (
            (OWNER, "CREATEDB", self.password),
            (APP_USER, f"ROLE {OWNER}", self.app_password),
        ):
            if not connection.execute(exists, [name]).rowcount:
                user, secret = sql.Identifier(name), sql.Literal(password)
                connection.execute(create.format(user, sql.SQL(right), secret))

    def _create_database(self, connection: psycopg.Connection) -> None:
        exists = "SELECT FROM pg_database WHERE datname = %s"
        if not connection.execute(exists, [DATABASE]).rowcount:
            create = sql.SQL("CREATE DATABASE {} OWNER {}")
            name, owner = sql.Identifier(DATABASE), sql.Identifier(OWNER)
            connection.execute(create.format(name, owner))


@dataclass(frozen=True)
class Valkey:
    home: StoreInstallation
    port: int
    password: str
    title = "Valkey"
    setting = "REDIS_URL"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def app_url(self) -> str:
        return self.url

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
        self.home.restrict_to_store_user(directory)
        settings = {
            "bind": LOOPBACK,
            "port": self.port,
            "user": f"default reset on >{self.password} {REDIS_RIGHTS}",
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
        self.home.restrict_to_store_user(self._settings)

    def make_ready(self) -> bool:
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
    """Return the start of a command line that gives a store no secrets of ours."""
    clock_variables = (
        f"{n}={value}" for n in wall_clock.VARIABLES if (value := environment.get(n))
    )
    return ("/usr/bin/env", "-i", "LC_ALL=C", *clock_variables)


def owner_url(url: SplitResult, passwords: Mapping[str, str]) -> str:
    """Return the owner's URL instead of the app user's; keep any other URL."""
    if url.username != APP_USER:
        return url.geturl()
    _, _, address = url.netloc.rpartition("@")
    user = f"{OWNER}:{passwords[keys.OWNER_PASSWORD]}"
    return url._replace(netloc=f"{user}@{address}").geturl()


def postgres(
    home: StoreInstallation, port: int, passwords: Mapping[str, str]
) -> Postgres:
    owner, app = passwords[keys.OWNER_PASSWORD], passwords[keys.APP_PASSWORD]
    return Postgres(home, port, owner, app)


def needed(
    base: Path, passwords: Mapping[str, str], ports: Mapping[str, int]
) -> tuple[Store, ...]:
    """Return the stores whose address is not in the environment."""
    kinds = (Postgres, Valkey)
    if all(environment.get(kind.setting) for kind in kinds):
        return ()
    home = store_directories.choose_home(base)
    stores: tuple[Store, ...] = (
        postgres(home, ports["POSTGRES"], passwords),
        Valkey(home, ports["VALKEY"], passwords["VALKEY_PASSWORD"]),
    )
    return tuple(store for store in stores if not environment.get(store.setting))
