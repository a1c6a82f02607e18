"""Processes of the service, with the test database."""

from collections.abc import Iterator

import httpx
import pytest

from tests import services
from tests.services import Process


@pytest.fixture(autouse=True)
def _processes(starts_processes: None) -> None:
    """Mark all tests of this directory."""


@pytest.fixture(scope="session")
def _web(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    directory = tmp_path_factory.mktemp("web")
    with services.web(directory, WEBHOOK_ALLOW_PRIVATE_TARGETS="1") as client:
        yield client


@pytest.fixture
def web(_web: httpx.Client, transactional_db: None) -> httpx.Client:
    _web.headers = httpx.Headers()
    return _web


@pytest.fixture
def redirects(
    transactional_db: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    directory = tmp_path_factory.mktemp("redirects")
    with services.redirects(directory, TRUSTED_PROXIES="127.0.0.0/8") as client:
        yield client


@pytest.fixture
def worker(
    transactional_db: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Process]:
    services.empty_queues()
    with services.worker(tmp_path_factory.mktemp("worker")) as process:
        yield process
