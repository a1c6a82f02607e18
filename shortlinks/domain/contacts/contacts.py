"""Contacts as the CRM brings them (contract §4)."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from shortlinks.domain.auth import permissions
from shortlinks.domain.contacts import tracking_consent
from shortlinks.models import AccessLevel, Contact, User

MAX_ID_ATTEMPTS = 5
MAX_NAME_LENGTH = 250
UPDATABLE_FIELDS = (
    "name",
    "first_name",
    "last_name",
    "responsible_user",
    "tracking_consent",
    "is_anonymous",
    "group",
    "updated_by",
    "updated_at",
)
# Above them are the ids of anonymous contacts, made for chats.
ANONYMOUS_ID_START = 2**52


@dataclass(frozen=True, slots=True)
class NewContact:
    """What a caller says of a contact; `entity_id` None asks for a free one."""

    entity_id: int | None
    name: str
    first_name: str
    last_name: str
    responsible_user_id: int | None


@dataclass(frozen=True, slots=True)
class ContactChange:
    """What a caller wants changed; None stays what it is."""

    entity_id: int
    name: str | None
    first_name: str | None
    last_name: str | None
    responsible_user_id: int | None
    tracking_consent: str | None = None


class UnknownContacts(Exception):
    """No such contacts that the user may view; nothing was stored."""

    def __init__(self, entity_ids: set[int]) -> None:
        super().__init__("unknown contacts")
        self.entity_ids = entity_ids


class EditForbidden(Exception):
    """The user's letter does not reach these contacts; nothing was stored."""


class DuplicateIds(Exception):
    """These ids belong to contacts of the account already; nothing was stored."""

    def __init__(self, entity_ids: set[int]) -> None:
        super().__init__("ids are taken")
        self.entity_ids = entity_ids


class UnknownUsers(Exception):
    """No such users in the account; nothing was stored."""

    def __init__(self, user_ids: set[int]) -> None:
        super().__init__("unknown users")
        self.user_ids = user_ids


def create(new: Sequence[NewContact], *, user: User) -> list[Contact]:
    """Store all the contacts or none, in their order.

    Raises IdsTaken or UnknownUsers. Who names nobody becomes responsible himself.
    """
    responsible = _responsible_users(new, user)
    brought = [item.entity_id for item in new if item.entity_id is not None]
    if twice := {id_ for id_, count in Counter(brought).items() if count > 1}:
        raise DuplicateIds(twice)
    for _ in range(MAX_ID_ATTEMPTS):
        ids = _with_free_ids(new, user)
        rows = [
            _row(item, entity_id, responsible, user)
            for item, entity_id in zip(new, ids, strict=True)
        ]
        taken = _store(rows)
        if not taken:
            return rows
        if taken & set(brought):
            raise DuplicateIds(taken & set(brought))
    raise RuntimeError("no free id was found for a contact")


def update(changes: Sequence[ContactChange], *, user: User) -> list[Contact]:
    """Store all the changes or none; the contacts in their order.

    Raises UnknownContacts, MayNotEdit or UnknownUsers.
    """
    responsible = _responsible_users(changes, user)
    with transaction.atomic():
        rows = _locked({change.entity_id for change in changes}, user)
        if not all(may_edit(row, user) for row in rows.values()):
            raise EditForbidden
        said = {row.pk: row.tracking_consent for row in rows.values()}
        for change in changes:
            _change(rows[change.entity_id], change, responsible, user)
        changed = {row.pk: row for row in rows.values()}.values()
        Contact.objects.bulk_update(changed, UPDATABLE_FIELDS)
        tracking_consent.apply_change(
            [row for row in changed if row.tracking_consent != said[row.pk]]
        )
    return [rows[change.entity_id] for change in changes]


def delete(contacts: QuerySet[Contact], *, by: User) -> None:
    """Hide the contacts from everybody; their links lead on, for the client's sake."""
    contacts.update(is_deleted=True, updated_by=by, updated_at=timezone.now())


