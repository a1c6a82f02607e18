"""The queue of suggestions, and undoing, on the pages of the admin."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from shortlinks.domain.merging import suggestions
from shortlinks.models import Account, Contact, Merge, MergeSuggestion, User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.worlds import address
from tests.domain.merging import worlds


@pytest.fixture
def suggested(account: Account, manager: User) -> MergeSuggestion:
    """A browser opened links of two of the manager's contacts."""
    for name in ("Anna Petrova", "Anna P."):
        contact = factories.contact(account, name=name, responsible_user=manager)
        worlds.opens("phone", contact)
    return MergeSuggestion.objects.get()


@pytest.fixture
def client(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


def step(row: Any, name: str) -> str:
    model = row._meta.model_name
    return reverse(f"admin:shortlinks_{model}_{name}", args=[row.pk])


def test_evidence_stands_side_by_side(
    client: Client, suggested: MergeSuggestion
) -> None:
    page = client.get(address(suggested, "change")).content.decode()

    for name in ("Anna Petrova", "Anna P."):
        assert name in page
    assert page.count(factories.URL) >= 3  # of both, and of the evidence
    assert worlds.pixel("phone").visitor_uid in page
    assert "One person: merge" in page


def test_chosen_contact_survives(client: Client, suggested: MergeSuggestion) -> None:
    client.post(step(suggested, "accept"), {"survivor": str(suggested.other_id)})

    suggested.one.refresh_from_db()
    assert suggested.one.merged_into == suggested.other


def test_rejecting_parts_them(client: Client, suggested: MergeSuggestion) -> None:
    page: Any = client.post(step(suggested, "reject"), follow=True)

    suggested.refresh_from_db()
    assert suggested.state == "rejected"
    assert "They are two" in page.content.decode()
    assert "One person: merge" not in page.content.decode()


def test_undoing_on_the_page_of_the_merge(
    client: Client, suggested: MergeSuggestion, manager: User
) -> None:
    merge = suggestions.accept(suggested, by=manager)
    assert merge is not None
    shown = client.get(address(merge.survivor, "change")).content.decode()

    client.post(step(merge, "undo"))

    assert address(merge, "change") in shown
    assert not Contact.objects.exclude(merged_into=None).exists()
    again: Any = client.get(address(merge, "change"))
    assert step(merge, "undo") not in again.content.decode()


def test_a_link_followed_by_mistake_decides_nothing(
    client: Client, suggested: MergeSuggestion
) -> None:
    assert client.get(step(suggested, "accept")).status_code == 405
    assert not Merge.objects.exists()


def test_whoever_may_not_edit_both_decides_nothing(
    client: Client, suggested: MergeSuggestion, manager: User
) -> None:
    manager.contacts_edit = "D"
    manager.save()

    assert client.post(step(suggested, "accept")).status_code == 403
    assert "One person" not in client.get(address(suggested, "change")).content.decode()
    Contact.objects.filter(pk=suggested.one_id).update(responsible_user=None)
    assert client.post(step(suggested, "accept")).status_code == 404
    assert not Merge.objects.exists()


def test_page_of_the_contact_has_browsers_chats_and_merges(
    client: Client, suggested: MergeSuggestion, manager: User
) -> None:
    contact = suggested.one
    chat, _ = worlds.chats_with("laptop", manager, contact=contact, title="Hello")

    page = client.get(address(contact, "change")).content.decode()

    assert worlds.pixel("phone").visitor_uid in page
    assert address(chat, "change") in page
