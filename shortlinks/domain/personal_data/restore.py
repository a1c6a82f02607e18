"""Erase again after a restore: the database then has the persons erased since.

The list of erasures contains keyed hashes of ids only (`erased_identities`).
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from django.utils import timezone

from shortlinks.domain import erased_identities
from shortlinks.domain.personal_data import erasure
from shortlinks.domain.personal_data.erasure import AlreadyErased
from shortlinks.models import Account, Contact, ErasedIdentity, Erasure, ErasureOrigin

CHUNK_SIZE = 1000


class UnreadableList(Exception):
    """The text is not a list of erasures. Nothing was erased."""


class ErasedId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the list."""

    account: str  # its subdomain
    digest: bytes


def as_lines() -> Iterator[bytes]:
    """Yield the erased ids of all accounts, one JSON object each."""
    rows = ErasedIdentity.objects.order_by("pk").values_list(
        "account__subdomain", "digest"
    )
    for subdomain, digest in rows.iterator(chunk_size=CHUNK_SIZE):
        yield msgspec.json.encode(ErasedId(subdomain, bytes(digest))) + b"\n"


class Repeated(NamedTuple):
    """`mixed` are ids of erased contacts that the restored state merges with others."""

    receipts: Sequence[Erasure]
    mixed: Sequence[int]


def repeat(lines: Iterable[bytes]) -> Repeated:
    """Request the erasure of the listed persons who are in the database.

    All ids are remembered as erased, except for missing accounts. Nobody is erased who
    is merged with a contact that is not listed. Raises UnreadableList.
    """
    parts = [_repeat(account, digests) for account, digests in _by_account(lines)]
    return Repeated(
        [receipt for part in parts for receipt in part.receipts],
        [id_ for part in parts for id_ in part.mixed],
    )


def _by_account(lines: Iterable[bytes]) -> Iterable[tuple[Account, set[bytes]]]:
    listed: defaultdict[str, set[bytes]] = defaultdict(set)
    for number, line in enumerate(lines, start=1):
        try:
            erased = msgspec.json.decode(line, type=ErasedId)
        except msgspec.DecodeError as error:
            raise UnreadableList(f"line {number}: {error}") from None
        listed[erased.account].add(erased.digest)
    accounts = Account.objects.filter(subdomain__in=listed)
    return [(account, listed[account.subdomain]) for account in accounts]


def _repeat(account: Account, digests: set[bytes]) -> Repeated:
    receipts: dict[int, Erasure] = {}
    mixed: list[int] = []
    for contact in _contacts(account, digests):
        if not _is_listed(contact, digests):
            mixed.append(contact.entity_id)
            continue
        with contextlib.suppress(AlreadyErased):  # with a contact that is merged
            receipt = erasure.request(contact, origin=ErasureOrigin.RESTORE, by=None)
            receipts[receipt.pk] = receipt
    if left := digests - erased_identities.known(account.pk, digests):
        erased_identities.remember(_empty_receipt(account), left)
    return Repeated(list(receipts.values()), mixed)


def _contacts(account: Account, digests: set[bytes]) -> list[Contact]:
    own = Contact.objects.filter(account=account, erased_at=None)
    ids = own.values_list("pk", "entity_id").iterator(chunk_size=CHUNK_SIZE)
    pks = [
        pk
        for pk, id_ in ids
        if erased_identities.of_contact(account.pk, id_) in digests
    ]
    return list(own.filter(pk__in=pks).select_related("account", "merged_into"))


def _is_listed(contact: Contact, digests: set[bytes]) -> bool:
    """Return whether all contacts that are merged with it were erased."""
    people = Contact.objects.same_person(contact)
    return all(
        erased_identities.of_contact(account_id, id_) in digests
        for account_id, id_ in people.values_list("account", "entity_id")
    )


def _empty_receipt(account: Account) -> Erasure:
    """Return a finished receipt for ids that the restored database does not have."""
    return Erasure.objects.create(
        account=account,
        contacts=[],
        origin=ErasureOrigin.RESTORE,
        due_at=None,
        finished_at=timezone.now(),
    )
