"""Who opens the admin, and accounts with one row of everything."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from shortlinks.models import Account, User
from tests import factories
from tests.admin import worlds
from tests.admin.worlds import World

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
def operator(db: None) -> User:
    """Of no account, as the command `createsuperuser` makes them."""
    return factories.user(None, is_superuser=True, email="operator@service.example")


@pytest.fixture
def own(account: Account, manager: User) -> World:
    """The manager's account, with a contact the manager is responsible for."""
    return worlds.fill(account, "Own", responsible=manager)


@pytest.fixture
def hidden(account: Account, manager: User) -> World:
    """More of the manager's account, with a contact of somebody else's."""
    return worlds.fill(account, "Shrouded", responsible=None)


@pytest.fixture
def foreign(db: None) -> World:
    return worlds.fill(factories.account(name="Foreign"), "Foreign", responsible=None)
