"""Chats that channels report, and merging through the API."""

from collections.abc import Callable
from typing import Any

import pytest

from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    Chat,
    Contact,
    Merge,
    PixelAttachment,
    User,
)
from tests import factories
from tests.api.chats import CHATS, chat
from tests.domain.merging import steps


@pytest.fixture
def client(account: Account) -> Contact:
    return factories.contact(account, entity_id=7, name="The client")


@pytest.fixture
def merged_chat(api: Any, account: Account, client: Contact) -> Any:
    """Report a chat in a browser that opened the client's link; return the response."""
    steps.open_for_days("phone", client)
    return api.post(CHATS, chat(visitor_uid=steps.uid("phone", account))).json()


@pytest.fixture
def old_id(merged_chat: Any) -> int:
    """Return the id of the chat's former anonymous contact."""
    return Merge.objects.get().loser.entity_id


def test_chat_without_contact_gets_an_anonymous_one(api: Any) -> None:
    response = api.post(CHATS, chat())

    created = Chat.objects.get()
    assert response.json() == {
        "id": created.id,
        "source": "site",
        "external_id": "1",
        "title": "Anna",
        "visitor_uid": None,
        "entity_id": created.contact.entity_id,
        "is_anonymous": True,
        "created_at": int(created.created_at.timestamp()),
        "updated_at": int(created.updated_at.timestamp()),
        "account_id": created.account_id,
        "_links": {"self": {"href": f"http://testserver{CHATS}/{created.id}"}},
        "decision": {
            "state": "none",
            "merged": False,
            "suggested": 0,
            "rule": None,
            "reason": "the chat has no visitor_uid",
        },
    }
    assert 2**52 <= created.contact.entity_id < 2**53


def test_chat_is_updated_when_sent_again(api: Any) -> None:
    first = api.post(CHATS, chat()).json()

    again = api.post(CHATS, chat(title="Anna Petrova")).json()

    assert again["id"] == first["id"]
    assert again["title"] == "Anna Petrova"
    assert again["entity_id"] == first["entity_id"]
    assert Contact.objects.count() == 1


def test_chat_is_merged_with_the_contact_of_its_browser(merged_chat: Any) -> None:
    assert (merged_chat["entity_id"], merged_chat["is_anonymous"]) == (7, False)
    assert merged_chat["decision"] == {
        "state": "merged",
        "merged": True,
        "suggested": 0,
        "rule": "R3",
        "reason": None,
    }


def test_chat_is_merged_when_its_visitor_is_set_later(
    api: Any, account: Account, client: Contact
) -> None:
    steps.open_for_days("phone", client)
    created = api.post(CHATS, chat()).json()

    body = {"visitor_uid": steps.uid("phone", account)}
    response = api.post(f"{CHATS}/{created['id']}/visitor", body)

    assert response.json()["entity_id"] == 7
    assert response.json()["decision"]["merged"]


@pytest.mark.parametrize("uid", ["", "x", None])
def test_invalid_visitor_is_rejected_and_the_browser_kept(
    api: Any, account: Account, uid: str | None
) -> None:
    known = steps.uid("phone", account)
    created = api.post(CHATS, chat(visitor_uid=known)).json()

    response = api.post(f"{CHATS}/{created['id']}/visitor", {"visitor_uid": uid})

    [error] = response.json()["validation-errors"][0]["errors"]
    assert (response.status_code, error["path"]) == (400, "visitor_uid")
    assert Chat.objects.get().visitor_uid == known


def test_chat_is_merged_when_its_contact_is_sent_later(
    api: Any, client: Contact
) -> None:
    created = api.post(CHATS, chat()).json()

    again = api.post(CHATS, chat(entity_id=7))

    assert again.json()["entity_id"] == 7
    assert Merge.objects.get().loser.entity_id == created["entity_id"]


def test_chat_of_another_contact_is_a_conflict(
    api: Any, account: Account, client: Contact
) -> None:
    factories.contact(account, entity_id=8)
    api.post(CHATS, chat(entity_id=7))

    response = api.post(CHATS, chat(entity_id=8))

    assert response.status_code == 409
    assert Chat.objects.get().contact == client


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"external_id": "1"}, "source"),
        ({"source": "site"}, "external_id"),
        (chat(source=""), "source"),
        (chat(external_id=""), "external_id"),
        (chat(visitor_uid="x"), "visitor_uid"),
        (chat(visitor_uid="0" * 26), "visitor_uid"),
        (chat(entity_id=404), "entity_id"),
        (chat(entity_id="7"), "entity_id"),
        (chat(source="s" * 65), "source"),
    ],
)
def test_chat_errors_name_the_field(api: Any, body: dict[str, Any], field: str) -> None:
    response = api.post(CHATS, body)

    [item] = response.json()["validation-errors"]
    assert (response.status_code, item["errors"][0]["path"]) == (400, field)
    assert not Chat.objects.exists()


