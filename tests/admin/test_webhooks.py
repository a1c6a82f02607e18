"""Admin pages for webhooks and deliveries."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from shortlinks.domain.webhooks import secret_encryption
from shortlinks.models import DeliveryState, User, Webhook, WebhookDelivery
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def act(client: Client, action: str, row: Webhook | WebhookDelivery) -> str:
    posted = {"action": action, "_selected_action": [row.pk]}
    response: Any = client.post(listing(type(row)), posted, follow=True)
    return str(response.content.decode())


def test_webhook_is_disabled_and_enabled(client: Client, own: World) -> None:
    assert "Webhooks disabled: 1." in act(client, "disable", own.webhook)
    own.webhook.refresh_from_db()
    assert own.webhook.disabled_reason == "Disabled by an administrator."

    assert "Webhooks enabled: 1." in act(client, "enable", own.webhook)
    own.webhook.refresh_from_db()
    assert own.webhook.disabled_at is None
    assert LogEntry.objects.filter(object_id=own.webhook.pk).count() == 2


def test_webhook_list_shows_the_reason_for_disabling(
    client: Client, own: World
) -> None:
    reason = "The receiver answered 410 Gone."
    own.webhook.disabled_at = own.webhook.created_at
    own.webhook.disabled_reason = reason
    own.webhook.save()

    assert reason in client.get(listing(Webhook)).content.decode()


def test_delivery_is_resent_from_the_list(client: Client, own: World) -> None:
    WebhookDelivery.objects.update(state=DeliveryState.FAILED, due_at=None)

    assert "Queued for resending: 1." in act(client, "resend", own.delivery)

    own.delivery.refresh_from_db()
    assert own.delivery.state == DeliveryState.PENDING
    assert LogEntry.objects.filter(object_id=own.delivery.pk).count() == 1


def test_webhook_secret_is_never_shown(client: Client, own: World) -> None:
    pages = [
        client.get(page).content.decode()
        for page in (listing(Webhook), address(own.webhook, "change"))
    ]

    for secret in (own.webhook.secret, secret_encryption.decrypt(own.webhook.secret)):
        assert all(secret not in page for page in pages)
    assert all(own.webhook.destination in page for page in pages)


def test_webhooks_and_deliveries_are_read_only(client: Client, own: World) -> None:
    changed = {"destination": "https://other.example/", "state": "delivered"}
    statuses = [
        answer.status_code
        for row in (own.webhook, own.delivery)
        for answer in (
            client.get(listing(type(row), "add")),
            client.post(address(row, "change"), changed),
            client.post(address(row, "delete"), {"post": "yes"}),
        )
    ]

    assert statuses == [403] * 6


def test_delivery_is_resent_from_its_page(client: Client, own: World) -> None:
    state = DeliveryState.FAILED
    WebhookDelivery.objects.update(state=state, due_at=None, attempts=9)
    page = client.get(address(own.delivery, "change")).content.decode()
    assert f"/{own.delivery.pk}/retry/" in page

    client.post(f"{listing(WebhookDelivery)}{own.delivery.pk}/retry/")

    own.delivery.refresh_from_db()
    assert (own.delivery.state, own.delivery.attempts) == ("pending", 0)
    assert LogEntry.objects.filter(object_id=own.delivery.pk).exists()


def test_delivery_in_progress_has_no_button(client: Client, own: World) -> None:
    WebhookDelivery.objects.update(claimed_at=timezone.now())

    page = client.get(address(own.delivery, "change")).content.decode()
    posted = client.post(f"{listing(WebhookDelivery)}{own.delivery.pk}/retry/")

    assert "/retry/" not in page
    assert posted.status_code == 403
