"""Chats and merges are read and changed only with the caller's rights."""

from collections.abc import Callable
from typing import Any

import pytest

from shortlinks.domain.auth import tokens
from shortlinks.models import (
    Account,
    ApiToken,
    Chat,
    Contact,
    Integration,
    Merge,
    MergeCheck,
    MergeSuggestion,
    PixelAttachment,
    Scope,
    User,
)
from tests import factories
from tests.api.chats import CHATS, chat
from tests.conftest import Api
from tests.domain.merging import steps


@pytest.fixture
def client(account: Account) -> Contact:
    return factories.contact(account, entity_id=7, name="The client")


@pytest.fixture
def others_chat(api: Any, account: Account) -> Any:
    """Report a chat of a contact that only administrators may view."""
    contact = factories.contact(account, entity_id=5, name="The boss's client")
    body = chat(external_id="79001112233", title="Boss", entity_id=contact.entity_id)
    return api.post(CHATS, body).json()


@pytest.mark.parametrize("fields", [{}, {"title": "defaced"}, {"entity_id": 8}])
def test_chat_of_an_invisible_contact_is_not_changed_or_shown(
    account: Account,
    manager: User,
    others_chat: Any,
    caller: Callable[[User], Any],
    fields: dict[str, Any],
) -> None:
    factories.contact(account, entity_id=8, responsible_user=manager)

    response = caller(manager).post(
        CHATS, {"source": "site", "external_id": "79001112233", **fields}
    )

    assert response.status_code == 409
    assert "Boss" not in response.content.decode()
    assert Chat.objects.get().title == "Boss"
    assert not Merge.objects.exists()


def test_chat_is_changed_only_with_permission_to_edit(
    manager: User, others_chat: Any, caller: Callable[[User], Any]
) -> None:
    Contact.objects.update(responsible_user=manager)
    User.objects.filter(pk=manager.pk).update(contacts_edit="D")
    their_api = caller(manager)

    again = their_api.post(CHATS, chat(external_id="79001112233"))
    visitor = their_api.post(
        f"{CHATS}/{others_chat['id']}/visitor", {"visitor_uid": "a" * 26}
    )

    assert (again.status_code, visitor.status_code) == (403, 403)
    assert Chat.objects.get().visitor_uid == ""


def test_naming_a_contact_merges_only_with_permission_to_edit(
    account: Account, manager: User, caller: Callable[[User], Any]
) -> None:
    factories.contact(account, entity_id=8, responsible_user=manager)
    User.objects.filter(pk=manager.pk).update(contacts_edit="D")
    their_api = caller(manager)
    created = their_api.post(CHATS, chat())

    denied = their_api.post(CHATS, chat(entity_id=8))
    User.objects.filter(pk=manager.pk).update(contacts_edit="M")
    allowed = their_api.post(CHATS, chat(entity_id=8))

    assert (created.status_code, created.json()["entity_id"]) == (200, None)
    assert denied.status_code == 403
    assert (allowed.status_code, allowed.json()["entity_id"]) == (200, 8)
    assert Merge.objects.count() == 1


@pytest.fixture
def visitor_uid(account: Account, client: Contact) -> str:
    """Return a browser whose chats the rules join to the client."""
    steps.open_link("phone", client)
    PixelAttachment.objects.update(review="confirmed")
    return steps.uid("phone", account)


@pytest.fixture
def channel(account: Account, caller: Callable[[User], Any]) -> Any:
    """Return a client that may report all chats, and view no contact."""
    nobody = factories.user(account, contacts_view="D", contacts_edit="D")
    return Api(factories.token(nobody, scopes=[Scope.CHATS_REPORT]))


@pytest.mark.parametrize(
    ("view", "edit", "state"),
    [
        ("A", "A", "merged"),
        ("M", "M", "suggested"),
        ("A", "M", "suggested"),
        ("D", "D", "suggested"),
    ],
)
def test_rules_merge_only_with_the_reporters_permission_to_edit(
    account: Account,
    visitor_uid: str,
    caller: Callable[[User], Any],
    view: str,
    edit: str,
    state: str,
) -> None:
    user = factories.user(account, contacts_view=view, contacts_edit=edit)

    response = caller(user).post(CHATS, chat(visitor_uid=visitor_uid))

    assert response.json()["decision"]["state"] == state
    assert MergeSuggestion.objects.count() == (state == "suggested")


def test_waiting_chat_is_merged_only_with_its_reporters_permission_to_edit(
    visitor_uid: str, manager: User, caller: Callable[[User], Any]
) -> None:
    reported = caller(manager).post(CHATS, chat()).json()
    Chat.objects.update(visitor_uid=visitor_uid)

    MergeCheck.objects.create(chat_id=reported["id"])
    steps.process()

    assert not Merge.objects.exists()
    assert MergeSuggestion.objects.count() == 1


