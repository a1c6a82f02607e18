"""Contacts out of a table: rows are checked, then stored by the rules of the API."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop

from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import (
    MAX_NAME_LENGTH,
    ContactChange,
    NewContact,
)
from shortlinks.domain.imports import checked_rows
from shortlinks.domain.imports.checked_rows import StoredRows
from shortlinks.domain.imports.spreadsheets import ParsedRow
from shortlinks.models import Contact, User

MAX_ID = 2**63 - 1
NAMES = ("name", "first_name", "last_name")
# A column by what its head may say.
HEADERS = {
    "entity_id": "entity_id",
    "id": "entity_id",
    "id в crm": "entity_id",
    "name": "name",
    "имя": "name",
    "название": "name",
    "first_name": "first_name",
    "last_name": "last_name",
    "фамилия": "last_name",
    "responsible": "responsible",
    "ответственный": "responsible",
}
HEADER_MISSING = gettext_noop(
    "The first row must name the columns: entity_id, name, first_name, last_name,"
    " responsible."
)
ID_MISSING = gettext_noop("The id must be a whole number from 1.")
DUPLICATE = gettext_noop("This contact stands in several rows.")
NAME_MISSING = gettext_noop("There is neither an id nor a name.")
TOO_LONG = gettext_noop("A name is longer than 250 characters.")
UNKNOWN_RESPONSIBLE = gettext_noop("No active user of the account has this e-mail.")
EDIT_FORBIDDEN = gettext_noop("You may not change this contact.")
CREATE_FORBIDDEN = gettext_noop("You may not add contacts.")


@dataclass(slots=True)
class ContactRow(checked_rows.CheckedRow):
    entity_id: int | None = None
    responsible_id: int | None = None


def check(rows: Iterable[ParsedRow], user: User) -> Sequence[ContactRow]:
    """Every row with what is wrong with it; locks the contacts that are there."""
    lines = [ContactRow(number, given) for number, given in rows]
    for line in lines:
        _read_id(line)
    _resolve_users(lines, user)
    _match_existing(lines, user)
    return lines


def store(lines: Sequence[ContactRow], user: User) -> StoredRows:
    """All the rows or none, of which none may have a fault."""
    known = [_change(line) for line in lines if line.existing_version]
    new = [_new(line) for line in lines if not line.existing_version]
    return StoredRows(
        created=contacts.create(new, user=user) if new else [],
        changed=contacts.update(known, user=user) if known else [],
    )


def _read_id(line: ContactRow) -> None:
    text = line.cells.get("entity_id", "")
    names = [line.cells.get(name, "") for name in NAMES]
    if text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= MAX_ID:
        line.entity_id = int(text)
    elif text:
        line.errors.append(ID_MISSING)
    elif not any(names):
        line.errors.append(NAME_MISSING)
    if any(len(name) > MAX_NAME_LENGTH for name in names):
        line.errors.append(TOO_LONG)


def _resolve_users(lines: Sequence[ContactRow], user: User) -> None:
    asked = {line.cells.get("responsible", "").lower() for line in lines} - {""}
    people = User.objects.in_account(user.account_id or 0).filter(
        email__in=asked, is_active=True
    )
    ids = dict(people.values_list("email", "id"))
    for line in lines:
        email = line.cells.get("responsible", "").lower()
        line.responsible_id = ids.get(email)
        if email and email not in ids:
            line.errors.append(UNKNOWN_RESPONSIBLE)


def _match_existing(lines: Sequence[ContactRow], user: User) -> None:
    """Ids that are there already are changed; others' contacts are not."""
    ids = {line.entity_id for line in lines if line.entity_id is not None}
    known = _locked(ids, user)
    for line in lines:
        contact = known.get(line.entity_id or 0)
        if contact is None:
            line.key = str(line.entity_id or "")
            line.errors += [] if contacts.may_add(user) else [CREATE_FORBIDDEN]
            continue
        line.key = str(contact.entity_id)
        line.existing_version = f"{contact.pk} {contact.updated_at.isoformat()}"
        if contact.is_deleted or not contacts.may_edit(contact, user):
            line.errors.append(EDIT_FORBIDDEN)


def _locked(entity_ids: set[int], user: User) -> dict[int, Contact]:
    """By the ids they are asked for by; one that was merged is its survivor."""
    named = Contact.objects.filter(account=user.account_id, entity_id__in=entity_ids)
    roots = dict(named.values_list("entity_id", Coalesce("merged_into_id", "id")))
    rows = Contact.objects.filter(pk__in=roots.values()).order_by("id")
    locked = {row.pk: row for row in rows.select_for_update(of=("self",))}
    return {id_: locked[pk] for id_, pk in roots.items() if pk in locked}


def _new(line: ContactRow) -> NewContact:
    return NewContact(
        entity_id=line.entity_id,
        name=line.cells.get("name", ""),
        first_name=line.cells.get("first_name", ""),
        last_name=line.cells.get("last_name", ""),
        responsible_user_id=line.responsible_id,
    )


def _change(line: ContactRow) -> ContactChange:
    """An empty cell leaves what is there."""
    return ContactChange(
        entity_id=line.entity_id or 0,
        name=line.cells.get("name") or None,
        first_name=line.cells.get("first_name") or None,
        last_name=line.cells.get("last_name") or None,
        responsible_user_id=line.responsible_id,
    )
