"""Admin pages for webhooks and deliveries."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client

from shortlinks.domain.webhooks import secret_encryption
from shortlinks.models import (
    Account,
    User,
    Webhook,
    WebhookDelivery,
    WebhookState,
)
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing
from tests.admin.webhook_steps import URL, create, save


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


# --- created, changed and deleted ----------------------------------------------


def test_webhook_is_created_and_its_secret_shown_once(
    client: Client, admin: User
) -> None:
    response = create(client, settings=["note_contact", "merge_contact"])

    assert response.status_code == 302
    webhook = Webhook.objects.get()
    assert (webhook.destination, webhook.account) == (URL, admin.account)
    assert webhook.settings == ["note_contact", "merge_contact"]
    assert webhook.created_by == admin
    secret = secret_encryption.decrypt(webhook.secret)
    [message] = [str(each) for each in get_messages(response.wsgi_request)][:1]
    assert message.endswith(f" {secret}")
    assert secret not in client.get(listing(Webhook)).content.decode()[200_000:]
    assert secret not in client.get(address(webhook, "change")).content.decode()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"destination": "nonsense"}, "must start with http"),
        ({"destination": "http://a.example/"}, "WEBHOOK_ALLOW_PRIVATE_TARGETS"),
        ({"destination": "https://127.0.0.1/"}, "WEBHOOK_ALLOW_PRIVATE_TARGETS"),
        ({"destination": "https://a.example:25/"}, "WEBHOOK_ALLOW_PRIVATE_TARGETS"),
        ({"destination": "https://me:pw@a.example/"}, "user name or password"),
        ({"destination": f"{URL}{'x' * 600}"}, "at most 600"),
        ({"destination": ""}, "required"),
        ({"settings": []}, "required"),
        ({"settings": ["add_lead"]}, "add_lead is not one of the available choices"),
        ({"sort": "x"}, "whole number"),
        ({"sort": str(2**63)}, "less than or equal"),
        ({"account": "0"}, "not one of the available choices"),
    ],
)
def test_error_is_shown_in_the_form(
    client: Client, changed: dict[str, Any], error: str
) -> None:
    page = create(client, **changed)

    assert page.status_code == 200
    assert error in str(page.context["adminform"].form.errors)
    assert not Webhook.objects.exists()


def test_second_webhook_for_a_url_is_an_error(client: Client, own: World) -> None:
    page = create(client, destination=own.webhook.destination)

    errors = page.context["adminform"].form.errors
    assert "A webhook with this URL already exists." in str(errors)


def test_webhook_above_the_limit_is_an_error(client: Client, settings: Any) -> None:
    settings.MAX_WEBHOOKS_PER_ACCOUNT = 1
    create(client)

    page = create(client, destination=f"{URL}2")

    errors = page.context["adminform"].form.errors
    assert "The account has reached its limit of webhooks" in str(errors)
    assert Webhook.objects.count() == 1


def test_simultaneous_webhooks_stay_within_the_limit_and_fail_in_the_form(
    transactional_db: None, sign_in: SignIn, settings: Any
) -> None:
    settings.MAX_WEBHOOKS_PER_ACCOUNT = 2
    client = sign_in(factories.admin(factories.account()))

    def post(number: int) -> int:
        try:
            # The same URL twice, and more URLs than the account may have.
            return int(create(client, destination=f"{URL}{number // 2}").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        statuses = list(threads.map(post, range(6)))

    assert sorted(statuses) == [200, 200, 200, 200, 302, 302]
    assert Webhook.objects.count() == 2


def test_webhook_is_changed_and_keeps_its_secret(client: Client, own: World) -> None:
    secret = own.webhook.secret

    save(client, own.webhook, settings=["merge_contact"], sort="7")

    own.webhook.refresh_from_db()
    assert (own.webhook.settings, own.webhook.sort) == (["merge_contact"], 7)
    assert own.webhook.secret == secret


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        pytest.param({"destination": URL}, WebhookState.ACTIVE, id="other URL"),
        pytest.param({"sort": "3"}, WebhookState.DISABLED, id="same URL"),
    ],
)
def test_failure_is_forgotten_with_another_url(
    client: Client, own: World, changed: dict[str, str], state: WebhookState
) -> None:
    factories.disable(own.webhook)

    save(client, own.webhook, **changed)

    own.webhook.refresh_from_db()
    assert own.webhook.state == state


def test_url_of_another_webhook_is_an_error(client: Client, own: World) -> None:
    factories.webhook(own.account, URL)

    page = save(client, own.webhook, destination=URL)

    errors = page.context["adminform"].form.errors
    assert "A webhook with this URL already exists." in str(errors)


def test_webhook_is_deleted_with_its_deliveries(client: Client, own: World) -> None:
    client.post(address(own.webhook, "delete"), {"post": "yes"})

    assert not Webhook.objects.filter(pk=own.webhook.pk).exists()
    assert not WebhookDelivery.objects.filter(pk=own.delivery.pk).exists()


def test_operator_creates_a_webhook_of_another_account(
    operator: User, sign_in: SignIn, account: Account
) -> None:
    create(sign_in(operator), account=[str(account.pk)])

    webhook = Webhook.objects.get()
    assert (webhook.account, webhook.created_by) == (account, operator)
