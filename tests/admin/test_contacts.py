"""Contacts are added, changed and deleted within the access levels."""

from typing import Any

import pytest

from shortlinks.domain.auth.permissions import level_covers
from shortlinks.models import Account, ConsentRecord, Contact, Group, User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

ME = User(id=1, account_id=1, group_id=1)
NOBODYS = Contact(account_id=1)
MINE = Contact(account_id=1, responsible_user_id=1)
MY_GROUPS = Contact(account_id=1, responsible_user_id=2, group_id=1)
OTHER_GROUPS = Contact(account_id=1, responsible_user_id=2, group_id=2)
FOREIGN = Contact(account_id=2, responsible_user_id=1, group_id=1)
ALL = [NOBODYS, MINE, MY_GROUPS, OTHER_GROUPS, FOREIGN]


@pytest.mark.parametrize(
    ("letter", "reached"),
    [
        ("A", [NOBODYS, MINE, MY_GROUPS, OTHER_GROUPS]),
        ("G", [MINE, MY_GROUPS]),
        ("M", [MINE]),
        ("D", []),
    ],
)
def test_access_level_covers_contacts(letter: str, reached: list[Contact]) -> None:
    found = [contact for contact in ALL if level_covers(letter, contact, ME)]

    assert [id(contact) for contact in found] == [id(contact) for contact in reached]


def test_access_level_group_does_not_match_two_missing_groups() -> None:
    loner = User(id=1, account_id=1, group_id=None)

    assert not level_covers("G", NOBODYS, loner)


@pytest.fixture
def department(account: Account) -> Group:
    return factories.group(account)


@pytest.fixture
def editor(account: Account, department: Group) -> User:
    """Return a user who views all contacts, edits the group's and deletes their own."""
    return factories.user(
        account, group=department, contacts_edit="G", contacts_delete="M"
    )


def test_manager_changes_contacts_within_the_edit_level(
    account: Account, department: Group, editor: User, sign_in: SignIn
) -> None:
    near = factories.contact(account, group=department)
    far = factories.contact(account, name="Far")
    client = sign_in(editor)

    statuses = [
        client.post(
            address(contact, "change"),
            {"name": "Renamed", "tracking_consent": "unknown"},
        ).status_code
        for contact in (near, far)
    ]

    near.refresh_from_db()
    far.refresh_from_db()
    assert statuses == [302, 403]
    assert (near.name, near.updated_by, far.name) == ("Renamed", editor, "Far")
    assert client.get(address(far, "change")).status_code == 200


def test_manager_changes_names_only(
    account: Account, editor: User, sign_in: SignIn
) -> None:
    contact = factories.contact(account, responsible_user=editor)
    posted = {
        "name": "Renamed",
        "tracking_consent": "unknown",
        "entity_id": "5",
        "responsible_user": "",
        "is_deleted": "on",
    }

    sign_in(editor).post(address(contact, "change"), posted)

    stored = Contact.objects.get(pk=contact.pk)
    assert stored.name == "Renamed"
    assert (stored.entity_id, stored.responsible_user, stored.is_deleted) == (
        contact.entity_id,
        editor,
        False,
    )


def test_deleting_a_contact_marks_it_and_keeps_related_rows(
    own: World, sign_in: SignIn, manager: User
) -> None:
    manager.contacts_delete = "M"
    manager.save()
    client = sign_in(manager)

    question = client.get(address(own.contact, "delete"))
    client.post(address(own.contact, "delete"), {"post": "yes"})

    own.contact.refresh_from_db()
    own.link.refresh_from_db()
    assert own.link.code not in question.content.decode()
    assert own.contact.is_deleted
    assert own.contact.updated_by == manager
    assert client.get(address(own.contact, "change")).status_code == 302


def test_bulk_delete_deletes_nothing_if_one_contact_is_not_allowed(
    account: Account, editor: User, sign_in: SignIn
) -> None:
    near = factories.contact(account, responsible_user=editor)
    far = factories.contact(account)
    posted = {
        "action": "delete_selected",
        "_selected_action": [near.pk, far.pk],
        "post": "yes",
    }

    response = sign_in(editor).post(listing(Contact), posted)

    assert response.status_code == 403
    assert not Contact.objects.filter(is_deleted=True).exists()


def test_bulk_delete_deletes_allowed_contacts(
    account: Account, editor: User, sign_in: SignIn
) -> None:
    near = [factories.contact(account, responsible_user=editor) for _ in range(2)]
    posted = {
        "action": "delete_selected",
        "_selected_action": [contact.pk for contact in near],
        "post": "yes",
    }

    sign_in(editor).post(listing(Contact), posted)

    assert Contact.objects.filter(is_deleted=True).count() == 2


