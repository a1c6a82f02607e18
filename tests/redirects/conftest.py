"""A redirect process with the test database."""

from collections.abc import Iterator

import httpx
import pytest

from shortlinks.models import Account, ShortLink
from tests import factories, services
from tests.redirects import customer_pages
from tests.redirects.customer_pages import Page


@pytest.fixture(scope="session")
def process(
    starts_processes: None,
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    directory = tmp_path_factory.mktemp("redirects")
    with services.redirects(directory, TRUSTED_PROXIES="127.0.0.0/8") as client:
        yield client


@pytest.fixture
def visitor(process: httpx.Client) -> httpx.Client:
    """A browser without cookies."""
    process.cookies.clear()
    process.headers = httpx.Headers(factories.BROWSER)
    return process


@pytest.fixture
def account(transactional_db: None) -> Account:
    return factories.account()


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


@pytest.fixture
def page(visitor: httpx.Client, account: Account) -> Page:
    return Page(visitor, customer_pages.wait_for_site(visitor, factories.site(account)))
