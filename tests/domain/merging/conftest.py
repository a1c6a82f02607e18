"""Two known contacts of one account."""

import pytest

from shortlinks.models import Account, Contact
from tests import factories


@pytest.fixture
def client(account: Account) -> Contact:
    return factories.contact(account, name="The client")


@pytest.fixture
def other(account: Account) -> Contact:
    return factories.contact(account, name="Another")
