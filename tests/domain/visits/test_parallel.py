"""Two threads process a backlog, each visit once."""

import pytest
from django.db import DataError, connection
from django.db.models import Sum

from shortlinks.domain.visits import parallel, processing
from shortlinks.domain.visits.processing import ProcessingResult
from shortlinks.models import Account, DailyVisits, Note, PixelAttachment, Visit
from systemtests.benchmarks import databases
from tests import factories

BATCHES = 4


@pytest.fixture
def due(account: Account, transactional_db: None) -> int:
    """The number of due visits, to links with odd and even ids."""
    for _ in range(6):
        factories.link(factories.contact(account))
    count = BATCHES * processing.BATCH_SIZE
    connection.ensure_connection()
    databases.insert_due(connection.connection, count, links=6)
    return count


def test_two_threads_process_each_visit_once(due: int) -> None:
    done: list[ProcessingResult] = []

    parallel.process_in_parallel(should_continue=lambda: True, on_batch=done.append)

    assert sum(batch.claimed for batch in done) == due
    assert not Visit.objects.filter(due_at__isnull=False).exists()
    assert Note.objects.aggregate(Sum("opens")) == {"opens__sum": due}
    assert DailyVisits.objects.aggregate(Sum("visits")) == {"visits__sum": due}
    assert PixelAttachment.objects.count() == due


def test_processing_stops_after_the_first_batch_if_it_should_not_continue(
    due: int,
) -> None:
    done: list[ProcessingResult] = []

    parallel.process_in_parallel(should_continue=lambda: False, on_batch=done.append)

    assert [batch.claimed for batch in done] == [processing.BATCH_SIZE]


def test_error_in_one_thread_ends_both(due: int) -> None:
    def fail(batch: ProcessingResult) -> None:
        if due_now() < due - processing.BATCH_SIZE:
            raise DataError

    with pytest.raises(DataError):
        parallel.process_in_parallel(should_continue=lambda: True, on_batch=fail)

    assert due_now() > 0


def due_now() -> int:
    return Visit.objects.filter(due_at__isnull=False).count()
