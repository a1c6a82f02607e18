"""The life cycle of an import: started, confirmed, canceled, finished.

`batches` checks and stores its rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop

from shortlinks.domain import quotas
from shortlinks.domain.imports import contact_import, spreadsheets, user_import
from shortlinks.domain.imports.checked_rows import CheckedRow, StoredRows
from shortlinks.domain.imports.file_errors import UnreadableFile
from shortlinks.domain.imports.spreadsheets import FindColumns, ParsedRow
from shortlinks.domain.quotas import Quota, QuotaReached
from shortlinks.models import (
    Account,
    Import,
    ImportFile,
    ImportKind,
    ImportRow,
    ImportState,
    User,
)

# The time limit of a task, so that an expired lease belongs to nobody.
LEASE = timedelta(seconds=60)
NO_DELAY = timedelta(0)
CONFIRMATION_TIMEOUT = timedelta(days=7)
ERROR_RETENTION = timedelta(days=30)

NO_ROWS = gettext_noop("There are no rows below the column names. Add at least one.")
ZERO_COUNTS = {
    "processed": 0,
    "created": 0,
    "changed": 0,
    "unchanged": 0,
    "skipped": 0,
}


@dataclass(frozen=True, slots=True)
class ImportSpec:
    """A kind of import. `check` and `store` run within one transaction."""

    columns: Sequence[str]
    find_columns: FindColumns
    missing_header_message: str
    duplicate_message: str
    check: Callable[[Iterable[ParsedRow], User], Sequence[CheckedRow]]
    store: Callable[[Sequence[Any], User], StoredRows]


SPECS: Mapping[str, ImportSpec] = {
    ImportKind.CONTACTS: ImportSpec(
        columns=tuple(dict.fromkeys(contact_import.HEADERS.values())),
        find_columns=contact_import.find_columns,
        missing_header_message=contact_import.HEADER_MISSING,
        duplicate_message=contact_import.DUPLICATE,
        check=contact_import.check,
        store=contact_import.store,
    ),
    ImportKind.USERS: ImportSpec(
        columns=tuple(dict.fromkeys(user_import.HEADERS.values())),
        find_columns=user_import.find_columns,
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
    # The command processes the import itself, instead of the worker.
    started_by_cli: bool = False


@transaction.atomic
def start(upload: Upload) -> Import:
    """Store the file to be checked.

    Raises UnreadableFile, MissingHeader or, unless a command runs it, QuotaReached.
    """
    total = spreadsheets.count_rows(upload.content, SPECS[upload.kind].find_columns)
    if total == 0:
        raise UnreadableFile(NO_ROWS)
    if not upload.started_by_cli:
        _check_quota(upload.user.account_id or 0)
    import_ = Import.objects.create(
        account_id=upload.user.account_id or 0,
        user=upload.user,
        kind=upload.kind,
        name=upload.name[-250:],
        total=total,
        started_by_cli=upload.started_by_cli,
        due_at=timezone.now() + (LEASE if upload.started_by_cli else NO_DELAY),
        is_leased=upload.started_by_cli,
    )
    ImportFile.objects.create(import_run=import_, content=upload.content)
    return import_


def _check_quota(account_id: int) -> None:
    """Raise QuotaReached, also for concurrent uploads, which wait for each other."""
    Account.objects.select_for_update(no_key=True).get(pk=account_id)
    unfinished = Import.objects.filter(account=account_id, ended_at=None).count()
    if quotas.is_reached(Quota.IMPORTS, unfinished):
        raise QuotaReached(Quota.IMPORTS)


def confirm(import_: Import, *, by: User, due_in: timedelta = NO_DELAY) -> bool:
    """Let the rows be stored; return False unless the import waited for this user."""
    now = timezone.now()
    waiting = Import.objects.filter(pk=import_.pk, state=ImportState.CHECKED, user=by)
    count = waiting.update(
        state=ImportState.STORING,
        due_at=now + due_in,
        is_leased=due_in > NO_DELAY,
        confirmed_at=now,
        **ZERO_COUNTS,
    )
    return bool(count)


def cancel(import_: Import) -> bool:
    """Stop the import after the current batch; return False if it had ended."""
    return _cancel(Import.objects.filter(pk=import_.pk))


@transaction.atomic
def _cancel(chosen: "QuerySet[Import]") -> bool:
    import_ = chosen.filter(ended_at=None).select_for_update(no_key=True).first()
    if import_ is None:
        return False
    if import_.state != ImportState.STORING:
        reset_counts(import_)
    finish(import_, ImportState.CANCELLED)
    import_.save()
    return True


def reset_counts(import_: Import) -> None:
    """Discard the results of checking."""
    for name, zero in ZERO_COUNTS.items():
        setattr(import_, name, zero)
    import_.rows.all().delete()


def finish(import_: Import, state: ImportState, error: str = "") -> None:
    """End the import, keep rows with errors, and log it. The caller saves it."""
    import_.state, import_.error = state, error
    import_.due_at, import_.is_leased, import_.ended_at = None, False, timezone.now()
    ImportFile.objects.filter(import_run=import_).delete()
    import_.rows.filter(errors=[]).delete()
    if import_.user is not None:
        with translation.override(import_.user.language):
            text = f"{str(state.label).capitalize()}: {summary(import_)}"
            LogEntry.objects.log_actions(import_.user.pk, [import_], CHANGE, text)


def is_any_running() -> bool:
    """Return whether a worker has an import, or was killed within the last minute."""
    leased = Import.objects.filter(is_leased=True, due_at__gt=timezone.now())
    return leased.filter(started_by_cli=False).exists()


def summary(import_: Import) -> str:
    """Return the counts in the current language."""
    text = gettext(
        "new: %(created)d, updated: %(changed)d, unchanged: %(unchanged)d,"
        " skipped: %(skipped)d."
    )
    counts = ("created", "changed", "unchanged", "skipped")
    return text % {name: getattr(import_, name) for name in counts}


def purge() -> None:
    """Cancel imports that nobody confirmed, and delete old errors."""
    now = timezone.now()
    checked = Import.objects.filter(state=ImportState.CHECKED)
    old = checked.filter(created_at__lt=now - CONFIRMATION_TIMEOUT)
    for pk in list(old.values_list("pk", flat=True)):
        _cancel(checked.filter(pk=pk))  # unless it was confirmed meanwhile
    ImportRow.objects.filter(import_run__ended_at__lt=now - ERROR_RETENTION).delete()
