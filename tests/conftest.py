"""Fixtures for all tests, and the marker `process`."""

import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import execnet
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.postgresql.operations import DatabaseOperations
from django.http import HttpResponse
from django.test import Client
from hypothesis import settings as hypothesis_settings
from psycopg.errors import DeadlockDetected
from pytest_django import DjangoDbBlocker

from devserver import stores
from shortlinks.domain import redis_client
from shortlinks.models import Account, User
from tests import factories, programs

STARTS_A_PROCESS = (
    "{} starts a process: let its fixture use `starts_processes`,"
    " or mark it with `process`"
)
# Reads the list of our files.
ALLOWED_PROGRAMS = {"git"}
MAX_FLUSHES = 5

# A busy machine is slow, and without Redis, no limit is enforced.
redis_client.TIMEOUT_SECONDS = 5.0
# No test asserts a time: examples are slow on a busy machine.
hypothesis_settings.register_profile(
    "without deadlines", parent=hypothesis_settings.default, deadline=None
)
hypothesis_settings.load_profile("without deadlines")


class Api:
    """Client of the API with a token, which sends JSON."""

    def __init__(self, token: str | None) -> None:
        self._client = Client()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self._client.get(path, headers={**self._headers, **headers})  # type: ignore[return-value]

    def post(self, path: str, body: object, **headers: str) -> HttpResponse:
        return self._client.post(  # type: ignore[return-value]
            path,
            body,
            content_type="application/json",
            headers={**self._headers, **headers},
        )

    def patch(self, path: str, body: object) -> HttpResponse:
        return self._client.patch(  # type: ignore[return-value]
            path, body, content_type="application/json", headers=self._headers
        )

    def send(self, method: str, path: str, **options: Any) -> HttpResponse:
        """Send any method, body and headers."""
        headers = {**self._headers, **options.pop("headers", {})}
        return self._client.generic(method, path, headers=headers, **options)  # type: ignore[return-value]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slow-seconds",
        type=float,
        default=0,
        help="seconds for which slow clients keep both servers busy, as a drill",
    )
    parser.addoption(
        "--histories",
        type=int,
        default=300,
        help="random histories of merges that are compared with an oracle",
    )
    parser.addoption(
        "--histories-over-http",
        type=int,
        default=100,
        help="random histories that are played over HTTP",
    )
    parser.addoption(
        "--first-seed", type=int, default=0, help="seed of the first of them"
    )


def pytest_xdist_setupnodes(specs: Sequence[execnet.XSpec]) -> None:
    """Give each worker its own Redis and metrics; pytest-django does the database."""
    redis_url = urlsplit(os.environ["REDIS_URL"])
    metrics = Path(os.environ["METRICS_DIR"])
    for number, spec in enumerate(specs, start=1):
        spec.env |= {
            "REDIS_URL": redis_url._replace(path=f"/{number}").geturl(),
            "METRICS_DIR": str(metrics.with_name(f"metrics-{number}")),
        }


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if starts_processes.__name__ in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.process)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Refuse processes of tests that are not marked, so that test-fast stays fast."""
    _unmarked.extend([] if item.get_closest_marker("process") else [item.nodeid])
    try:
        return (yield)
    finally:
        _unmarked.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if text := programs.summary(str(report.longrepr[2]) for report in skipped):
        terminalreporter.write_line(text, yellow=True)


_unmarked: list[str] = []


def _refuse_unmarked_process(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and _unmarked:
        program = Path(os.fsdecode(arguments[0])).name
        if program not in ALLOWED_PROGRAMS:
            raise RuntimeError(STARTS_A_PROCESS.format(_unmarked[0]))


sys.addaudithook(_refuse_unmarked_process)


@pytest.fixture(scope="session")
def starts_processes() -> None:
    """Mark the tests that use this fixture, also through another one."""


@pytest.fixture(autouse=True, scope="session")
def _flush_beside_processes() -> Iterator[None]:
    """Flush again after a deadlock with a query of a process that goes on running."""
    flush_once = DatabaseOperations.execute_sql_flush

    def flush(operations: DatabaseOperations, statements: Sequence[str]) -> None:
        for _ in range(MAX_FLUSHES - 1):
            try:
                return flush_once(operations, statements)
            except OperationalError as error:
                if not isinstance(error.__cause__, DeadlockDetected):
                    raise
        return flush_once(operations, statements)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Give the user of the processes its rights, as in production."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(stores.APP_RIGHTS.read_text())


@pytest.fixture(autouse=True)
def _without_rights_of_the_owner(request: pytest.FixtureRequest) -> None:
    """Run as the user of the processes until the end of the test's transaction."""
    if "db" in request.fixturenames:
        request.getfixturevalue("db")
        if connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute(f"SET ROLE {stores.APP_USER}")


@pytest.fixture(autouse=True)
def no_rate_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the rate limits. Tests of the limits set their own."""
    monkeypatch.setattr(settings, "API_RATE_LIMIT_PER_TOKEN", 0)
    monkeypatch.setattr(settings, "API_RATE_LIMIT_PER_ACCOUNT", 0)
    monkeypatch.setattr(settings, "MAX_LINKS_PER_ACCOUNT", 0)
    monkeypatch.setattr(settings, "MAX_CONTACTS_PER_ACCOUNT", 0)


@pytest.fixture
def account(db: None) -> Account:
    return factories.account()


@pytest.fixture
def admin(account: Account) -> User:
    return factories.admin(account)


@pytest.fixture
def manager(account: Account) -> User:
    """Return a user who sees only their own contacts."""
    return factories.user(account, contacts_view="M", contacts_edit="M")


@pytest.fixture
def caller() -> Callable[[User], Api]:
    return lambda user: Api(factories.token(user))


@pytest.fixture
def api(admin: User, caller: Callable[[User], Api]) -> Api:
    """Return a client with an administrator's token, as most integrations have."""
    return caller(admin)


@pytest.fixture
def anonymous(db: None) -> Api:
    return Api(None)
