"""Requests to the admin's pages of webhooks."""

from typing import Any

from django.test import Client

from shortlinks.models import Webhook, WebhookDelivery
from tests.admin import html_forms
from tests.admin.fixtures_full_account import address, listing

URL = "https://receiver.example/hook?key=1"


def act(client: Client, action: str, row: Webhook | WebhookDelivery) -> str:
    posted = {"action": action, "_selected_action": [row.pk]}
    response: Any = client.post(listing(type(row)), posted, follow=True)
    return str(response.content.decode())


def press(client: Client, step: str, row: Webhook) -> str:
    response: Any = client.post(f"{listing(Webhook)}{row.pk}/{step}/", follow=True)
    row.refresh_from_db()
    return str(response.content.decode())


def create(client: Client, **changed: Any) -> Any:
    given = {"destination": [URL], "settings": ["note_contact"], "sort": ["1"]}
    sent = html_forms.parse(client.get(listing(Webhook, "add")), having="form_token")
    return client.post(listing(Webhook, "add"), {**sent, **given, **changed})


def save(client: Client, row: Webhook, **changed: Any) -> Any:
    sent = html_forms.parse(client.get(address(row, "change")), having="initial-")
    return client.post(address(row, "change"), {**sent, **changed})
