"""Contacts out of a table: checked by row, then all the good ones stored at once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext_noop

from shortlinks.domain import contacts, tables
from shortlinks.domain.contacts import LONGEST_NAME, ContactChange, NewContact
from shortlinks.models import Contact, User

LARGEST_ID = 2**63 - 1
AT_ONCE = 500
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
TWICE = gettext_noop("This id stands in several rows.")
NAMELESS = gettext_noop("There is neither an id nor a name.")
TOO_LONG = gettext_noop("A name is longer than 250 characters.")
NOBODY = gettext_noop("No active user of the account has this e-mail.")
NOT_YOURS = gettext_noop("You may not change this contact.")


@dataclass(slots=True)
class Line:
    """A row of the table, by its number there; `faults` are for people."""

    number: int
    given: dict[str, str]
    entity_id: int | None = None
    responsible_id: int | None = None
    is_known: bool = False
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stored:
    created: int
    changed: int
    left_out: int


def check(rows: Sequence[Sequence[str]], user: User) -> list[Line]:
    """Every row with what is wrong with it; NoHead if no column is known."""
    lines = [Line(number, given) for number, given in tables.named(rows, HEADS)]
    for line in lines:
        _read_id(line)
    _mark_repeated(lines)
    _find_people(lines, user)
    _find_known(lines, user)
    return lines


def store(lines: Iterable[Line], user: User) -> Stored:
    """All rows that have no fault, or none: one transaction."""
    lines = list(lines)
    good = [line for line in lines if not line.faults]
    known = [_change(line) for line in good if line.is_known]
    new = [_new(line) for line in good if not line.is_known]
    with transaction.atomic():
        for start in range(0, len(known), AT_ONCE):
            contacts.update(known[start : start + AT_ONCE], user=user)
        for start in range(0, len(new), AT_ONCE):
            contacts.create(new[start : start + AT_ONCE], user=user)
    return Stored(len(new), len(known), len(lines) - len(good))


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


def _mark_repeated(lines: Sequence[Line]) -> None:
    counts = Counter(line.entity_id for line in lines if line.entity_id is not None)
    for line in lines:
        if line.entity_id is not None and counts[line.entity_id] > 1:
            line.faults.append(TWICE)


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
    rows = Contact.objects.filter(account=user.account_id, entity_id__in=ids)
    known = {row.entity_id: row.root for row in rows.select_related("merged_into")}
    for line in lines:
        contact = known.get(line.entity_id or 0)
        line.is_known = contact is not None
        if contact is None:
            continue
        if contact.is_deleted or not contacts.may_edit(contact, user):
            line.faults.append(NOT_YOURS)


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
