"""Quotas of accounts: what counts, and what is refused."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain import quotas
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import NewContact
from shortlinks.domain.imports import lifecycle
from shortlinks.domain.links import link_creation, link_requests, urls
from shortlinks.domain.links.link_requests import LinkRequest
from shortlinks.domain.merging import chats
from shortlinks.domain.quotas import QuotaReached
from shortlinks.models import Account, AccountUsage, Contact, ShortLink, User
from shortlinks.models.ids import first_id_at
from tests import factories, importing

FILE = importing.table(["id", "name"], [1, "Anna"], [2, "Vera"])


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Count the newest rows, too, and read each count."""
    monkeypatch.setattr(quotas, "COUNTING_DELAY", timedelta(seconds=-60))
    monkeypatch.setattr(quotas, "CACHE_SECONDS", 0)
    settings.MAX_CONTACTS_PER_ACCOUNT = settings.MAX_LINKS_PER_ACCOUNT = 2


def _usage(account: Account) -> tuple[int, int]:
    row = AccountUsage.objects.get(account=account)
    return row.contacts, row.links


def _create_contact(user: User) -> None:
    contacts.create([NewContact(None, "New", "", "", None)], user=user)


def _create_link(contact: Contact, user: User, url: str) -> None:
    safe = urls.parse(url, urls.policy())
    granted = link_requests.authorize([LinkRequest(safe, contact.entity_id)], user)
    link_creation.create(granted)


def test_ids_begin_with_their_time(account: Account) -> None:
    now = timezone.now()

    pk = factories.contact(account).pk

    assert first_id_at(now - timedelta(seconds=2)) < pk
    assert pk < first_id_at(now + timedelta(seconds=60))


def test_new_rows_are_counted_once_for_each_account(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = factories.account()
    link = factories.link(factories.contact(account))
    factories.contact(other)

    monkeypatch.setattr(quotas, "COUNTING_DELAY", timedelta(seconds=-60))
    quotas.count_new_rows()
    monkeypatch.setattr(quotas, "COUNTING_DELAY", timedelta(seconds=-120))
    quotas.count_new_rows()

    assert link.account == account
    assert (_usage(account), _usage(other)) == ((1, 1), (1, 0))


def test_rows_of_the_last_minute_are_counted_later(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.contact(account)

    monkeypatch.setattr(quotas, "COUNTING_DELAY", timedelta(seconds=60))
    quotas.count_new_rows()
    early = _usage(account)
    monkeypatch.setattr(quotas, "COUNTING_DELAY", timedelta(seconds=-60))
    quotas.count_new_rows()

    assert (early, _usage(account)) == ((0, 0), (1, 0))


def test_full_account_gets_no_contacts(account: Account, admin: User) -> None:
    for _ in range(2):
        _create_contact(admin)
    quotas.count_new_rows()

    with pytest.raises(QuotaReached):
        _create_contact(admin)
    with pytest.raises(QuotaReached):
        chats._create_anonymous(account, "Chat")

    assert Contact.objects.count() == 2
    stranger = factories.admin(factories.account())
    _create_contact(stranger)


def test_full_account_keeps_its_links_and_gets_no_new_ones(
    account: Account, admin: User
) -> None:
    contact = factories.contact(account)
    for n in range(2):
        _create_link(contact, admin, f"https://shop.example/{n}")
    quotas.count_new_rows()

    _create_link(contact, admin, "https://shop.example/1")
    with pytest.raises(QuotaReached):
        _create_link(contact, admin, "https://shop.example/2")

    assert ShortLink.objects.count() == 2


def test_import_names_rows_beyond_the_quota(account: Account, admin: User) -> None:
    factories.contact(account, entity_id=1, name="Before")
    factories.contact(account)
    quotas.count_new_rows()

    run = importing.imported(admin, FILE)

    assert importing.errors(run) == {3: [quotas.TOO_MANY_CONTACTS]}
    assert importing.counts(run) == (0, 1, 1)


def test_account_may_have_a_number_of_unfinished_imports(
    admin: User, settings: Settings
) -> None:
    settings.MAX_UNFINISHED_IMPORTS_PER_ACCOUNT = 2
    first, _ = (importing.start(admin, FILE) for _ in range(2))

    with pytest.raises(QuotaReached):
        importing.start(admin, FILE)

    importing.start(factories.admin(factories.account()), FILE)
    lifecycle.cancel(first)
    importing.start(admin, FILE)
