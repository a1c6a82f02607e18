"""Fixtures for webhooks: a receiver, and a webhook that sends to it."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from shortlinks.models import Account, Contact, Webhook
from tests import factories, receivers
from tests.receivers import Receiver


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    with receivers.receiver() as made:
        yield made


@pytest.fixture
def subscribed(account: Account, receiver: Receiver) -> tuple[Webhook, str]:
    return factories.webhook(account, receiver.url)


@pytest.fixture
def webhook(subscribed: tuple[Webhook, str]) -> Webhook:
    return subscribed[0]


@pytest.fixture
def contact(account: Account) -> Contact:
    return factories.contact(account)
