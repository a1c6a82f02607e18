"""Users of the admin, and accounts with one row of each model."""

import time
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from shortlinks.models import Account, User
from tests import factories, receivers
from tests.admin import fixtures_full_account, simulated_provider
from tests.admin.fixtures_full_account import World
from tests.admin.simulated_provider import Company, configure

SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def sign_in() -> SignIn:
    def enter(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return enter


@pytest.fixture
def browser(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def age(client: Client, **keys: float) -> None:
    """Let these times of the session be so many seconds ago."""
    session = client.session
    for key, seconds in keys.items():
        session[key] = time.time() - seconds
    session.save()


@pytest.fixture
def operator(db: None) -> User:
    """Return an operator without an account, as `createsuperuser` creates them."""
    return factories.user(None, is_superuser=True, email="operator@service.example")


@pytest.fixture
def own(account: Account, manager: User) -> World:
    """Rows of the manager's account that belong to a contact of the manager."""
    return fixtures_full_account.fill(account, "Own", responsible=manager)


@pytest.fixture
def hidden(account: Account, manager: User) -> World:
    """Rows of the manager's account that belong to a contact of another user."""
    return fixtures_full_account.fill(account, "Shrouded", responsible=None)


@pytest.fixture
def foreign(db: None) -> World:
    return fixtures_full_account.fill(
        factories.account(name="Foreign"), "Foreign", responsible=None
    )


@pytest.fixture
def company(account: Account, settings: Settings) -> Iterator[Company]:
    with receivers.serving(simulated_provider.Handler) as (server, url):
        server.company = Company(url.removesuffix("/hook"))
        configure(settings, server.company, account=account.subdomain)
        server.company.describe()
        yield server.company
