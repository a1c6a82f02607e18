"""Merges and suggestions name nothing that the caller may not view."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from shortlinks.models import Account, Chat, Contact, Merge, MergeSuggestion, User
from tests import factories
from tests.conftest import Api

SUGGESTIONS = "/api/v4/merge_suggestions"
MERGES = "/api/v4/merges"


@pytest.fixture
def pair(account: Account, manager: User) -> list[Contact]:
    """Two contacts of the manager."""
    return [factories.contact(account, responsible_user=manager) for _ in range(2)]


@pytest.fixture
def strangers(account: Account) -> list[Contact]:
    """Two contacts that only administrators may view."""
    return [factories.contact(account) for _ in range(2)]


def evidence(contact: Contact) -> dict[str, Any]:
    """Return what a decision on a chat of this contact stores."""
    chat = Chat.objects.create(
        account=contact.account, contact=contact, source="site", external_id="1"
    )
    facts = {"entity_id": contact.entity_id, "facts": ["chatted"]}
    return {"chat_id": chat.pk, "url": "https://shop.example/sale", **facts}


def merged(contacts: Sequence[Contact], **fields: Any) -> Merge:
    survivor, loser = contacts
    return Merge.objects.create(
        account=survivor.account,
        survivor=survivor,
        loser=loser,
        key=b"k" * 32,
        state="undone",
        **fields,
    )


def suggested(contacts: Sequence[Contact], **fields: Any) -> MergeSuggestion:
    one, other = sorted(contacts, key=lambda each: each.pk)
    return MergeSuggestion.objects.create(
        account=one.account, one=one, other=other, rule="R3", **fields
    )


def shown(api: Any, path: str, row: Merge | MergeSuggestion) -> dict[str, Any]:
    """Return the row, which the list and its own address show equally."""
    [listed] = api.get(path).json()["_embedded"][path.rpartition("/")[2]]
    one: dict[str, Any] = api.get(f"{path}/{row.pk}").json()
    assert listed == one
    return one


@pytest.mark.parametrize(
    ("path", "create"), [(SUGGESTIONS, suggested), (MERGES, merged)]
)
def test_evidence_hides_chats_and_facts_of_invisible_contacts(
    manager: User,
    admin: User,
    pair: list[Contact],
    strangers: list[Contact],
    caller: Callable[[User], Api],
    path: str,
    create: Callable[..., Any],
) -> None:
    stored = evidence(strangers[0])
    row = create(pair, evidence=stored)

    of_manager, of_admin = (shown(caller(user), path, row) for user in (manager, admin))

    assert of_manager["evidence"] == {"url": "https://shop.example/sale"}
    assert of_admin["evidence"] == stored


@pytest.mark.parametrize(
    ("path", "create"), [(SUGGESTIONS, suggested), (MERGES, merged)]
)
def test_evidence_shows_chats_and_facts_of_visible_contacts(
    manager: User,
    pair: list[Contact],
    caller: Callable[[User], Api],
    path: str,
    create: Callable[..., Any],
) -> None:
    stored = evidence(pair[0])
    row = create(pair, evidence=stored)

    assert shown(caller(manager), path, row)["evidence"] == stored


def test_closed_suggestion_hides_a_merge_of_invisible_contacts(
    manager: User,
    admin: User,
    pair: list[Contact],
    strangers: list[Contact],
    caller: Callable[[User], Api],
) -> None:
    merge = merged(strangers)
    row = suggested(pair, state="closed", merge=merge)

    ids = [
        shown(caller(user), SUGGESTIONS, row)["merge_id"] for user in (manager, admin)
    ]

    assert ids == [None, merge.pk]
    assert caller(manager).get(f"{MERGES}/{merge.pk}").status_code == 404


def test_merge_by_hand_answers_without_invisible_names(
    manager: User,
    pair: list[Contact],
    caller: Callable[[User], Api],
) -> None:
    body = {"contacts": [contact.entity_id for contact in pair]}

    response: Any = caller(manager).post("/api/v4/contacts/merge", body)

    assert response.status_code == 200
    undone = caller(manager).post(f"{MERGES}/{response.json()['id']}/undo", {})
    assert undone.status_code == 200
