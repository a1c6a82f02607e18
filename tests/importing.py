"""Steps for import tests, as the admin and a worker take them."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import xlsxwriter

from shortlinks.domain.imports import batches, lifecycle
from shortlinks.domain.imports.lifecycle import Upload
from shortlinks.models import Import, ImportKind, ImportState, User


def table(*rows: Sequence[object]) -> bytes:
    return "\n".join(";".join(map(str, row)) for row in rows).encode()


def workbook(*rows: Sequence[object]) -> bytes:
    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return file.getvalue()


def start(user: User, content: bytes, kind: str = ImportKind.CONTACTS) -> Import:
    return lifecycle.start(Upload(user, kind, "table.csv", content))


def run_all() -> None:
    """Run all due imports, as a worker does."""
    while batches.run_next(lambda: True):
        pass


def checked(user: User, content: bytes, kind: str = ImportKind.CONTACTS) -> Import:
    run = start(user, content, kind)
    run_all()
    run.refresh_from_db()
    return run


def confirmed(user: User, content: bytes, kind: str = ImportKind.CONTACTS) -> Import:
    run = checked(user, content, kind)
    assert lifecycle.confirm(run, by=user)
    run.refresh_from_db()
    return run


def imported(user: User, content: bytes, kind: str = ImportKind.CONTACTS) -> Import:
    run = confirmed(user, content, kind)
    run_all()
    run.refresh_from_db()
    assert run.state == ImportState.FINISHED, run.error
    return run


def counts(run: Import) -> tuple[int, int, int]:
    run.refresh_from_db()
    return run.created, run.changed, run.skipped


def errors(run: Import) -> dict[int, list[str]]:
    rows = run.rows.exclude(errors=[])
    found: list[tuple[Any, ...]] = list(rows.values_list("number", "errors"))
    return dict(found)
