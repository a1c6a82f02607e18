"""A backlog is followed up with both hands, and each visit once."""

import pytest
from django.db import DataError, connection
from django.db.models import Sum

from benchmarks import sites
from shortlinks.domain.visits import parallel, processing
from shortlinks.domain.visits.processing import ProcessingResult
from shortlinks.models import Account, DailyVisits, Note, PixelAttachment, Visit
from tests import factories

BATCHES = 4


@pytest.fixture
def due(account: Account, transactional_db: None) -> int:
    """So many visits, to links with odd and with even ids."""
    for _ in range(6):
        factories.link(factories.contact(account))
    count = BATCHES * processing.BATCH_SIZE
    with connection.cursor() as cursor:
        cursor.execute(
            sites.DUE, {"count": count, "links": 6, "agent": factories.CHROME}
        )
    return count


def test_both_hands_follow_each_visit_up_once(due: int) -> None:
    done: list[ProcessingResult] = []

    parallel.process_in_parallel(should_continue=lambda: True, on_batch=done.append)

    assert sum(batch.claimed for batch in done) == due
    assert not Visit.objects.filter(due_at__isnull=False).exists()
    assert Note.objects.aggregate(Sum("opens")) == {"opens__sum": due}
    assert DailyVisits.objects.aggregate(Sum("visits")) == {"visits__sum": due}
    assert PixelAttachment.objects.count() == due


def test_goes_on_no_more_when_told_to_stop(due: int) -> None:
    done: list[ProcessingResult] = []

    parallel.process_in_parallel(should_continue=lambda: False, on_batch=done.append)

    assert [batch.claimed for batch in done] == [processing.BATCH_SIZE]


def test_what_ends_one_hand_ends_the_other(due: int) -> None:
    def fail(batch: ProcessingResult) -> None:
        if due_now() < due - processing.BATCH_SIZE:
            raise DataError

    with pytest.raises(DataError):
        parallel.process_in_parallel(should_continue=lambda: True, on_batch=fail)

    assert due_now() > 0


def due_now() -> int:
    return Visit.objects.filter(due_at__isnull=False).count()
