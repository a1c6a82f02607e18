"""Ids that must not be used again, because the persons behind them were erased.

Only a keyed hash is stored. A hash without a key could be reversed, because the CRM's
ids are short numbers.
"""

import hashlib
from collections.abc import Collection, Iterable

from django.conf import settings
from django.utils import timezone

from shortlinks.models import ErasedIdentity, Erasure

CONTACT, CHAT = "contact", "chat"


def of_contact(account_id: int, entity_id: int) -> bytes:
    return _digest(CONTACT, account_id, str(entity_id))


def of_chat(account_id: int, source: str, external_id: str) -> bytes:
    return _digest(CHAT, account_id, source, external_id)


def remember(erasure: Erasure, digests: Iterable[bytes]) -> None:
    rows = [
        ErasedIdentity(account_id=erasure.account_id, erasure=erasure, digest=digest)
        for digest in set(digests)
    ]
    ErasedIdentity.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["account", "digest"],
        update_fields=["erasure", "erased_at", "allowed_at"],
    )


def erased_ids(account_id: int, entity_ids: Collection[int]) -> set[int]:
    """Return the ids that must not be used, because the persons were erased."""
    digests = {of_contact(account_id, id_): id_ for id_ in entity_ids}
    return {digests[found] for found in known(account_id, digests.keys())}


def is_chat_erased(account_id: int, source: str, external_id: str) -> bool:
    return bool(known(account_id, [of_chat(account_id, source, external_id)]))


def count(erasure: Erasure) -> int:
    """Return how many ids of this person cannot be used."""
    return erasure.erasedidentity_set.filter(allowed_at=None).count()


def allow(erasure: Erasure) -> int:
    """Let the ids of this person be used again; return how many there were."""
    rows = erasure.erasedidentity_set.filter(allowed_at=None)
    return rows.update(allowed_at=timezone.now())


def known(account_id: int, digests: Collection[bytes]) -> set[bytes]:
    """Return the hashes that are stored here and not allowed again."""
    rows = ErasedIdentity.objects.filter(
        account=account_id, digest__in=list(digests), allowed_at=None
    )
    return {bytes(digest) for digest in rows.values_list("digest", flat=True)}


def _digest(kind: str, account_id: int, *values: str) -> bytes:
    text = "\0".join((kind, str(account_id), *values)).encode()
    key = settings.VISITOR_UID_KEY[:64]
    return hashlib.blake2b(text, key=key, person=b"erased", digest_size=32).digest()
