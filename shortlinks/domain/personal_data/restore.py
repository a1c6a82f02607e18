"""Repeat erasures after a database restore, which brings erased persons back.

The list of erasures contains keyed hashes of ids only (`erased_identities`).
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, NamedTuple, Self

import msgspec
from django.utils import timezone

from shortlinks.domain import erased_identities
from shortlinks.domain.personal_data import erasure
from shortlinks.domain.personal_data.erasure import AlreadyErased
from shortlinks.models import Account, Contact, ErasedIdentity, Erasure, ErasureOrigin

CHUNK_SIZE = 1000


Seconds = Annotated[float, msgspec.Meta(ge=0, lt=2**36)]  # Unix time


class UnreadableList(Exception):
    """The text is not a list of erasures. Nothing was erased."""


class ErasedId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the list: an account's subdomain, a hash, and times in Unix seconds."""

    account: str
    digest: bytes
    erased_at: Seconds
    allowed_at: Seconds | None = None

    @property
    def recency(self) -> tuple[float, float]:
        return self.erased_at, self.allowed_at or 0

    @classmethod
    def of(cls, row: ErasedIdentity) -> Self:
        return cls(
            row.account.subdomain,
            bytes(row.digest),
            row.erased_at.timestamp(),
            row.allowed_at.timestamp() if row.allowed_at else None,
        )

    def covers(self, contact: Contact) -> bool:
        """Return whether this contact was erased, and not a later one with its id."""
        return contact.created_at.timestamp() <= self.erased_at


Listed = dict[bytes, ErasedId]  # by hash


def as_lines() -> Iterator[bytes]:
    """Yield the erased ids of all accounts, one JSON object each."""
    rows = ErasedIdentity.objects.order_by("pk").select_related("account")
    for row in rows.iterator(chunk_size=CHUNK_SIZE):
        yield msgspec.json.encode(ErasedId.of(row)) + b"\n"


class Repeated(NamedTuple):
    """A result: `mixed` are ids of erased contacts that are merged with others."""

    receipts: Sequence[Erasure]
    mixed: Sequence[int]


def repeat(lines: Iterable[bytes]) -> Repeated:
    """Request the erasure of the listed persons who are in the database.

    All ids are remembered as erased, except for missing accounts. A contact that is
    merged with one that is not listed is not erased. Raises UnreadableList.
    """
    parts = [_repeat(account, digests) for account, digests in _by_account(lines)]
    return Repeated(
        [receipt for part in parts for receipt in part.receipts],
        [id_ for part in parts for id_ in part.mixed],
    )


def _by_account(lines: Iterable[bytes]) -> Iterable[tuple[Account, Listed]]:
    """Return the newest line of each hash, because lists of several days are joined."""
    listed: defaultdict[str, Listed] = defaultdict(dict)
    for number, line in enumerate(lines, start=1):
        try:
            erased = msgspec.json.decode(line, type=ErasedId)
        except msgspec.DecodeError as error:
            raise UnreadableList(f"line {number}: {error}") from None
        known = listed[erased.account].setdefault(erased.digest, erased)
        if known.recency < erased.recency:
            listed[erased.account][erased.digest] = erased
    accounts = Account.objects.filter(subdomain__in=listed)
    return [(account, listed[account.subdomain]) for account in accounts]


def _repeat(account: Account, listed: Listed) -> Repeated:
    receipts: dict[int, Erasure] = {}
    mixed: list[int] = []
    newer = _newer_than_stored(account, listed)
    for contact in _contacts(account, listed):
        if not _is_listed(contact, listed):
            mixed.append(contact.entity_id)
            continue
        with contextlib.suppress(AlreadyErased):  # with a merged contact
            receipt = erasure.request(contact, origin=ErasureOrigin.RESTORE, by=None)
            receipts[receipt.pk] = receipt
    _remember(account, newer)
    return Repeated(list(receipts.values()), mixed)


def _newer_than_stored(account: Account, listed: Listed) -> Listed:
    """Return the lines that are newer than what the database has about their ids."""
    rows = ErasedIdentity.objects.filter(account=account, digest__in=list(listed))
    stored = {bytes(row.digest): row for row in rows.select_related("account")}
    return {
        digest: line
        for digest, line in listed.items()
        if digest not in stored or ErasedId.of(stored[digest]).recency < line.recency
    }


def _remember(account: Account, listed: Listed) -> None:
    """Store the ids with the times of the list, those of missing contacts as well."""
    rows = ErasedIdentity.objects.filter(account=account, digest__in=list(listed))
    stored = {bytes(row.digest): row for row in rows}
    if missing := listed.keys() - stored.keys():
        receipt = _empty_receipt(account)
        erased_identities.remember(receipt, missing)
        added = receipt.erasedidentity_set.all()
        stored |= {bytes(row.digest): row for row in added}
    for digest, erased in listed.items():
        row, allowed_at = stored[digest], erased.allowed_at
        row.erased_at = datetime.fromtimestamp(erased.erased_at, UTC)
        row.allowed_at = datetime.fromtimestamp(allowed_at, UTC) if allowed_at else None
    ErasedIdentity.objects.bulk_update(
        stored.values(), ["erased_at", "allowed_at"], batch_size=CHUNK_SIZE
    )


def _contacts(account: Account, listed: Listed) -> list[Contact]:
    own = Contact.objects.filter(account=account, erased_at=None)
    rows = own.only("pk", "entity_id", "account_id", "created_at")
    pks = [
        row.pk
        for row in rows.iterator(chunk_size=CHUNK_SIZE)
        if _was_erased(row, listed)
    ]
    return list(own.filter(pk__in=pks).select_related("account", "merged_into"))


def _was_erased(contact: Contact, listed: Listed) -> bool:
    digest = erased_identities.of_contact(contact.account_id, contact.entity_id)
    erased = listed.get(digest)
    return erased is not None and erased.covers(contact)


def _is_listed(contact: Contact, listed: Listed) -> bool:
    """Return whether all contacts that are merged with it were erased."""
    people = Contact.objects.same_person(contact)
    return all(_was_erased(row, listed) for row in people)


def _empty_receipt(account: Account) -> Erasure:
    """Return a finished receipt for ids that the restored database does not have."""
    return Erasure.objects.create(
        account=account,
        contacts=[],
        origin=ErasureOrigin.RESTORE,
        due_at=None,
        finished_at=timezone.now(),
    )
