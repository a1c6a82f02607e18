"""An existing client, `amocrm-api-wrapper`, changes nothing but address and token."""

import asyncio
from typing import Any

import pytest
from amocrm_api import AmoOAuthClient
from amocrm_api.errors import AmoException
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from shortlinks.models import ShortLink, User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.admin(factories.account())


def client(server: LiveServer, token: str) -> Any:
    return AmoOAuthClient(
        access_token=token,
        refresh_token="",
        crm_url=server.url,
        client_id="",
        client_secret="",
        redirect_uri="",
    )


def orders(*entity_ids: int) -> list[dict[str, object]]:
    return [
        {
            "url": f"https://shop.example/{entity_id}",
            "metadata": {"entity_type": "contacts", "entity_id": entity_id},
        }
        for entity_id in entity_ids
    ]


def links_of(answer: Any) -> list[tuple[str, int]]:
    return [
        (link["url"], link["metadata"]["entity_id"])
        for link in answer["_embedded"]["short_links"]
    ]


def expected(*entity_ids: int) -> list[tuple[str, int]]:
    return [
        (
            f"{settings.SHORT_BASE_URL}/{ShortLink.objects.get(contact__entity_id=id_).code}",
            id_,
        )
        for id_ in entity_ids
    ]


def test_creates_links(live_server: LiveServer, admin: User) -> None:
    assert admin.account is not None
    for entity_id in (1, 2):
        factories.contact(admin.account, entity_id=entity_id)
    amo = client(live_server, factories.token(admin))

    answer = amo.create_short_links(orders(2, 1, 99))

    assert links_of(answer) == expected(2, 1)
    amo.close()


def test_creates_links_asynchronously(live_server: LiveServer, admin: User) -> None:
    assert admin.account is not None
    factories.contact(admin.account, entity_id=1)
    amo = client(live_server, factories.token(admin))

    async def create() -> Any:
        try:
            return await amo.create_short_links_async(orders(1))
        finally:
            await amo.close_async()

    answer = asyncio.run(create())

    assert links_of(answer) == expected(1)
    amo.close()


def test_reads_our_400(live_server: LiveServer, admin: User) -> None:
    amo = client(live_server, factories.token(admin))

    with pytest.raises(AmoException) as refused:
        amo.create_short_links([{"url": "nonsense"}])

    assert refused.value.code == 400
    assert refused.value.error_data["validation-errors"][0]["request_id"] == "0"
    amo.close()


def test_reads_our_401(live_server: LiveServer) -> None:
    amo = client(live_server, "nonsense")

    with pytest.raises(AmoException) as refused:
        amo._send_api_request(
            "post",
            f"{live_server.url}/api/v4/short_links",
            orders(1),
            update_tokens=True,
        )

    assert refused.value.code == 401
    assert refused.value.error_data["title"] == "Unauthorized"
    amo.close()
