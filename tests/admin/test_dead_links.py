"""Every link on a page leads to a page that the viewer may open."""

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.test import Client

from shortlinks.domain.merging import suggestions
from shortlinks.models import (
    Account,
    Contact,
    MergeSuggestion,
    SeparatePair,
    User,
)
from tests import factories
from tests.admin import crawling
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address
from tests.domain.merging import steps


@pytest.fixture
def anonymous(own: World, admin: User) -> MergeSuggestion:
    """Return a suggestion of the manager's contact and one of nobody."""
    steps.open_link("phone", own.contact)
    steps.start_chat("phone", admin)
    return MergeSuggestion.objects.latest("pk")


@pytest.fixture
def merged(own: World, admin: User, manager: User, hidden: World) -> Contact:
    """Return a contact that is merged, after rows about it were written."""
    account = own.account
    loser = factories.contact(account, name="Merged", responsible_user=manager)
    pair = sorted((own.contact.pk, loser.pk))
    other = factories.contact(account, name="Third", responsible_user=manager)
    third = sorted((other.pk, loser.pk))
    for one_id, other_id in (pair, third):
        SeparatePair.objects.create(account=account, one_id=one_id, other_id=other_id)
    steps.start_chat("laptop", manager, contact=loser)
    steps.open_link("laptop", loser)
    suggestions.merge_by_hand(
        account.pk, (own.contact, loser), by=admin, into=own.contact.pk
    )
    undone = factories.contact(account, name="Undone", responsible_user=manager)
    steps.undo(admin, steps.merge(admin, own.contact, undone))
    steps.merge(admin, hidden.contact, undone)
    LogEntry.objects.log_actions(manager.pk, [hidden.contact], CHANGE, "Changed")
    return loser


@pytest.fixture(params=["operator", "admin", "manager"])
def client(request: pytest.FixtureRequest, sign_in: SignIn) -> Client:
    return sign_in(request.getfixturevalue(request.param))


def test_no_link_leads_to_a_missing_page(
    client: Client, own: World, anonymous: MergeSuggestion, merged: Contact
) -> None:
    starts = [address(anonymous, "change"), address(own.contact, "change"), "/admin/"]

    assert crawling.dead_links(client, *starts) == set()


def test_contact_that_the_user_may_not_view_is_no_link(
    account: Account, manager: User, sign_in: SignIn, anonymous: MergeSuggestion
) -> None:
    page = sign_in(manager).get(address(anonymous, "change")).content.decode()

    known, unknown = sorted(
        (anonymous.one, anonymous.other), key=lambda contact: contact.is_anonymous
    )
    assert f'href="{address(known, "change")}"' in page
    assert address(unknown, "change") not in page
    assert f"{unknown}" in page
