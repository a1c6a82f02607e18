"""Contacts of one account: all but X are known."""

import pytest

from shortlinks.models import Account, Contact
from tests import factories


@pytest.fixture
def client(account: Account) -> Contact:
    return factories.contact(account, name="The client")


@pytest.fixture
def other(account: Account) -> Contact:
    return factories.contact(account, name="Another")


@pytest.fixture
def a(account: Account) -> Contact:
    return factories.contact(account, name="A")


@pytest.fixture
def b(account: Account) -> Contact:
    return factories.contact(account, name="B")


@pytest.fixture
def x(account: Account) -> Contact:
    return factories.contact(account, name="", is_anonymous=True)
