"""Proofs of short domains: when one is lost, stops and comes back (docs/adr/0054)."""

from collections.abc import Iterable, Set
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from shortlinks.domain.auth import security_events
from shortlinks.models import SecurityEventKind, ShortDomain

CHECK_INTERVAL = timedelta(days=7)
LOST_CHECK_INTERVAL = timedelta(days=1)
# A domain works for this long without its record, so that a mistake in DNS loses no
# opens.
GRACE_PERIOD = timedelta(days=28)


class Answer(Enum):
    """The reply of DNS; `UNCLEAR` if the name servers failed."""

    FOUND = auto()
    MISSING = auto()
    UNCLEAR = auto()


class Proof(NamedTuple):
    """The times of a short domain; both are None if it was never verified."""

    verified_at: datetime | None
    lost_at: datetime | None


class StoredProof(NamedTuple):
    answer: Answer
    is_taken: bool = False  # by another account
    is_outdated: bool = False  # nothing was stored


class Lookup(NamedTuple):
    """The texts of a host's TXT record; None if the answer was unclear."""

    texts: Set[str] | None
    asked_at: datetime


def next_proof(proof: Proof, answer: Answer, now: datetime) -> Proof:
    """Return the proof after one check. Only a clear answer changes it."""
    if answer is Answer.FOUND:
        return Proof(proof.verified_at or now, None)
    if answer is Answer.UNCLEAR or proof == (None, None):
        return proof
    lost_at = proof.lost_at or now
    is_over = now - lost_at >= GRACE_PERIOD
    return Proof(None if is_over else proof.verified_at, lost_at)


@transaction.atomic
def store(domain: ShortDomain, lookup: Lookup) -> StoredProof:
    """Store the result of a check, unless a later lookup is stored already.

    If several accounts claim the host, the verified one keeps it while its own record
    is among the texts. Otherwise, it goes to the account whose record is.
    """
    texts, asked_at = lookup
    # locks all claims, so that concurrent checks wait
    claims = ShortDomain.objects.filter(host=domain.host).select_related("account")
    rows = {
        row.pk: row for row in claims.select_for_update(of=("self",)).order_by("pk")
    }
    answer = _answer(domain, texts)
    if any(row.checked_at and row.checked_at > asked_at for row in rows.values()):
        return StoredProof(answer, is_outdated=True)
    own = rows.pop(domain.pk, None)
    holders = [row for row in rows.values() if row.verified_at is not None]
    is_taken = answer is Answer.FOUND and any(
        _answer(row, texts) is Answer.FOUND for row in holders
    )
    if own is None or is_taken:  # None if it was deleted meanwhile
        return StoredProof(answer, is_taken)
    now = timezone.now()
    if answer is Answer.FOUND:
        _release(holders, now)
    _change(own, next_proof(Proof(own.verified_at, own.proof_lost_at), answer, now))
    ShortDomain.objects.filter(pk=own.pk).update(checked_at=asked_at)
    return StoredProof(answer)


def _answer(domain: ShortDomain, texts: Set[str] | None) -> Answer:
    if texts is None:
        return Answer.UNCLEAR
    return Answer.FOUND if domain.txt_value in texts else Answer.MISSING


def _release(holders: Iterable[ShortDomain], now: datetime) -> None:
    """End the proofs of domains that another account has proven meanwhile."""
    for row in holders:
        _change(row, Proof(None, row.proof_lost_at or now))


def _change(row: ShortDomain, proof: Proof) -> None:
    before = Proof(row.verified_at, row.proof_lost_at)
    if proof == before:
        return
    row.verified_at, row.proof_lost_at = proof
    row.save(update_fields=["verified_at", "proof_lost_at"])
    security_events.record(
        _event(before, proof), user=None, account=row.account, detail=row.host
    )


def _event(before: Proof, proof: Proof) -> SecurityEventKind:
    if proof.lost_at is None:
        return SecurityEventKind.DOMAIN_VERIFIED
    if before.verified_at is not None and proof.verified_at is None:
        return SecurityEventKind.DOMAIN_STOPPED
    return SecurityEventKind.DOMAIN_LOST