def may_add(user: User) -> bool:
    return user.is_admin or user.contacts_add == AccessLevel.ALL


def may_edit(contact: Contact, user: User) -> bool:
    return user.is_admin or permissions.level_covers(user.contacts_edit, contact, user)


def _locked(entity_ids: set[int], user: User) -> dict[int, Contact]:
    """By the ids they are asked for by; one that was merged is its survivor."""
    named = permissions.visible_roots(entity_ids, user)
    if missing := entity_ids - named.keys():
        raise UnknownContacts(missing)
    rows = Contact.objects.filter(pk__in=named.values()).order_by("id")
    locked = {row.pk: row for row in rows.select_for_update(of=("self",))}
    return {entity_id: locked[pk] for entity_id, pk in named.items()}


def _full_name(first_name: str, last_name: str) -> str:
    return f"{first_name} {last_name}".strip()[:MAX_NAME_LENGTH]


def _change(
    row: Contact, change: ContactChange, responsible: dict[int, User], user: User
) -> None:
    was_made = row.name == _full_name(row.first_name, row.last_name)
    for name in ("first_name", "last_name", "name", "tracking_consent"):
        if (value := getattr(change, name)) is not None:
            setattr(row, name, value)
    if was_made and change.name is None:
        row.name = _full_name(row.first_name, row.last_name)
    if change.responsible_user_id is not None:
        who = responsible[change.responsible_user_id]
        row.responsible_user_id, row.group_id = who.id, who.group_id
    # somebody knows by now who it is
    row.is_anonymous = False
    row.updated_by_id, row.updated_at = user.id, timezone.now()


def _responsible_users(
    new: Sequence[NewContact] | Sequence[ContactChange], user: User
) -> dict[int, User]:
    wanted = {id_ for item in new if (id_ := item.responsible_user_id) is not None}
    found = User.objects.in_account(user.account_id or 0).in_bulk(wanted)
    if missing := wanted - found.keys():
        raise UnknownUsers(missing)
    return {user.id: user, **found}


def _with_free_ids(new: Sequence[NewContact], user: User) -> list[int]:
    """The ids of the contacts; those that bring none get the next after the largest."""
    brought = {item.entity_id for item in new}
    ordinary = Contact.objects.filter(
        account=user.account, entity_id__lt=ANONYMOUS_ID_START
    )
    largest = ordinary.aggregate(largest=Max("entity_id"))["largest"] or 0
    free = (id_ for id_ in itertools.count(largest + 1) if id_ not in brought)
    return [next(free) if i.entity_id is None else i.entity_id for i in new]


def _row(
    item: NewContact, entity_id: int, responsible: dict[int, User], user: User
) -> Contact:
    who = responsible[item.responsible_user_id or user.id]
    now = timezone.now()
    return Contact(
        account=user.account,
        entity_id=entity_id,
        name=item.name or _full_name(item.first_name, item.last_name),
        first_name=item.first_name,
        last_name=item.last_name,
        responsible_user_id=who.id,
        group_id=who.group_id,
        created_by_id=user.id,
        updated_by_id=user.id,
        created_at=now,
        updated_at=now,
    )


def _store(rows: Sequence[Contact]) -> set[int]:
    """Insert the rows; the ids that were taken, and then none is stored.

    Looks first, since Postgres logs a refused statement with the clients' names.
    """
    if taken := _taken_ids(rows):
        return taken
    try:
        with transaction.atomic():
            # in one order, so that two requests with the same ids do not deadlock
            Contact.objects.bulk_create(sorted(rows, key=lambda row: row.entity_id))
    except IntegrityError:
        if taken := _taken_ids(rows):  # by another request, in between
            return taken
        raise
    return set()


def _taken_ids(rows: Sequence[Contact]) -> set[int]:
    same = Contact.objects.filter(
        account_id=rows[0].account_id, entity_id__in=[row.entity_id for row in rows]
    )
    return set(same.values_list("entity_id", flat=True))
