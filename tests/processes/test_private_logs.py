"""No log has a code, address, user agent or token, not even during an outage."""

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from shortlinks.domain.links import redis_cache
from shortlinks.models import Account, ShortLink
from tests import factories, services, stores
from tests.browser import caddy
from tests.services import Server
from tests.stores import OwnStore

ADDRESS = "127.0.0.77"
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) Visitor/77.7"
CLICK_TOKEN = "ClickTokenOfTheVisitor"
ADMIN, SHORT = "crm.test", "go.test"
STATEMENTS = (
    ("INSERT INTO person VALUES (1, 'Literal77')", None),
    ("INSERT INTO person VALUES (1, %s)", ["Parameter77"]),
    ("SELECT pg_sleep(9) FROM person WHERE name <> 'Slow77'", None),
)


@pytest.fixture
def account(transactional_db: None) -> Account:
    account = factories.account()
    redis_cache.refresh_account(account)
    return account


@pytest.fixture
def link(account: Account) -> ShortLink:
    link = factories.link(factories.contact(account))
    redis_cache.refresh([link])
    return link


@dataclass
class Visitor:
    """A client of Caddy, with an address of its own."""

    client: httpx.Client
    port: int

    def get(self, host: str, path: str, headers: Mapping[str, str]) -> int:
        return self.client.get(
            f"https://127.0.0.1:{self.port}{path}",
            headers={"Host": f"{host}:{self.port}", **headers},
            extensions={"sni_hostname": host},
        ).status_code


@contextlib.contextmanager
def visitor(port: int) -> Iterator[Visitor]:
    transport = httpx.HTTPTransport(verify=False, local_address=ADDRESS)
    headers = {"User-Agent": USER_AGENT}
    with httpx.Client(transport=transport, timeout=40, headers=headers) as client:
        yield Visitor(client, port)


@dataclass
class Installation:
    """Processes that cannot reach Postgres, behind Caddy."""

    redirects: Server
    web: Server
    visitor: Visitor
    logs: Path

    def stop_servers(self) -> None:
        self.redirects.process.stop()
        self.web.process.stop()

    def read_logs(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.logs.glob("*.log")}


@pytest.fixture
def installation(transactional_db: None, tmp_path: Path) -> Iterator[Installation]:
    port = services.free_port()
    settings = {
        "DATABASE_URL": f"postgres://u:p@127.0.0.1:{services.free_port()}/none",
        "SHORT_BASE_URL": f"https://{SHORT}:{port}",
        "BASE_URL": f"https://{ADMIN}:{port}",
        "ALLOWED_HOSTS": f"{ADMIN},127.0.0.1",
        "TRUSTED_PROXIES": "127.0.0.1/32",
    }
    with (
        services.worker(tmp_path, **settings),
        services.redirects_server(tmp_path, **settings) as redirects,
        services.web_server(tmp_path, **settings) as web,
        caddy.running(
            tmp_path,
            port,
            short_base_url=settings["SHORT_BASE_URL"],
            redirects=redirects.port,
            web=web.port,
        ),
        visitor(port) as client,
    ):
        yield Installation(redirects, web, client, tmp_path)


def test_logs_of_an_outage_contain_no_personal_data(
    account: Account, link: ShortLink, installation: Installation
) -> None:
    token = factories.token(factories.admin(account))
    requests: tuple[tuple[str, str, dict[str, str]], ...] = (
        (SHORT, f"/{link.code}?_sl={CLICK_TOKEN}", {}),
        (ADMIN, "/api/v4/account", {"Authorization": f"Bearer {token}"}),
    )

    without_postgres = [installation.visitor.get(*each) for each in requests]
    installation.stop_servers()
    with ThreadPoolExecutor(2) as pool:  # each waits until Caddy gives up
        unanswered = list(pool.map(lambda r: installation.visitor.get(*r), requests))
    logs = installation.read_logs()

    assert (without_postgres, unanswered) == ([302, 503], [502, 502])
    assert logs.keys() == {"caddy.log", "redirects.log", "web.log", "worker.log"}
    assert '"status":502' in logs["caddy.log"]
    assert "503" in logs["web.log"]
    private = (link.code, ADDRESS, USER_AGENT, "Visitor/77.7", CLICK_TOKEN, token)
    assert [(n, each) for n in logs for each in private if each in logs[n]] == []


@pytest.fixture
def own_postgres() -> Iterator[OwnStore]:
    with stores.postgres() as own:
        yield own


def test_log_of_postgres_contains_no_statement_or_row(own_postgres: OwnStore) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE person (id int PRIMARY KEY, name text)")
        connection.execute("INSERT INTO person VALUES (1, 'Row77')")
        connection.execute("SET statement_timeout = '1s'")
        for statement, values in STATEMENTS:
            with contextlib.suppress(psycopg.Error):
                connection.execute(statement, values)
    with pytest.raises(psycopg.OperationalError):
        _kill_while_running("SELECT pg_sleep(60), 'Killed77'", own_postgres)
    # It stops at once only after it has recovered.
    ready = "ready to accept connections"
    services.wait_for(lambda: own_postgres.log.read_text().count(ready) == 2)

    log = own_postgres.log.read_text()

    assert "duplicate key value" in log
    assert "statement timeout" in log
    assert "signal 9" in log
    private = ("Row77", "Literal77", "Parameter77", "Slow77", "Killed77")
    assert [value for value in private if value in log] == []


def _kill_while_running(statement: str, own: OwnStore) -> None:
    with psycopg.connect(own.url) as connection, ThreadPoolExecutor(1) as pool:
        pid = connection.info.backend_pid
        running = pool.submit(connection.execute, statement)
        services.wait_for(lambda: _is_sleeping(own, pid))
        os.kill(pid, signal.SIGKILL)
        running.result()


def _is_sleeping(own: OwnStore, pid: int) -> bool:
    query = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
    with psycopg.connect(own.url) as other:
        return bool(other.execute(query, [pid]).rowcount)
