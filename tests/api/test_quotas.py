"""Responses beyond a quota: 403 for contacts and links, and 400 for webhooks."""

from typing import Any

import pytest
from pytest_django import Settings

from shortlinks.domain import quotas
from shortlinks.models import Account, AccountUsage, Chat, Contact, ShortLink
from tests import factories
from tests.api.chats import CHATS, chat
from tests.conftest import Api

CONTACTS, LINKS = "/api/v4/contacts", "/api/v4/short_links"
WEBHOOKS = "/api/v4/webhooks"
URL = "https://shop.example/spring"


@pytest.fixture
def contact(account: Account, settings: Settings) -> Contact:
    """Return the only contact of an account whose quotas are reached."""
    contact = factories.contact(account, entity_id=7)
    factories.link(contact, URL)
    settings.MAX_CONTACTS_PER_ACCOUNT = settings.MAX_LINKS_PER_ACCOUNT = 1
    AccountUsage.objects.create(account=account, contacts=1, links=1, counted_to=1)
    quotas.clear_cache()
    return contact


def _order(*urls: str) -> list[dict[str, Any]]:
    metadata = {"entity_type": "contacts", "entity_id": 7}
    return [{"url": url, "metadata": metadata} for url in urls]


@pytest.mark.usefixtures("contact")
@pytest.mark.parametrize(
    ("path", "body", "quota"),
    [
        (CONTACTS, [{"name": "Anna"}], "contacts"),
        (CONTACTS, [{"id": 8, "name": "Anna"}], "contacts"),
        (CHATS, chat(), "contacts"),
        (LINKS, _order("https://shop.example/other"), "links"),
        (LINKS, _order(URL, "https://shop.example/other"), "links"),
    ],
    ids=["contact", "contact with an id", "chat", "link", "also an existing link"],
)
def test_request_beyond_a_quota_is_403_and_stores_nothing(
    api: Api, path: str, body: object, quota: str
) -> None:
    response: Any = api.post(path, body)

    assert (response.status_code, response.json()) == (
        403,
        {
            "title": "Forbidden",
            "type": "https://httpstatus.es/403",
            "status": 403,
            "detail": f"The account may have no more {quota} (limit: 1). Nothing was"
            " stored. Ask the operator for a higher limit.",
        },
    )
    rows = (Contact.objects.count(), ShortLink.objects.count(), Chat.objects.count())
    assert rows == (1, 1, 0)


@pytest.mark.usefixtures("contact")
@pytest.mark.parametrize(
    ("path", "body"),
    [(LINKS, _order(URL)), (CHATS, chat(entity_id=7))],
    ids=["existing link", "chat of a contact"],
)
def test_request_for_existing_rows_succeeds_at_the_quota(
    api: Api, path: str, body: object
) -> None:
    assert api.post(path, body).status_code == 200


@pytest.mark.usefixtures("contact")
def test_other_accounts_are_not_concerned() -> None:
    stranger = Api(factories.token(factories.admin(factories.account())))

    assert stranger.post(CONTACTS, [{"name": "Anna"}]).status_code == 200


def test_webhook_beyond_the_quota_is_a_validation_error_as_in_amocrm(
    api: Api, account: Account, settings: Settings
) -> None:
    settings.MAX_WEBHOOKS_PER_ACCOUNT = 1
    factories.webhook(account, "https://receiver.example/1")
    body = {"destination": "https://receiver.example/2", "settings": ["note_contact"]}

    response: Any = api.post(WEBHOOKS, body)

    [item] = response.json()["validation-errors"]
    assert response.status_code == 400
    assert item["errors"] == [
        {
            "code": "TooMany",
            "path": "destination",
            "detail": "The account has 1 webhooks already. Delete one.",
        }
    ]