def unavailable(path: str, entity_id: int) -> dict[str, str]:
    detail = (
        "The value you selected is not a valid choice."
        f" No contact with this id is available to you: {entity_id}."
    )
    return {"code": "NotSupportedChoice", "path": path, "detail": detail}


def not_a_survivor(choices: str) -> dict[str, str]:
    detail = f"The value you selected is not a valid choice. Choose one of: {choices}."
    return {"code": "NotSupportedChoice", "path": "survivor_id", "detail": detail}


def errors(response: Any) -> list[dict[str, str]]:
    """Return the errors of the only item."""
    assert response.status_code == 400
    [item] = response.json()["validation-errors"]
    return list(item["errors"])


def test_merge_error_lists_the_contacts_that_may_survive(
    api: Any, account: Account, client: Contact
) -> None:
    factories.contact(account, entity_id=8)

    response = api.post(
        "/api/v4/contacts/merge", {"contacts": [8, 7], "survivor_id": 9}
    )

    assert errors(response) == [not_a_survivor("8, 7")]


def test_hidden_and_unknown_contacts_have_the_same_error_with_their_id(
    account: Account, manager: User, caller: Callable[[User], Any]
) -> None:
    factories.contact(account, entity_id=7, responsible_user=manager)
    factories.contact(account, entity_id=9)
    api = caller(manager)

    chats = [api.post(CHATS, chat(entity_id=id_)) for id_ in (9, 404)]
    merge = api.post("/api/v4/contacts/merge", {"contacts": [7, 9]})
    both = api.post("/api/v4/contacts/merge", {"contacts": [404, 9]})

    assert [errors_of(response) for response in (*chats, merge, both)] == [
        [unavailable("entity_id", 9)],
        [unavailable("entity_id", 404)],
        [unavailable("contacts.1", 9)],
        [unavailable("contacts.0", 404), unavailable("contacts.1", 9)],
    ]


def errors_of(response: Any) -> Any:
    [item] = response.json()["validation-errors"]
    return item["errors"]


def test_chat_list_is_rejected(api: Any) -> None:
    assert api.post(CHATS, [chat()]).status_code == 400


def test_old_id_returns_the_survivor(api: Any, old_id: int) -> None:
    answer = api.get(f"/api/v4/contacts/{old_id}").json()

    assert (answer["id"], answer["name"]) == (7, "The client")


def test_contact_list_has_only_the_survivor(api: Any, old_id: int) -> None:
    listed = api.get("/api/v4/contacts").json()["_embedded"]["contacts"]

    assert [contact["id"] for contact in listed] == [7]


def test_links_of_the_old_id_work_and_belong_to_the_survivor(
    api: Any, account: Account, client: Contact
) -> None:
    stranger = factories.contact(account, entity_id=9)
    link = factories.link(stranger, "https://shop.example/9")
    body = {"contacts": [7, 9], "survivor_id": 7}
    assert api.post("/api/v4/contacts/merge", body).status_code == 200

    factories.visit(link)
    processing.process_due()

    for id_ in (7, 9):
        notes = api.get(f"/api/v4/contacts/{id_}/notes?filter[note_type]=link_followed")
        [note] = notes.json()["_embedded"]["notes"]
        assert (note["entity_id"], note["params"]["url"]) == (7, link.url)
        visits = api.get(f"/api/v4/contacts/{id_}/visits").json()["_embedded"]["visits"]
        assert [visit["link_id"] for visit in visits] == [link.id]
        listed = api.get(f"/api/v4/short_links?filter[entity_id]={id_}").json()
        [shown] = listed["_embedded"]["short_links"]
        assert shown["metadata"]["entity_id"] == 7
        events = api.get(f"/api/v4/events?filter[entity_id]={id_}").json()
        assert events["_embedded"]["events"][0]["entity_id"] == 7
        everywhere = api.get(f"/api/v4/contacts/notes?filter[entity_id]={id_}").json()
        assert [n["entity_id"] for n in everywhere["_embedded"]["notes"]] == [7, 7]


def test_link_for_an_old_id_keeps_that_id_in_its_metadata(
    api: Any, old_id: int
) -> None:
    metadata = {"entity_type": "contacts", "entity_id": old_id}

    link_request = {"url": "https://shop.example/old", "metadata": metadata}
    response = api.post("/api/v4/short_links", link_request).json()
    [link] = response["_embedded"]["short_links"]

    assert link["metadata"] == metadata


