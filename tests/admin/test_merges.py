"""Admin pages for merge suggestions and merges."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from shortlinks.admin import merge_facts
from shortlinks.domain.merging import suggestions
from shortlinks.models import (
    Account,
    Contact,
    Merge,
    MergeFact,
    MergeSuggestion,
    User,
)
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import address, listing
from tests.domain.merging import steps


@pytest.fixture
def suggested(account: Account, manager: User) -> MergeSuggestion:
    """Return a suggestion for two contacts whose links one browser opened."""
    for name in ("Anna Petrova", "Anna P."):
        contact = factories.contact(account, name=name, responsible_user=manager)
        steps.open_link("phone", contact)
    return MergeSuggestion.objects.get()


@pytest.fixture
def client(manager: User, sign_in: SignIn) -> Client:
    return sign_in(manager)


def step(row: Any, name: str) -> str:
    model = row._meta.model_name
    return reverse(f"admin:shortlinks_{model}_{name}", args=[row.pk])


def test_suggestion_compares_both_contacts(
    client: Client, suggested: MergeSuggestion
) -> None:
    page = client.get(address(suggested, "change")).content.decode()

    for name in ("Anna Petrova", "Anna P."):
        assert name in page
    assert page.count(factories.URL) >= 3  # both contacts and the evidence
    assert steps.pixel("phone").visitor_uid in page
    assert "Keep separate" in page


def test_suggestion_shows_the_facts_in_words(
    client: Client, suggested: MergeSuggestion
) -> None:
    page = client.get(address(suggested, "change")).content.decode()
    list_ = client.get(listing(MergeSuggestion)).content.decode()

    assert "Known about Anna Petrova in this browser" in page
    assert "No other browser of the client came back." in page
    assert "Seen in this browser first on" in page
    assert "returning browser, only browser" in list_


def test_every_fact_has_words() -> None:
    for fact in MergeFact:
        evidence = {"facts": [fact], "first_seen_at": 0, "last_seen_at": 0}
        assert len(merge_facts.sentences(evidence)) == 2
        assert merge_facts.short(evidence)
    evidence = {"facts": [], "first_seen_at": 0, "last_seen_at": 0}
    assert "Nothing else is known" in merge_facts.sentences(evidence)[0]


def test_accepting_keeps_the_chosen_contact(
    client: Client, suggested: MergeSuggestion
) -> None:
    client.post(step(suggested, "accept"), {"survivor": str(suggested.other_id)})

    suggested.one.refresh_from_db()
    assert suggested.one.merged_into == suggested.other


def test_rejecting_separates_the_contacts(
    client: Client, suggested: MergeSuggestion
) -> None:
    page: Any = client.post(step(suggested, "reject"), follow=True)

    suggested.refresh_from_db()
    assert suggested.state == "rejected"
    assert "The contacts stay separate" in page.content.decode()
    assert "Keep separate" not in page.content.decode()


def test_merge_is_undone_on_its_page(
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


def test_get_request_decides_nothing(
    client: Client, suggested: MergeSuggestion
) -> None:
    assert client.get(step(suggested, "accept")).status_code == 405
    assert not Merge.objects.exists()


def test_deciding_requires_edit_access_to_both_contacts(
    client: Client, suggested: MergeSuggestion, manager: User
) -> None:
    manager.contacts_edit = "D"
    manager.save()

    assert client.post(step(suggested, "accept")).status_code == 403
    assert (
        "Keep separate" not in client.get(address(suggested, "change")).content.decode()
    )
    Contact.objects.filter(pk=suggested.one_id).update(responsible_user=None)
    assert client.post(step(suggested, "accept")).status_code == 404
    assert not Merge.objects.exists()


def test_contact_page_shows_browsers_chats_and_merges(
    client: Client, suggested: MergeSuggestion, manager: User
) -> None:
    contact = suggested.one
    chat, _ = steps.start_chat("laptop", manager, contact=contact, title="Hello")

    page = client.get(address(contact, "change")).content.decode()

    assert steps.pixel("phone").visitor_uid in page
    assert address(chat, "change") in page
