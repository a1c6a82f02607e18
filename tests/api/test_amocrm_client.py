"""An existing client, `amocrm-api-wrapper`, works with our address and token."""

import asyncio
import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from amocrm_api import AmoOAuthClient
from amocrm_api.errors import AmoException
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from shortlinks.domain.visits import processing
from shortlinks.models import ShortLink, User, Webhook
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


def link_requests(*entity_ids: int) -> list[dict[str, object]]:
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


def test_client_creates_links(live_server: LiveServer, admin: User) -> None:
    assert admin.account is not None
    for entity_id in (1, 2):
        factories.contact(admin.account, entity_id=entity_id)
    amo = client(live_server, factories.token(admin))

    answer = amo.create_short_links(link_requests(2, 1, 99))

    assert links_of(answer) == expected(2, 1)
    amo.close()


def test_async_client_creates_links(live_server: LiveServer, admin: User) -> None:
    assert admin.account is not None
    factories.contact(admin.account, entity_id=1)
    amo = client(live_server, factories.token(admin))

    async def create() -> Any:
        try:
            return await amo.create_short_links_async(link_requests(1))
        finally:
            await amo.close_async()

    answer = asyncio.run(create())

    assert links_of(answer) == expected(1)
    amo.close()


def test_client_reads_our_400(live_server: LiveServer, admin: User) -> None:
    amo = client(live_server, factories.token(admin))

    with pytest.raises(AmoException) as raised:
        amo.create_short_links([{"url": "nonsense"}])

    assert raised.value.code == 400
    assert raised.value.error_data["validation-errors"][0]["request_id"] == "0"
    amo.close()


def test_client_reads_our_401(live_server: LiveServer) -> None:
    amo = client(live_server, "nonsense")

    with pytest.raises(AmoException) as raised:
        amo._send_api_request(
            "post",
            f"{live_server.url}/api/v4/short_links",
            link_requests(1),
            update_tokens=True,
        )

    assert raised.value.code == 401
    assert raised.value.error_data["title"] == "Unauthorized"
    amo.close()


class AsynchronousClient:
    """The asynchronous methods of the client, awaited one by one."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._runner = asyncio.Runner()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, f"{name}_async")
        return lambda *args, **kwargs: self._runner.run(
            self._done(method(*args, **kwargs))
        )

    async def _done(self, answer: Any) -> Any:
        if inspect.isasyncgen(answer):
            return [item async for item in answer]
        return await answer

    def close(self) -> None:
        self._runner.run(self._client.close_async())
        self._runner.close()


@pytest.fixture(params=["synchronously", "asynchronously"])
def amo(
    live_server: LiveServer, admin: User, request: pytest.FixtureRequest
) -> Iterator[Any]:
    """Yield a client whose GET and DELETE work.

    Version 1.0.1 passes `json=` to methods of httpx that do not accept it.
    """
    wrapper = client(live_server, factories.token(admin))
    for session in (wrapper._session, wrapper._async_session):
        session.get = without_body(session.get)
        session.delete = partial(session.request, "DELETE")
    if request.param == "synchronously":
        yield wrapper
    else:
        asynchronous = AsynchronousClient(wrapper)
        yield asynchronous
        asynchronous.close()
    wrapper.close()


def without_body(get: Any) -> Any:
    return lambda url, json, **options: get(url, **options)


def test_client_lists_and_filters_contacts(amo: Any, admin: User) -> None:
    assert admin.account is not None
    for n in range(1, 8):
        factories.contact(admin.account, entity_id=n, name=f"C{n}")

    def ids(answer: Any) -> list[int]:
        return [contact["id"] for contact in answer["_embedded"]["contacts"]]

    assert ids(amo.get_contacts(limit=3, page=2)) == [4, 5, 6]
    assert ids(amo.get_contacts(filters={"id": [2, 5]})) == [2, 5]
    assert ids(amo.get_contacts(order={"id": "desc"}, query="C7")) == [7]
    assert amo.get_contact(3)["name"] == "C3"
    listed = amo.iter_contacts(limit=3)
    assert [contact["id"] for contact in listed] == list(range(1, 8))


def test_client_creates_and_updates_contacts(amo: Any) -> None:
    created = amo.create_contacts([{"name": "Anna"}, {"name": "Boris"}])
    first, second = (c["id"] for c in created["_embedded"]["contacts"])

    amo.update_contacts([{"id": second, "name": "Boris K."}])

    assert amo.get_contact(second)["name"] == "Boris K."
    assert amo.get_contact(first)["name"] == "Anna"


def test_client_creates_and_reads_notes_and_events(amo: Any, admin: User) -> None:
    assert admin.account is not None
    link = factories.link(factories.contact(admin.account, entity_id=7))
    factories.visit(link)
    processing.process_due()

    created = amo.create_entity_note(
        "contacts", [{"note_type": "common", "params": {"text": "called"}}], 7
    )
    note_id = created["_embedded"]["notes"][0]["id"]

    contact_notes = amo.get_notes_by_entity_type_and_entity_id("contacts", 7)
    open_notes = amo.get_notes_by_entity_type(
        "contacts", filter_by_note_type="link_followed"
    )
    assert len(contact_notes["_embedded"]["notes"]) == 2
    [opened] = open_notes["_embedded"]["notes"]
    assert opened["params"] == {"url": link.url}
    assert amo.get_entity_note("contacts", note_id, 7)["params"] == {"text": "called"}
    assert amo.get_entity_note("contacts", note_id, None)["id"] == note_id
    [event] = amo.get_events(filter_by_type="link_followed")["_embedded"]["events"]
    assert event["value_after"] == [{"note": {"id": opened["id"]}}]
    assert amo.get_event(event["id"])["type"] == "link_followed"


def test_client_reads_users_and_the_account(amo: Any, admin: User) -> None:
    [user] = amo.get_users()["_embedded"]["users"]

    assert user["email"] == admin.email
    assert amo.get_user(admin.id)["rights"]["is_admin"]
    assert amo.get_account_info()["id"] == admin.account_id


def test_client_subscribes_to_events_and_unsubscribes(amo: Any) -> None:
    urls = ["https://crm.example/1", "https://crm.example/2"]
    ids = [amo.subscribe_webhook(url, ["note_contact"])["id"] for url in urls]

    listed = amo.get_webhooks()
    [second] = amo.get_webhooks(urls[1])["_embedded"]["webhooks"]
    amo.unsubscribe_webhook(urls[0])

    assert listed["_total_items"] == 2
    assert [w["id"] for w in listed["_embedded"]["webhooks"]] == ids
    assert (second["id"], second["settings"]) == (ids[1], ["note_contact"])
    assert Webhook.objects.get().destination == urls[1]
