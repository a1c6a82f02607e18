"""Notes contain the source URL, never the short one (specification)."""

from collections.abc import Callable
from typing import Any

from shortlinks.domain.visits import processing
from shortlinks.models import Account, Note, SuspectPolicy, User
from tests import factories
from tests.conftest import Api


def test_note_of_an_open_has_type_link_followed(
    account: Account, manager: User, caller: Callable[[User], Api]
) -> None:
    contact = factories.contact(account, responsible_user=manager)
    link = factories.link(contact)
    factories.visit(link)
    processing.process_due()

    path = f"/api/v4/contacts/{contact.entity_id}/notes"
    response: Any = caller(manager).get(path)

    note = Note.objects.get()
    assert response.json() == {
        "_page": 1,
        "_links": {"self": {"href": f"http://testserver{path}?page=1&limit=50"}},
        "_embedded": {
            "notes": [
                {
                    "id": note.id,
                    "entity_id": contact.entity_id,
                    "created_by": 0,
                    "updated_by": 0,
                    "created_at": int(note.created_at.timestamp()),
                    "updated_at": int(note.updated_at.timestamp()),
                    "responsible_user_id": manager.id,
                    "group_id": 0,
                    "note_type": "link_followed",
                    "params": {"url": "https://shop.example/sale"},
                    "certainty": "certain",
                    "reason": "browser",
                    "explanation": "Opened in a browser.",
                    "account_id": account.id,
                    "_links": {"self": {"href": f"http://testserver{path}/{note.id}"}},
                }
            ]
        },
    }
    assert link.code not in response.content.decode()


def test_unsure_note_says_why_in_the_language_of_the_user(
    account: Account, manager: User, caller: Callable[[User], Api]
) -> None:
    Account.objects.update(suspect_policy=SuspectPolicy.NOTE)
    User.objects.update(language="ru")
    contact = factories.contact(account, responsible_user=manager)
    factories.visit(factories.link(contact), address="52.154.9.0")
    processing.process_due()

    path = f"/api/v4/contacts/{contact.entity_id}/notes"
    response: Any = caller(manager).get(path)

    [note] = response.json()["_embedded"]["notes"]
    why = "Открыто из дата-центра (Microsoft Azure). Возможно, это был не человек."
    assert note["params"]["text"] == note["explanation"]
    assert note["explanation"].startswith(why)
    assert (note["certainty"], note["reason"]) == (
        "unsure",
        "data center: azure; counted by policy",
    )


def test_list_of_all_notes_has_visible_contacts_only(
    account: Account, manager: User, caller: Callable[[User], Api]
) -> None:
    own = factories.contact(account, responsible_user=manager)
    for contact in (
        own,
        factories.contact(account),
        factories.contact(factories.account()),
    ):
        factories.visit(factories.link(contact))
    processing.process_due()

    response: Any = caller(manager).get("/api/v4/contacts/notes")

    notes = response.json()["_embedded"]["notes"]
    assert [note["entity_id"] for note in notes] == [own.entity_id]


def test_notes_of_an_invisible_contact_are_404(
    account: Account, manager: User, caller: Callable[[User], Api]
) -> None:
    hidden = factories.contact(account)

    response = caller(manager).get(f"/api/v4/contacts/{hidden.entity_id}/notes")

    assert response.status_code == 404


def test_note_is_available_at_its_self_link(account: Account, api: Api) -> None:
    contact = factories.contact(account)
    factories.visit(factories.link(contact))
    processing.process_due()
    listed: Any = api.get(f"/api/v4/contacts/{contact.entity_id}/notes")
    [note] = listed.json()["_embedded"]["notes"]

    response: Any = api.get(note["_links"]["self"]["href"])

    assert response.json() == note