def test_channel_reports_for_all_contacts_without_reading_them(
    channel: Any, client: Contact, others_chat: Any, visitor_uid: str
) -> None:
    theirs = {"source": "site", "external_id": "79001112233"}
    named = chat(external_id="2", entity_id=7)

    shown = [
        channel.post(CHATS, {**theirs, "title": "Anna"}),
        channel.post(CHATS, chat(external_id="2")),
        channel.post(CHATS, named),
        channel.post(CHATS, chat(external_id="3", visitor_uid=visitor_uid)),
        channel.post(f"{CHATS}/{others_chat['id']}/visitor", {"visitor_uid": "a" * 26}),
    ]

    assert [response.status_code for response in shown] == [200] * 5
    assert {response.json()["entity_id"] for response in shown} == {None}
    identity = ("source", "external_id", "title")
    assert [shown[-1].json()[name] for name in identity] == ["", "", ""]
    assert [shown[0].json()[name] for name in identity] == [*theirs.values(), "Anna"]
    assert shown[3].json()["decision"]["state"] == "merged"
    assert Chat.objects.get(external_id="2").contact.root == client
    assert Chat.objects.get(pk=others_chat["id"]).visitor_uid == "a" * 26


@pytest.mark.parametrize(
    "contact", [{"entity_id": 404}, {"entity_id": 8, "is_deleted": True}]
)
def test_channel_names_only_existing_contacts_of_its_account(
    account: Account, channel: Any, contact: dict[str, Any]
) -> None:
    factories.contact(factories.account(), entity_id=404)
    if "is_deleted" in contact:
        factories.contact(account, **contact)

    response = channel.post(CHATS, chat(entity_id=contact["entity_id"]))

    assert response.status_code == 400
    assert not Chat.objects.exists()


@pytest.mark.parametrize(
    "path",
    ["/chats", "/contacts", "/contacts/7", "/merges", "/merge_suggestions", "/events"],
)
def test_channel_reads_nothing(channel: Any, client: Contact, path: str) -> None:
    assert channel.get(f"/api/v4{path}").status_code == 403


def test_channel_takes_a_chat_over_from_whoever_sent_its_id_first(
    manager: User, channel: Any, client: Contact, caller: Callable[[User], Any]
) -> None:
    their_api = caller(manager)
    their_api.post(CHATS, chat())

    channel.post(CHATS, chat(entity_id=7))
    again = their_api.post(CHATS, chat(title="defaced"))

    assert again.status_code == 409
    assert Chat.objects.get().title == "Anna"


def test_context_user_limits_a_token_of_a_channel(
    account: Account, admin: User, client: Contact
) -> None:
    nobody = factories.user(account, contacts_view="D", contacts_edit="D")
    api = Api(factories.token(admin, scopes=[Scope.CHATS_REPORT]))

    response = api.post(
        CHATS, chat(entity_id=7), **{"X-Context-User-ID": str(nobody.pk)}
    )

    assert response.status_code == 400


def test_tokens_report_for_all_contacts_only_if_asked_for(manager: User) -> None:
    issued = tokens.issue(manager, name="A person's")

    assert Scope.CHATS_REPORT not in issued.row.scopes
    assert Scope.CHATS_REPORT not in ApiToken().scopes
    assert Scope.CHATS_REPORT not in Integration().scopes


def test_manager_of_the_known_contact_decides_about_an_anonymous_one(
    api: Any,
    account: Account,
    manager: User,
    client: Contact,
    caller: Callable[[User], Any],
) -> None:
    reported = api.post(CHATS, chat(title="Ivan")).json()
    stranger = Contact.objects.get(entity_id=reported["entity_id"])
    for contact in (client, factories.contact(account)):
        one, other = sorted((contact, stranger), key=lambda each: each.pk)
        MergeSuggestion.objects.create(account=account, one=one, other=other, rule="R3")
    client.responsible_user = manager
    client.save()
    their_api = caller(manager)
    path = "/api/v4/merge_suggestions"

    [shown] = their_api.get(path).json()["_embedded"]["merge_suggestions"]

    assert set(shown["contacts"]) == {7, stranger.entity_id}
    assert shown["chat"] == {"source": "site", "title": "Ivan"}
    User.objects.filter(pk=manager.pk).update(contacts_edit="D")
    assert their_api.post(f"{path}/{shown['id']}/reject", {}).status_code == 403
    User.objects.filter(pk=manager.pk).update(contacts_edit="M")
    accepted = their_api.post(f"{path}/{shown['id']}/accept", {})
    assert (accepted.status_code, accepted.json()["survivor_id"]) == (200, 7)


def test_suggestion_is_accepted_only_with_permission_to_edit(
    account: Account, manager: User, client: Contact, caller: Callable[[User], Any]
) -> None:
    mine = factories.contact(account, entity_id=8, responsible_user=manager)
    steps.open_for_days("phone", client)
    steps.open_link("phone", mine)
    suggestion = MergeSuggestion.objects.get()
    their_api = caller(manager)

    assert their_api.get("/api/v4/merge_suggestions").status_code == 204
    path = f"/api/v4/merge_suggestions/{suggestion.pk}/accept"
    assert their_api.post(path, {}).status_code == 404
    Contact.objects.update(responsible_user=manager)
    User.objects.filter(pk=manager.pk).update(contacts_edit="D")
    assert their_api.post(path, {}).status_code == 403
    User.objects.filter(pk=manager.pk).update(contacts_edit="M")
    assert their_api.post(path, {}).status_code == 200
