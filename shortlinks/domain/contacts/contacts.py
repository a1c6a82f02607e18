"""Create, update and delete contacts."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from shortlinks.domain import erased_identities, quotas
from shortlinks.domain.auth import permissions
from shortlinks.domain.contacts import contact_locks, tracking_consent
from shortlinks.domain.contacts.tracking_consent import ConsentAnswer
from shortlinks.domain.postgres import queries
from shortlinks.domain.quotas import Quota, QuotaReached
from shortlinks.models import AccessLevel, Contact, MergeChange, User

MAX_NAME_LENGTH = 250
# A client may have used an id that the database gives next, so others are tried.
MAX_ID_ATTEMPTS = 10
UPDATABLE_FIELDS = (
    "name",
    "first_name",
    "last_name",
    "responsible_user",
    "is_anonymous",
    "group",
    "updated_by",
    "updated_at",
)
SELECT_FREE_IDS = "SELECT shortlinks_new_id() FROM generate_series(1, %(count)s)"
NAMES = ("first_name", "last_name", "name")


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact to create; `entity_id` None requests a free id."""

    entity_id: int | None
    name: str
    first_name: str
    last_name: str
    responsible_user_id: int | None
    consent: ConsentAnswer | None = None


@dataclass(frozen=True, slots=True)
class ContactChange:
    """New values of a contact; None changes nothing."""

    entity_id: int
    name: str | None
    first_name: str | None
    last_name: str | None
    responsible_user_id: int | None
    consent: ConsentAnswer | None = None


class UnknownContacts(Exception):
    """These contacts do not exist, or are not visible. Nothing was stored."""

    def __init__(self, entity_ids: set[int]) -> None:
        super().__init__("unknown contacts")
        self.entity_ids = entity_ids


class EditForbidden(Exception):
    """The user may not edit all of these contacts. Nothing was stored."""


class DuplicateIds(Exception):
    """These ids already exist in the account. Nothing was stored."""

    def __init__(self, entity_ids: set[int]) -> None:
        super().__init__("duplicate ids")
        self.entity_ids = entity_ids


class ErasedIds(Exception):
    """The persons with these ids were erased. Nothing was stored."""

    def __init__(self, entity_ids: set[int]) -> None:
        super().__init__("erased ids")
        self.entity_ids = entity_ids


class UnknownUsers(Exception):
    """These users do not exist in the account. Nothing was stored."""

    def __init__(self, user_ids: set[int]) -> None:
        super().__init__("unknown users")
        self.user_ids = user_ids


def create(new: Sequence[NewContact], *, user: User) -> list[Contact]:
    """Store all contacts or none, in their order.

    The caller is responsible for contacts that name no responsible user. Raises
    DuplicateIds, ErasedIds, UnknownUsers or QuotaReached.
    """
    if quotas.are_contacts_full(user.account_id or 0):
        raise QuotaReached(Quota.CONTACTS)
    responsible = _responsible_users(new, user)
    requested = _requested_ids(new, user)
    for _ in range(MAX_ID_ATTEMPTS):
        rows = [
            _row(item, entity_id, responsible, user)
            for item, entity_id in zip(new, _with_free_ids(new), strict=True)
        ]
        taken = _store(rows, new, user)
        if not taken:
            return rows
        if taken & requested:
            raise DuplicateIds(taken & requested)
    raise RuntimeError("a client took all new ids of the contacts")


def _requested_ids(new: Sequence[NewContact], user: User) -> set[int]:
    """Return the clients' ids; raise DuplicateIds or ErasedIds."""
    requested = Counter(item.entity_id for item in new if item.entity_id is not None)
    if repeated := {id_ for id_, count in requested.items() if count > 1}:
        raise DuplicateIds(repeated)
    erased = erased_identities.erased_ids(user.account_id or 0, requested.keys())
    if erased:
        raise ErasedIds(erased)
    return set(requested)


def update(changes: Sequence[ContactChange], *, user: User) -> list[Contact]:
    """Store all changes or none, and return the contacts in their order.

    Raises UnknownContacts, EditForbidden, UnknownUsers or RefusalStays. The positions
    in RefusalStays count only the changes with a consent.
    """
    responsible = _responsible_users(changes, user)
    with transaction.atomic():
        rows = _locked({change.entity_id for change in changes}, user)
        if not all(may_edit(row, user) for row in rows.values()):
            raise EditForbidden
        for change in changes:
            _change(rows[change.entity_id], change, responsible, user)
        changed = {row.pk: row for row in rows.values()}.values()
        Contact.objects.bulk_update(changed, UPDATABLE_FIELDS)
        mark_edited(
            {
                column: [rows[c.entity_id].pk for c in changes if column in _sent(c)]
                for column in ("is_anonymous", "tracking_consent", *NAMES)
            }
        )
        answers = [(rows[c.entity_id], c.consent) for c in changes if c.consent]
        tracking_consent.answer(answers, by=user)
    return [rows[change.entity_id] for change in changes]


def mark_edited(pks: Mapping[str, Collection[int]]) -> None:
    """Mark columns as edited, even with equal values; undoing a merge keeps them.

    A consent holds for all merged contacts, so it is marked for all of them.
    """
    columns = [
        Q(column=column, contact__in=Contact.objects.with_root(of_column))
        if column == "tracking_consent"
        else Q(column=column, contact__in=of_column)
        for column, of_column in pks.items()
        if of_column
    ]
    changes = MergeChange.objects.filter(Q(*columns, _connector=Q.OR))
    changes.update(edited_at=timezone.now())