def test_change_and_note_by_the_old_id_go_to_the_survivor(
    api: Any, client: Contact, old_id: int
) -> None:
    changed = api.patch(f"/api/v4/contacts/{old_id}", {"name": "Anna"}).json()
    body = [{"note_type": "common", "params": {"text": "Called."}}]
    api.post(f"/api/v4/contacts/{old_id}/notes", body)

    client.refresh_from_db()
    assert (changed["id"], client.name) == (7, "Anna")
    assert client.note_set.filter(note_type="common").count() == 1


def test_equal_ids_of_two_accounts_are_separate(
    api: Any, client: Contact, caller: Callable[[User], Any]
) -> None:
    stranger = factories.admin(factories.account())
    assert stranger.account is not None
    same = factories.contact(stranger.account, entity_id=7)
    steps.open_for_days("phone", client)

    their_api = caller(stranger)

    for path in ("notes", "pixels", "visits"):
        assert their_api.get(f"/api/v4/contacts/7/{path}").status_code == 204
        assert api.get(f"/api/v4/contacts/7/{path}").status_code == 200
    notes = their_api.get("/api/v4/contacts/notes?filter[entity_id]=7")
    assert notes.status_code == 204
    assert same.pk != client.pk


def test_browser_of_both_contacts_is_listed_once(
    api: Any, account: Account, client: Contact
) -> None:
    other = factories.contact(account, entity_id=9)
    steps.open_for_days("phone", client)
    steps.open_link("phone", other)
    api.post("/api/v4/contacts/merge", {"contacts": [7, 9]})

    listed = api.get("/api/v4/contacts/9/pixels").json()["_embedded"]["pixels"]
    [pixel] = listed
    path = f"/api/v4/contacts/7/pixels/{pixel['id']}"
    reviewed = api.patch(path, {"review": "confirmed"}).json()
    deleted = api.send("DELETE", path)

    assert reviewed["review"] == "confirmed"
    assert deleted.status_code == 204
    assert not PixelAttachment.objects.exists()


def test_undo_restores_the_chats_contact(
    api: Any, merged_chat: Any, old_id: int
) -> None:
    merge = Merge.objects.get()

    undone = api.post(f"/api/v4/merges/{merge.id}/undo", {})

    assert undone.status_code == 200
    assert (undone.json()["state"], undone.json()["kept"]) == ("undone", [])
    shown = api.get(f"{CHATS}/{merged_chat['id']}").json()
    assert (shown["entity_id"], shown["is_anonymous"]) == (old_id, True)
    assert api.post(f"/api/v4/merges/{merge.id}/undo", {}).status_code == 409


def test_suggestions_are_accepted_and_rejected_once(
    api: Any, account: Account, client: Contact
) -> None:
    others = [factories.contact(account, entity_id=id_) for id_ in (8, 9)]
    for number, other in enumerate(others):
        steps.open_link(f"browser {number}", client)
        steps.open_link(f"browser {number}", other)
    path = "/api/v4/merge_suggestions"
    one, two = api.get(f"{path}?order[id]=asc").json()["_embedded"]["merge_suggestions"]

    unknown = api.post(f"{path}/{one['id']}/accept", {"survivor_id": 9})
    accepted = api.post(f"{path}/{one['id']}/accept", {"survivor_id": 8})
    rejected = api.post(f"{path}/{two['id']}/reject", {})

    assert one["contacts"] == [7, 8]
    assert errors(unknown) == [not_a_survivor("7, 8")]
    assert one["evidence"]["url"] == factories.URL
    assert one["evidence"]["entity_id"] == 7
    assert "returning" in one["evidence"]["facts"]
    assert (accepted.json()["survivor_id"], accepted.json()["rule"]) == (8, "R5")
    assert rejected.json()["state"] == "rejected"
    for row, action in ((one, "reject"), (two, "accept")):
        again = api.post(f"{path}/{row['id']}/{action}", {})
        assert again.status_code == 409
    assert api.get(f"{path}?filter[state]=open").status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {"contacts": [7, 7]},
        {"contacts": [7]},
        {"contacts": [7, "8"]},
        {"contacts": [7, True]},
        {"contacts": [7, 404]},
        {"contacts": "7,8"},
        {},
        {"contacts": [7, 8], "survivor_id": 9},
    ],
)
def test_merge_is_rejected_if_the_contacts_are_invalid(
    api: Any, account: Account, client: Contact, body: dict[str, Any]
) -> None:
    factories.contact(account, entity_id=8)
    factories.contact(account, entity_id=9)

    assert api.post("/api/v4/contacts/merge", body).status_code == 400
    assert not Merge.objects.exists()
