"""Reclassify past visits by the current rules.

Each page of ids is one transaction, so a run may be interrupted and repeated.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from shortlinks.domain.visits import (
    classifier,
    effects,
    published_networks,
    visit_locks,
    visit_records,
)
from shortlinks.domain.visits.classifier import ClassifiedVisit
from shortlinks.models import Visit

BATCH_SIZE = 1000
BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class PageResult:
    """The number of visits of a page, and its changes of verdicts, old and new."""

    visits: int
    changes: Counter[tuple[str, str]]


def count(since: datetime, until: datetime) -> int:
    return _processed_visits(since, until).count()


def reclassify(
    since: datetime, until: datetime, *, dry_run: bool
) -> Iterator[PageResult]:
    """Reclassify processed visits, except overridden and redacted ones.

    A dry run returns the changes without making them.
    """
    published_networks.load()
    after = BEFORE_ALL
    while page := _page(since, until, after):
        after = page[-1]
        with transaction.atomic():
            results = classifier.reclassify(page)
            changed = [c for c in results if c.verdict_changed or c.reason_changed]
            if not dry_run:
                locked = visit_locks.lock_unchanged(changed)
                effects.apply(changed, locked)
                changed = locked.among(changed)
        yield PageResult(
            len(page), Counter(_change(c) for c in changed if c.verdict_changed)
        )


def _processed_visits(since: datetime, until: datetime) -> "QuerySet[Visit]":
    bounds = visit_records.id_bounds(since, until)
    return Visit.objects.filter(
        pk__range=(
            bounds["first"],
            bounds["last"],
        ),  # excludes the partitions of other months
        occurred_at__range=(since, until),
        processed_at__isnull=False,
        overridden_at=None,
        is_redacted=False,
    )


def _page(since: datetime, until: datetime, after: UUID) -> list[UUID]:
    following = _processed_visits(since, until).filter(pk__gt=after).order_by("pk")
    return list(following.values_list("pk", flat=True)[:BATCH_SIZE])


def _change(classified: ClassifiedVisit) -> tuple[str, str]:
    return (classified.visit.verdict, classified.classification.verdict)
