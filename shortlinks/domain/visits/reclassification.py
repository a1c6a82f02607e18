"""Judging the past by today's rules: verdicts, and the notes that follow (visits §2.3).

Page by page in the order of the ids, each in a transaction of its own: it may be
interrupted and run again at any time.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from shortlinks.domain.visits import classifier, effects, retention, visit_records
from shortlinks.domain.visits.classifier import ClassifiedVisit
from shortlinks.models import Visit

BATCH_SIZE = 1000
BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class PageResult:
    """A page: how many visits were looked at, and which verdicts become which."""

    visits: int
    changes: Counter[tuple[str, str]]


def count(since: datetime, until: datetime) -> int:
    return _processed_visits(since, until).count()


def reclassify(
    since: datetime, until: datetime, *, dry_run: bool
) -> Iterator[PageResult]:
    """Judge all followed-up visits of this time again, but for overruled ones and
    those whose details are forgotten.

    A dry run says what would change and changes nothing.
    """
    after = BEFORE_ALL
    while page := _page(since, until, after):
        after = page[-1]
        with transaction.atomic():
            judged = classifier.reclassify(page)
            found = [c for c in judged if c.verdict_changed or c.reason_changed]
            if not dry_run:
                found = effects.lock(found)
                effects.apply(found)
        yield PageResult(
            len(page), Counter(_change(c) for c in found if c.verdict_changed)
        )


def _processed_visits(since: datetime, until: datetime) -> "QuerySet[Visit]":
    bounds = visit_records.id_bounds(since, until)
    return Visit.objects.filter(
        pk__range=(bounds["first"], bounds["last"]),  # leaves other months out
        pk__gt=retention.last_redacted_id(),
        occurred_at__range=(since, until),
        processed_at__isnull=False,
        overridden_at=None,
    )


def _page(since: datetime, until: datetime, after: UUID) -> list[UUID]:
    following = _processed_visits(since, until).filter(pk__gt=after).order_by("pk")
    return list(following.values_list("pk", flat=True)[:BATCH_SIZE])


def _change(conclusion: ClassifiedVisit) -> tuple[str, str]:
    return (conclusion.visit.verdict, conclusion.classification.verdict)
