"""Contacts out of a table: rows are checked, then stored by the rules of the API."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop

from shortlinks.domain import contacts, import_lines
from shortlinks.domain.contacts import LONGEST_NAME, ContactChange, NewContact
from shortlinks.domain.import_lines import Stored
from shortlinks.domain.tables import Given
from shortlinks.models import Contact, User

LARGEST_ID = 2**63 - 1
NAMES = ("name", "first_name", "last_name")
# A column by what its head may say.
HEADS = {
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
NO_HEAD = gettext_noop(
    "The first row must name the columns: entity_id, name, first_name, last_name,"
    " responsible."
)
NO_ID = gettext_noop("The id must be a whole number from 1.")
TWICE = gettext_noop("This contact stands in several rows.")
NAMELESS = gettext_noop("There is neither an id nor a name.")
TOO_LONG = gettext_noop("A name is longer than 250 characters.")
NOBODY = gettext_noop("No active user of the account has this e-mail.")
NOT_YOURS = gettext_noop("You may not change this contact.")
NO_MORE = gettext_noop("You may not add contacts.")


@dataclass(slots=True)
class Line(import_lines.Line):
    entity_id: int | None = None
    responsible_id: int | None = None


def check(rows: Iterable[Given], user: User) -> Sequence[Line]:
    """Every row with what is wrong with it; locks the contacts that are there."""
    lines = [Line(number, given) for number, given in rows]
    for line in lines:
        _read_id(line)
    _find_people(lines, user)
    _find_known(lines, user)
    return lines


def store(lines: Sequence[Line], user: User) -> Stored:
    """All the rows or none, of which none may have a fault."""
    known = [_change(line) for line in lines if line.seen]
    new = [_new(line) for line in lines if not line.seen]
    return Stored(
        created=contacts.create(new, user=user) if new else [],
        changed=contacts.update(known, user=user) if known else [],
    )


def _read_id(line: Line) -> None:
    text = line.given.get("entity_id", "")
    names = [line.given.get(name, "") for name in NAMES]
    if text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= LARGEST_ID:
        line.entity_id = int(text)
    elif text:
        line.faults.append(NO_ID)
    elif not any(names):
        line.faults.append(NAMELESS)
    if any(len(name) > LONGEST_NAME for name in names):
        line.faults.append(TOO_LONG)


def _find_people(lines: Sequence[Line], user: User) -> None:
    asked = {line.given.get("responsible", "").lower() for line in lines} - {""}
    people = User.objects.in_account(user.account_id or 0).filter(
        email__in=asked, is_active=True
    )
    ids = dict(people.values_list("email", "id"))
    for line in lines:
        email = line.given.get("responsible", "").lower()
        line.responsible_id = ids.get(email)
        if email and email not in ids:
            line.faults.append(NOBODY)


def _find_known(lines: Sequence[Line], user: User) -> None:
    """Ids that are there already are changed; others' contacts are not."""
    ids = {line.entity_id for line in lines if line.entity_id is not None}
    known = _locked(ids, user)
    for line in lines:
        contact = known.get(line.entity_id or 0)
        if contact is None:
            line.key = str(line.entity_id or "")
            line.faults += [] if contacts.may_add(user) else [NO_MORE]
            continue
        line.key = str(contact.entity_id)
        line.seen = f"{contact.pk} {contact.updated_at.isoformat()}"
        if contact.is_deleted or not contacts.may_edit(contact, user):
            line.faults.append(NOT_YOURS)


def _locked(entity_ids: set[int], user: User) -> dict[int, Contact]:
    """By the ids they are asked for by; one that was merged is its survivor."""
    named = Contact.objects.filter(account=user.account_id, entity_id__in=entity_ids)
    roots = dict(named.values_list("entity_id", Coalesce("merged_into_id", "id")))
    rows = Contact.objects.filter(pk__in=roots.values()).order_by("id")
    locked = {row.pk: row for row in rows.select_for_update(of=("self",))}
    return {id_: locked[pk] for id_, pk in roots.items() if pk in locked}


def _new(line: Line) -> NewContact:
    return NewContact(
        entity_id=line.entity_id,
        name=line.given.get("name", ""),
        first_name=line.given.get("first_name", ""),
        last_name=line.given.get("last_name", ""),
        responsible_user_id=line.responsible_id,
    )


def _change(line: Line) -> ContactChange:
    """An empty cell leaves what is there."""
    return ContactChange(
        entity_id=line.entity_id or 0,
        name=line.given.get("name") or None,
        first_name=line.given.get("first_name") or None,
        last_name=line.given.get("last_name") or None,
        responsible_user_id=line.responsible_id,
    )
