"""Admin pages for webhook deliveries."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from shortlinks.domain.webhooks import secret_encryption
from shortlinks.models import (
    DeliveryState,
    User,
    Webhook,
    WebhookDelivery,
)
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing
from tests.admin.webhook_steps import act


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


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


def test_deliveries_are_read_only(client: Client, own: World) -> None:
    statuses = [
        client.get(listing(WebhookDelivery, "add")).status_code,
        client.post(address(own.delivery, "change"), {"state": "x"}).status_code,
        client.post(address(own.delivery, "delete"), {"post": "yes"}).status_code,
    ]

    assert statuses == [403] * 3


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