def test_administrator_restores_deleted_contacts(
    own: World, admin: User, sign_in: SignIn
) -> None:
    Contact.objects.update(is_deleted=True)

    posted = {"name": "Back", "tracking_consent": "unknown"}
    sign_in(admin).post(address(own.contact, "change"), posted)

    own.contact.refresh_from_db()
    assert (own.contact.name, own.contact.is_deleted) == ("Back", False)


def test_consent_is_stored_with_its_source_and_the_user(
    own: World, admin: User, sign_in: SignIn
) -> None:
    page = address(own.contact, "change")
    posted = {
        "name": own.contact.name,
        "tracking_consent": "granted",
        "consent_source": "A call on Monday",
        "consent_text_version": "2026-09",
    }

    sign_in(admin).post(page, posted)

    [record] = ConsentRecord.objects.filter(contact=own.contact)
    assert (record.consent, record.source) == ("granted", "A call on Monday")
    assert (record.text_version, record.channel) == ("2026-09", "admin")
    assert record.recorded_by == admin
    shown = sign_in(admin).get(page).content.decode()
    assert "A call on Monday, 2026-09" in shown


@pytest.mark.parametrize(("letter", "status"), [("A", 302), ("D", 403)])
def test_whoever_may_edit_records_a_consent(
    own: World, account: Account, sign_in: SignIn, letter: str, status: int
) -> None:
    editor = factories.user(account, contacts_view="A", contacts_edit=letter)
    posted = {
        "name": "Renamed",
        "tracking_consent": "denied",
        "consent_source": "A call",
    }

    response = sign_in(editor).post(address(own.contact, "change"), posted)

    assert response.status_code == status
    recorded = ConsentRecord.objects.filter(recorded_by=editor, source="A call")
    assert recorded.exists() == (status == 302)
    page = sign_in(editor).get(address(own.contact, "change")).content
    assert (b"consent_source" in page) == (status == 302)


def test_refusal_does_not_become_unknown(
    own: World, admin: User, sign_in: SignIn
) -> None:
    Contact.objects.update(tracking_consent="denied")
    posted = {"name": "Renamed", "tracking_consent": "unknown"}

    response = sign_in(admin).post(address(own.contact, "change"), posted)

    assert "The person refused. Only a newer consent" in response.content.decode()
    own.contact.refresh_from_db()
    assert own.contact.tracking_consent == "denied"
    assert own.contact.name != "Renamed"


def test_refused_consent_deletes_the_browsers(
    own: World, admin: User, sign_in: SignIn
) -> None:
    posted = {"name": own.contact.name, "tracking_consent": "denied"}

    sign_in(admin).post(address(own.contact, "change"), posted)

    own.contact.refresh_from_db()
    assert own.contact.tracking_consent == "denied"
    assert not own.contact.pixelattachment_set.exists()


@pytest.mark.parametrize(("letter", "status"), [("A", 302), ("D", 403)])
def test_contact_is_added_with_the_add_level(
    account: Account, sign_in: SignIn, letter: str, status: int
) -> None:
    group = factories.group(account)
    user = factories.user(account, group=group, contacts_add=letter)

    posted = {"account": account.pk, "entity_id": "7", "name": "Anna"}
    response = sign_in(user).post(listing(Contact, "add"), posted)

    added = Contact.objects.values_list(
        "entity_id", "responsible_user", "group", "created_by"
    )
    expected = {302: [(7, user.id, group.id, user.id)], 403: []}
    assert response.status_code == status
    assert list(added) == expected[status]


def test_contact_without_id_gets_a_free_one(
    account: Account, admin: User, sign_in: SignIn
) -> None:
    posted = {"account": account.pk, "entity_id": "", "name": "Anna"}

    sign_in(admin).post(listing(Contact, "add"), posted)

    assert Contact.objects.get().entity_id >= 1


def test_contact_with_a_taken_id_is_rejected(
    own: World, admin: User, sign_in: SignIn
) -> None:
    posted = {"account": own.account.pk, "entity_id": own.contact.entity_id}

    response: Any = sign_in(admin).post(listing(Contact, "add"), posted)

    assert "already exists" in str(response.context["adminform"].form.errors)


def test_operator_without_account_cannot_add_contacts(
    operator: User, sign_in: SignIn
) -> None:
    assert sign_in(operator).get(listing(Contact, "add")).status_code == 403
