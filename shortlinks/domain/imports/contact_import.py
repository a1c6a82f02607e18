"""Import of contacts, with the same permissions and rules as in the API."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop

from shortlinks.domain import erased_identities, integers, quotas, time_zones
from shortlinks.domain.contacts import contact_locks, contacts, tracking_consent
from shortlinks.domain.contacts.contacts import (
    MAX_NAME_LENGTH,
    ContactChange,
    NewContact,
)
from shortlinks.domain.contacts.tracking_consent import ConsentAnswer
from shortlinks.domain.imports import checked_rows, consent_columns
from shortlinks.domain.imports.checked_rows import StoredRows
from shortlinks.domain.imports.spreadsheets import ParsedRow
from shortlinks.models import ConsentRecord, Contact, User

NAMES = ("name", "first_name", "last_name")
# Columns by the names that a header may have, in lower case.
HEADERS = {
    "entity_id": "entity_id",
    "id": "entity_id",
    "id в crm": "entity_id",
    "name": "name",
    "имя": "name",  # the first name beside a last name
    "название": "name",
    "first_name": "first_name",
    "last_name": "last_name",
    "фамилия": "last_name",
    "responsible": "responsible",
    "ответственный": "responsible",
    **consent_columns.HEADERS,
}
HEADER_MISSING = gettext_noop(
    "The first row must contain the column names: entity_id, name,"
    " first_name, last_name, responsible."
)
ID_INVALID = gettext_noop("The ID must be a whole number, at least 1.")
ID_TOO_LARGE = gettext_noop("The ID is larger than 9223372036854775807.")
ID_WITH_ZEROS = gettext_noop("The ID begins with a zero. Enter it without zeros.")
DUPLICATE = gettext_noop("This contact is in several rows. Keep one of them.")
NAME_MISSING = gettext_noop("The row has neither an ID nor a name. Enter one of them.")
TOO_LONG = gettext_noop("A name is longer than 250 characters. Shorten it.")
UNKNOWN_RESPONSIBLE = gettext_noop(
    "No active user of the account has this e-mail. Correct it."
)
ERASED = gettext_noop(
    "This person was erased. An administrator can allow the ID again."
)
EDIT_FORBIDDEN = gettext_noop("You are not allowed to change this contact.")
CREATE_FORBIDDEN = gettext_noop("You are not allowed to add contacts.")


@dataclass(slots=True)
class ContactRow(checked_rows.CheckedRow):
    entity_id: int | None = None
    responsible_id: int | None = None
    consent: ConsentAnswer | None = None


def find_columns(names: Sequence[str]) -> Sequence[str]:
    """Return the column of each name; "имя" is a first name if last names follow."""
    columns = [HEADERS.get(name, "") for name in names]
    if "last_name" not in columns or "first_name" in columns:
        return columns
    return [
        "first_name" if name == "имя" else column
        for name, column in zip(names, columns, strict=True)
    ]


def check(rows: Iterable[ParsedRow], user: User) -> Sequence[ContactRow]:
    """Return the rows with their errors, and lock existing contacts."""
    lines = [ContactRow.parsed(row) for row in rows]
    for line in lines:
        _read_id(line)
    _read_consents(lines, user)
    _resolve_users(lines, user)
    _match_existing(lines, user)
    return lines


def store(lines: Sequence[ContactRow], user: User) -> StoredRows:
    """Store all of the rows, which must have no errors."""
    existing = [_change(line) for line in lines if line.existing_version]
    new = [_new(line) for line in lines if not line.existing_version]
    return StoredRows(
        created=contacts.create(new, user=user) if new else [],
        changed=contacts.update(existing, user=user) if existing else [],
    )


def _read_id(line: ContactRow) -> None:
    text = line.cells.get("entity_id", "")
    names = [line.cells.get(name, "") for name in NAMES]
    line.entity_id = integers.from_text(text, minimum=1)
    if text:
        line.errors += _id_errors(text, line.entity_id)
    elif not any(names):
        line.errors.append(NAME_MISSING)
    if any(len(name) > MAX_NAME_LENGTH for name in names):
        line.errors.append(TOO_LONG)


def _id_errors(text: str, entity_id: int | None) -> list[str]:
    if integers.capped_from_text(text, minimum=1, maximum=integers.MAX_ID) is None:
        return [ID_INVALID]
    if entity_id is None:
        return [ID_TOO_LARGE]
    return [ID_WITH_ZEROS] if text.startswith("0") else []


def _read_consents(lines: Sequence[ContactRow], user: User) -> None:
    zone = time_zones.get(user.account.time_zone if user.account else "")
    for line in lines:
        line.consent, errors = consent_columns.read(line.cells, zone)
        line.errors += errors


def _resolve_users(lines: Sequence[ContactRow], user: User) -> None:
    emails = {line.cells.get("responsible", "").lower() for line in lines} - {""}
    users = User.objects.in_account(user.account_id or 0).filter(
        email__in=emails, is_active=True
    )
    ids = dict(users.values_list("email", "id"))
    for line in lines:
        email = line.cells.get("responsible", "").lower()
        line.responsible_id = ids.get(email)
        if email and email not in ids:
            line.errors.append(UNKNOWN_RESPONSIBLE)


def _match_existing(lines: Sequence[ContactRow], user: User) -> None:
    """Find existing contacts, and reject those that the user may not edit."""
    ids = {line.entity_id for line in lines if line.entity_id is not None}
    existing = _locked(ids, user)
    latest = _latest_consents(ids, user)
    erased = erased_identities.erased_ids(user.account_id or 0, ids - existing.keys())
    for line in lines:
        contact = existing.get(line.entity_id or 0)
        if line.entity_id in erased or (contact and contact.erased_at):
            line.cells, line.errors = {}, [ERASED]  # do not keep the person's data
            continue
        if contact is None:
            line.key = str(line.entity_id or "")
            line.errors += _creation_errors(user)
            continue
        _compare(line, contact, latest.get(line.entity_id or 0), user)


def _compare(
    line: ContactRow, contact: Contact, latest: ConsentRecord | None, user: User
) -> None:
    """Check whether the row changes the contact, and whether it may."""
    line.key = str(contact.entity_id)
    line.existing_version = f"{contact.pk} {contact.updated_at.isoformat()}"
    if contact.is_deleted or not contacts.may_edit(contact, user):
        line.errors.append(EDIT_FORBIDDEN)
    line.is_unchanged = _has_values(contact, line)
    if line.consent is None:
        return
    before = contact.tracking_consent
    if not tracking_consent.may_follow(before, latest, line.consent):
        line.errors.append(consent_columns.REFUSAL_STAYS)
    line.is_unchanged &= tracking_consent.is_known(line.consent, latest)


def _latest_consents(entity_ids: set[int], user: User) -> dict[int, ConsentRecord]:
    """Return the newest records by entity id; a merged contact keeps its own."""
    named = Contact.objects.filter(account=user.account_id, entity_id__in=entity_ids)
    pks = dict(named.values_list("entity_id", "pk"))
    latest = tracking_consent.latest_records(pks.values())
    return {id_: latest[pk] for id_, pk in pks.items() if pk in latest}


def _creation_errors(user: User) -> list[str]:
    if not contacts.may_add(user):
        return [CREATE_FORBIDDEN]
    is_full = quotas.are_contacts_full(user.account_id or 0)
    return [quotas.TOO_MANY_CONTACTS] if is_full else []


def _has_values(contact: Contact, line: ContactRow) -> bool:
    """Return whether the contact has all values already; an empty cell has none."""
    names = all(
        line.cells.get(name) in (None, "", getattr(contact, name)) for name in NAMES
    )
    responsible = line.responsible_id in (None, contact.responsible_user_id)
    return names and responsible and not contact.is_anonymous


def _locked(entity_ids: set[int], user: User) -> dict[int, Contact]:
    """Return locked contacts by requested id; a merged one stands for its root."""
    named = Contact.objects.filter(account=user.account_id, entity_id__in=entity_ids)
    roots = named.values_list("entity_id", Coalesce("merged_into_id", "id"))
    return contact_locks.lock_roots(lambda: dict(roots.all()))


def _new(line: ContactRow) -> NewContact:
    return NewContact(
        entity_id=line.entity_id,
        name=line.cells.get("name", ""),
        first_name=line.cells.get("first_name", ""),
        last_name=line.cells.get("last_name", ""),
        responsible_user_id=line.responsible_id,
        consent=line.consent,
    )


def _change(line: ContactRow) -> ContactChange:
    """Return the changes; an empty cell changes nothing."""
    return ContactChange(
        entity_id=line.entity_id or 0,
        name=line.cells.get("name") or None,
        first_name=line.cells.get("first_name") or None,
        last_name=line.cells.get("last_name") or None,
        responsible_user_id=line.responsible_id,
        consent=line.consent,
    )
