from pathlib import Path

import pytest
from django.utils import timezone

from shortlinks.domain.imports import lifecycle
from shortlinks.models import Contact, Import, ImportState, User
from tests import factories, importing, services

ROWS = 5_000
CONTENT = importing.table(["id", "name"], *([n, f"N {n}"] for n in range(1, ROWS + 1)))


@pytest.fixture
def uploader(transactional_db: None) -> User:
    return factories.admin(factories.account())


def _wait_for(run: Import, state: ImportState, rows: int) -> None:
    def is_past() -> bool:
        run.refresh_from_db()
        return run.state == state and run.processed >= rows

    services.wait_for(is_past)


def _kill_a_worker(run: Import, directory: Path, state: ImportState) -> None:
    """Kill a worker during the import, and end its lease."""
    with services.webhooks(directory) as dying:
        _wait_for(run, state, 500)
        dying.kill()
    leased = Import.objects.filter(pk=run.pk, due_at__isnull=False)
    assert leased.update(due_at=timezone.now())


def test_import_continues_after_its_worker_was_killed(
    uploader: User, tmp_path: Path
) -> None:
    run = importing.start(uploader, CONTENT)

    with services.beat(tmp_path):
        _kill_a_worker(run, tmp_path, ImportState.CHECKING)
        with services.webhooks(tmp_path):
            _wait_for(run, ImportState.CHECKED, ROWS)
        lifecycle.confirm(run, by=uploader)
        _kill_a_worker(run, tmp_path, ImportState.STORING)
        with services.webhooks(tmp_path):
            _wait_for(run, ImportState.FINISHED, ROWS)

    assert (run.created, run.changed, run.skipped) == (ROWS, 0, 0)
    assert Contact.objects.count() == ROWS