def delete(contacts: QuerySet[Contact], *, by: User) -> None:
    """Hide the contacts. Their links still redirect, but nothing is recorded."""
    set_deleted(list(contacts.values_list("pk", flat=True)), is_deleted=True, by=by)


def set_deleted(pks: Collection[int], *, is_deleted: bool, by: User) -> None:
    """Delete or restore contacts, with those that are merged into them.

    An erased person cannot be restored.
    """
    now = timezone.now()
    with transaction.atomic():
        people = Contact.objects.with_root(pks).filter(erased_at=None)
        queries.lock_rows(people)
        people.update(
            is_deleted=is_deleted,
            deleted_at=now if is_deleted else None,
            updated_by=by,
            updated_at=now,
        )
        tracking_consent.refresh_links(people)


def may_add(user: User) -> bool:
    return user.is_admin or user.contacts_add == AccessLevel.ALL


def may_edit(contact: Contact, user: User) -> bool:
    level = AccessLevel.ALL if user.is_admin else user.contacts_edit
    return permissions.level_covers(level, contact, user)


def _locked(entity_ids: set[int], user: User) -> dict[int, Contact]:
    """Lock contacts; return them by requested id, a merged one as its root."""

    def visible() -> dict[int, int]:
        roots = permissions.visible_roots(entity_ids, user)
        if missing := entity_ids - roots.keys():
            raise UnknownContacts(missing)
        return roots

    rows = contact_locks.lock_roots(visible)
    if deleted := {id_ for id_, row in rows.items() if row.is_deleted}:
        raise UnknownContacts(deleted)  # deleted while this waited for the lock
    return rows


def _sent(change: ContactChange) -> set[str]:
    """Return the columns that the change sets; any edit makes a contact known."""
    sent = {name for name in NAMES if getattr(change, name) is not None}
    return sent | {"is_anonymous"} | ({"tracking_consent"} if change.consent else set())


def _full_name(first_name: str, last_name: str) -> str:
    return f"{first_name} {last_name}".strip()[:MAX_NAME_LENGTH]


def _change(
    row: Contact, change: ContactChange, responsible: dict[int, User], user: User
) -> None:
    is_composed = row.name == _full_name(row.first_name, row.last_name)
    for name in NAMES:
        if (value := getattr(change, name)) is not None:
            setattr(row, name, value)
    if is_composed and change.name is None:
        row.name = _full_name(row.first_name, row.last_name)
    if change.responsible_user_id is not None:
        owner = responsible[change.responsible_user_id]
        row.responsible_user_id, row.group_id = owner.id, owner.group_id
    row.is_anonymous = False
    row.updated_by_id, row.updated_at = user.id, timezone.now()


def _responsible_users(
    new: Sequence[NewContact] | Sequence[ContactChange], user: User
) -> dict[int, User]:
    ids = {id_ for item in new if (id_ := item.responsible_user_id) is not None}
    found = User.objects.in_account(user.account_id or 0).in_bulk(ids)
    if missing := ids - found.keys():
        raise UnknownUsers(missing)
    return {user.id: user, **found}


def free_ids(count: int) -> list[int]:
    """Return ids for contacts, which are never given twice (docs/adr/0039)."""
    return [id_ for (id_,) in queries.fetch_prepared(SELECT_FREE_IDS, {"count": count})]


def _with_free_ids(new: Sequence[NewContact]) -> list[int]:
    """Return the contacts' ids, and free ones for those that have none."""
    free = iter(free_ids(sum(item.entity_id is None for item in new)))
    return [next(free) if i.entity_id is None else i.entity_id for i in new]


def _row(
    item: NewContact, entity_id: int, responsible: dict[int, User], user: User
) -> Contact:
    owner = responsible[item.responsible_user_id or user.id]
    now = timezone.now()
    return Contact(
        account=user.account,
        entity_id=entity_id,
        name=item.name or _full_name(item.first_name, item.last_name),
        first_name=item.first_name,
        last_name=item.last_name,
        responsible_user_id=owner.id,
        group_id=owner.group_id,
        created_by_id=user.id,
        updated_by_id=user.id,
        created_at=now,
        updated_at=now,
    )


def _store(rows: Sequence[Contact], new: Sequence[NewContact], user: User) -> set[int]:
    """Insert the rows with their consents, or return the ids that exist already.

    Checks first, because Postgres logs a failed statement with the clients' names.
    """
    if taken := _taken_ids(rows):
        return taken
    try:
        with transaction.atomic():
            # In one order, so that two requests with the same ids do not deadlock.
            Contact.objects.bulk_create(sorted(rows, key=lambda row: row.entity_id))
            pairs = zip(rows, new, strict=True)
            answers = [(row, item.consent) for row, item in pairs if item.consent]
            tracking_consent.answer(answers, by=user)
    except IntegrityError:
        if taken := _taken_ids(rows):  # by a concurrent request
            return taken
        raise
    return set()


def _taken_ids(rows: Sequence[Contact]) -> set[int]:
    same = Contact.objects.filter(
        account_id=rows[0].account_id, entity_id__in=[row.entity_id for row in rows]
    )
    return set(same.values_list("entity_id", flat=True))
