"""Whoever was erased stays erased in a restored database."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shortlinks.domain import erased_identities
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import ErasedIds, NewContact
from shortlinks.domain.personal_data import erasure, restore
from shortlinks.domain.personal_data.restore import Repeated, UnreadableList
from shortlinks.models import Account, Contact, Erasure, ErasureOrigin, User
from tests import factories
from tests.domain.merging import steps

ENTITY_ID = 4711000815


def restored(account: Account, **fields: Any) -> Contact:
    """Create a contact as the restored database has it: from before the erasure."""
    before = timezone.now() - timedelta(days=1)
    return factories.contact(account, created_at=before, **fields)


@pytest.fixture
def lines(account: Account) -> list[bytes]:
    """Return the list of a database in which the person was erased."""
    contact = factories.contact(account, entity_id=ENTITY_ID, name="Zimmermann")
    erasure.request(contact, origin=ErasureOrigin.API, by=None)
    erasure.run_due(time.monotonic() + 60)
    listed = list(restore.as_lines())
    Contact.objects.all().delete()
    Erasure.objects.all().delete()
    return listed


def test_list_contains_no_id(lines: list[bytes]) -> None:
    assert len(lines) == 1
    assert str(ENTITY_ID).encode() not in lines[0]


def test_restored_person_is_erased_again(lines: list[bytes], account: Account) -> None:
    restored(account, entity_id=ENTITY_ID, name="Zimmermann")
    other = restored(account, name="Anna")

    assert len(restore.repeat(lines).receipts) == 1
    erasure.run_due(time.monotonic() + 60)

    assert list(Contact.objects.exclude(name="")) == [other]
    [receipt] = Erasure.objects.all()
    assert receipt.origin == ErasureOrigin.RESTORE
    assert receipt.finished_at is not None


def test_id_that_is_not_restored_cannot_be_used(
    lines: list[bytes], admin: User
) -> None:
    assert restore.repeat(lines) == Repeated([], [])

    with pytest.raises(ErasedIds):
        contacts.create([NewContact(ENTITY_ID, "", "", "", None)], user=admin)


def test_repeating_twice_changes_nothing(lines: list[bytes], account: Account) -> None:
    restored(account, entity_id=ENTITY_ID)
    restore.repeat(lines)

    assert restore.repeat(lines) == Repeated([], [])

    assert Erasure.objects.count() == 1
    assert erased_identities.erased_ids(account.pk, [ENTITY_ID]) == {ENTITY_ID}


def test_person_who_is_merged_with_another_one_is_reported_and_kept(
    lines: list[bytes], account: Account, admin: User
) -> None:
    erased = restored(account, entity_id=ENTITY_ID)
    other = restored(account, name="Anna")
    steps.merge(admin, other, erased)

    assert restore.repeat(lines) == Repeated([], [ENTITY_ID])

    assert Contact.objects.filter(erased_at=None).count() == 2
    assert erased_identities.erased_ids(account.pk, [ENTITY_ID]) == {ENTITY_ID}


def test_contacts_that_were_erased_as_one_person_are_erased_again(
    account: Account, admin: User
) -> None:
    one, other = (restored(account, entity_id=id_) for id_ in (71, 72))
    steps.merge(admin, one, other)
    erasure.request(one, origin=ErasureOrigin.API, by=None)
    listed = list(restore.as_lines())
    Contact.objects.all().delete()
    Erasure.objects.all().delete()
    for id_ in (71, 72):
        restored(account, entity_id=id_)

    assert len(restore.repeat(listed).receipts) == 2


def test_id_of_another_account_is_not_erased(
    lines: list[bytes], account: Account
) -> None:
    factories.contact(factories.account(), entity_id=ENTITY_ID)

    assert restore.repeat(lines) == Repeated([], [])

    assert Contact.objects.filter(erased_at=None).count() == 1


@pytest.mark.parametrize("bad", [b"", b"{}\n", b"\xff", b'{"account":1}'])
def test_unreadable_list_erases_nobody(
    lines: list[bytes], account: Account, bad: bytes
) -> None:
    restored(account, entity_id=ENTITY_ID)

    with pytest.raises(UnreadableList, match="line 2"):
        restore.repeat([*lines, bad])

    assert Erasure.objects.count() == 0


def test_person_whose_id_was_allowed_again_is_erased_and_the_new_one_stays(
    account: Account, admin: User
) -> None:
    before = factories.contact(account, entity_id=ENTITY_ID, name="Zimmermann")
    created_at = before.created_at
    receipt = erasure.request(before, origin=ErasureOrigin.API, by=None)
    first_list = list(restore.as_lines())
    erasure.run_due(time.monotonic() + 60)
    erased_identities.allow(receipt)
    lines = [*first_list, *restore.as_lines()]
    Contact.objects.all().delete()
    Erasure.objects.all().delete()

    old = factories.contact(account, entity_id=ENTITY_ID, created_at=created_at)
    assert len(restore.repeat(lines).receipts) == 1
    erasure.run_due(time.monotonic() + 60)

    old.refresh_from_db()
    assert old.erased_at is not None
    new_contact = NewContact(ENTITY_ID, "Zimmermann", "", "", None)
    [new] = contacts.create([new_contact], user=admin)  # allowed as before
    assert restore.repeat([*lines, *restore.as_lines()]) == Repeated([], [])
    new.refresh_from_db()
    assert new.erased_at is None


def test_id_that_was_erased_again_cannot_be_used(account: Account, admin: User) -> None:
    for _ in range(2):
        contact = factories.contact(account, entity_id=ENTITY_ID)
        receipt = erasure.request(contact, origin=ErasureOrigin.API, by=None)
        erasure.run_due(time.monotonic() + 60)
        assert erased_identities.erased_ids(account.pk, [ENTITY_ID]) == {ENTITY_ID}
        assert erased_identities.allow(receipt) == 1
        assert erased_identities.erased_ids(account.pk, [ENTITY_ID]) == set()


def test_old_list_allows_no_id_that_was_erased_since(
    account: Account, admin: User
) -> None:
    contact = factories.contact(account, entity_id=ENTITY_ID)
    receipt = erasure.request(contact, origin=ErasureOrigin.API, by=None)
    erasure.run_due(time.monotonic() + 60)
    erased_identities.allow(receipt)
    old_list = list(restore.as_lines())
    again = factories.contact(account, entity_id=ENTITY_ID)
    erasure.request(again, origin=ErasureOrigin.API, by=None)
    erasure.run_due(time.monotonic() + 60)

    restore.repeat(old_list)

    assert erased_identities.erased_ids(account.pk, [ENTITY_ID]) == {ENTITY_ID}
