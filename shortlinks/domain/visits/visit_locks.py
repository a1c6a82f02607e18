"""Lock visits until the end of a transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from shortlinks.domain.postgres import arrays
from shortlinks.domain.visits.classifier import ClassifiedVisit
from shortlinks.models import Visit

Shard = Literal["all", "even", "odd"]

# A worker locks its links until its transaction ends, so two workers divide the links.
# The conditions are written so that the planner expects half of the rows.
SHARD_FILTERS = {
    "all": "",
    "even": "AND NOT (link_id %% 2)::int::boolean",
    "odd": "AND (link_id %% 2)::int::boolean",
}
CLAIM = """
SELECT id FROM shortlinks_visit WHERE due_at <= now() AND attempts = 0 {shard}
ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
LOCK_UNCHANGED = """
SELECT visit.id FROM shortlinks_visit AS visit
JOIN unnest(%(ids)s::uuid[], %(read)s::text[]) AS r (id, verdict) ON visit.id = r.id
WHERE visit.verdict = r.verdict AND visit.overridden_at IS NULL
  AND NOT visit.is_redacted
  AND visit.id BETWEEN %(first)s AND %(last)s
ORDER BY visit.id FOR UPDATE OF visit
"""


class HasId(Protocol):
    @property
    def id(self) -> UUID: ...


AnyVisit = TypeVar("AnyVisit", bound=HasId)


@dataclass(frozen=True, slots=True)
class LockedVisits:
    """Proof that these visits are locked; only the functions below return one."""

    ids: frozenset[UUID]

    def __or__(self, other: "LockedVisits") -> "LockedVisits":
        return LockedVisits(self.ids | other.ids)

    def without(self, ids: Iterable[UUID]) -> "LockedVisits":
        return LockedVisits(self.ids.difference(ids))

    def among(self, visits: Iterable[AnyVisit]) -> list[AnyVisit]:
        return [visit for visit in visits if visit.id in self.ids]


def claim_new(limit: int, shard: Shard) -> LockedVisits:
    """Lock due visits that have not failed before, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(shard=SHARD_FILTERS[shard]), [limit])
        return _locked(id_ for (id_,) in cursor)


def claim(ids: Sequence[UUID]) -> LockedVisits:
    """Lock those of the visits that are still due, unless another worker has them."""
    due = Visit.objects.filter(pk__in=ids, due_at__lte=Now())
    return _lock(due.select_for_update(skip_locked=True))


def lock_unchanged(classified: Sequence[ClassifiedVisit]) -> LockedVisits:
    """Lock classified visits whose stored verdicts are still the same.

    Verdicts that an administrator set and those of redacted visits are never changed,
    so these are left out.
    """
    if not classified:
        return _locked(())
    ids = [c.id for c in classified]
    read = [c.visit.verdict for c in classified]
    parameters = {"ids": ids, "read": read, "first": min(ids), "last": max(ids)}
    with connection.cursor() as cursor:
        cursor.execute(LOCK_UNCHANGED, arrays.encode_params(parameters))
        return _locked(id_ for (id_,) in cursor)


def lock_processed(ids: Sequence[UUID]) -> LockedVisits:
    processed = Visit.objects.filter(pk__in=ids, processed_at__isnull=False)
    return _lock(processed.order_by("pk").select_for_update())


def lock_idle(ids: Sequence[UUID]) -> LockedVisits:
    """Lock those of the visits that no other transaction has locked."""
    visits = Visit.objects.filter(pk__in=ids).order_by("pk")
    return _lock(visits.select_for_update(skip_locked=True, no_key=True))


def _lock(visits: QuerySet[Visit]) -> LockedVisits:
    return _locked(visits.values_list("pk", flat=True))


def _locked(ids: Iterable[UUID]) -> LockedVisits:
    return LockedVisits(frozenset(ids))
