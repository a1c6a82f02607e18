"""The life of an import: begun, waiting for a word, ended; and what it is made of.

How its rows are checked and stored, batch by batch, is in `import_batches`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop

from shortlinks.domain.imports import contact_import, spreadsheets, user_import
from shortlinks.domain.imports.checked_rows import CheckedRow, StoredRows
from shortlinks.domain.imports.spreadsheets import ParsedRow
from shortlinks.models import (
    Import,
    ImportFile,
    ImportKind,
    ImportRow,
    ImportState,
    User,
)

# As long as a task may take: a lease that is over belongs to nobody any more.
LEASE = timedelta(seconds=60)
NO_DELAY = timedelta(0)
CONFIRMATION_TIMEOUT = timedelta(days=7)
ERROR_RETENTION = timedelta(days=30)

NO_ROWS = gettext_noop("There are no rows below the head.")
ZERO_COUNTS = {"processed": 0, "created": 0, "changed": 0, "skipped": 0}


@dataclass(frozen=True, slots=True)
class ImportSpec:
    """How rows are read, checked and stored; the last two within a transaction."""

    headers: Mapping[str, str]
    missing_header_message: str
    duplicate_message: str
    check: Callable[[Iterable[ParsedRow], User], Sequence[CheckedRow]]
    store: Callable[[Sequence[Any], User], StoredRows]


SPECS: Mapping[str, ImportSpec] = {
    ImportKind.CONTACTS: ImportSpec(
        headers=contact_import.HEADERS,
        missing_header_message=contact_import.HEADER_MISSING,
        duplicate_message=contact_import.DUPLICATE,
        check=contact_import.check,
        store=contact_import.store,
    ),
    ImportKind.USERS: ImportSpec(
        headers=user_import.HEADERS,
        missing_header_message=user_import.HEADER_MISSING,
        duplicate_message=user_import.DUPLICATE,
        check=user_import.check,
        store=user_import.store,
    ),
}


@dataclass(frozen=True, slots=True)
class Upload:
    user: User
    kind: str
    name: str
    content: bytes
    # By the operator's command, which goes on with it by itself.
    started_by_cli: bool = False


@transaction.atomic
def start(upload: Upload) -> Import:
    """Keep the table, to be checked; NoTable or NoHead if that is plainly in vain."""
    total = spreadsheets.count_rows(upload.content, SPECS[upload.kind].headers)
    if total == 0:
        raise spreadsheets.UnreadableFile(NO_ROWS)
    run = Import.objects.create(
        account_id=upload.user.account_id or 0,
        user=upload.user,
        kind=upload.kind,
        name=upload.name[-250:],
        total=total,
        started_by_cli=upload.started_by_cli,
        due_at=timezone.now() + (LEASE if upload.started_by_cli else NO_DELAY),
    )
    ImportFile.objects.create(import_run=run, content=upload.content)
    return run


def confirm(run: Import, *, by: User, due_in: timedelta = NO_DELAY) -> bool:
    """Let the rows be stored; whether it waited for the word of this user."""
    now = timezone.now()
    waiting = Import.objects.filter(pk=run.pk, state=ImportState.CHECKED, user=by)
    said = waiting.update(
        state=ImportState.STORING,
        due_at=now + due_in,
        confirmed_at=now,
        **ZERO_COUNTS,
    )
    return bool(said)


@transaction.atomic
def cancel(run: Import) -> bool:
    """Store no more of it; whether there was something left to store.

    A batch that is just being stored is waited for, and counts.
    """
    rows = Import.objects.select_for_update(no_key=True).filter(ended_at=None)
    row = rows.filter(pk=run.pk).first()
    if row is None:
        return False
    if row.state != ImportState.STORING:
        reset_counts(row)
    finish(row, ImportState.CANCELLED)
    row.save()
    return True


def reset_counts(row: Import) -> None:
    """What was checked, and is not to be stored, is no part of what was done."""
    for name, nothing in ZERO_COUNTS.items():
        setattr(row, name, nothing)
    row.rows.all().delete()


def finish(row: Import, state: ImportState, error: str = "") -> None:
    """Keep of it the faulty rows alone, and tell the audit log; the caller saves it."""
    row.state, row.error = state, error
    row.due_at, row.ended_at = None, timezone.now()
    ImportFile.objects.filter(import_run=row).delete()
    row.rows.filter(errors=[]).delete()
    if row.user is not None:
        with translation.override(row.user.language):
            text = f"{gettext(state.label).capitalize()}: {summary(row)}"
            LogEntry.objects.log_actions(row.user.pk, [row], CHANGE, text)


def is_any_running() -> bool:
    """A worker; for a minute also one that was killed."""
    leased = Import.objects.filter(due_at__gt=timezone.now(), started_by_cli=False)
    return leased.exists()


def summary(row: Import) -> str:
    """In the language of who reads it."""
    text = gettext("created: %(created)d, changed: %(changed)d, left out: %(skipped)d.")
    counts = ("created", "changed", "skipped")
    return text % {name: getattr(row, name) for name in counts}


def purge() -> None:
    """Imports that nobody said a word to, and faults that nobody reads any more."""
    now = timezone.now()
    forgotten = {
        "state": ImportState.CHECKED,
        "created_at__lt": now - CONFIRMATION_TIMEOUT,
    }
    for run in Import.objects.filter(**forgotten):
        cancel(run)
    ImportRow.objects.filter(import_run__ended_at__lt=now - ERROR_RETENTION).delete()
