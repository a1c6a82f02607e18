"""Checking and storing the rows of an import in batches (docs/adr/0029).

A batch and the number of processed rows are committed together, so that an import
continues after a crash where it stopped. Each batch renews the lease of its worker. A
worker that has lost its lease, by a pause or because the import was canceled, stops.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypeVar

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db import DataError, IntegrityError, transaction
from django.db.models import (
    BooleanField,
    Count,
    ExpressionWrapper,
    F,
    Func,
    Max,
    OuterRef,
    Q,
    Subquery,
    TextField,
    Value,
)
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop
from psycopg.errors import UniqueViolation

from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.tracking_consent import RefusalStays
from shortlinks.domain.imports import lifecycle, spreadsheets
from shortlinks.domain.imports.checked_rows import CHANGED, CheckedRow, StoredRows
from shortlinks.domain.imports.file_errors import MissingHeader, UnreadableFile
from shortlinks.domain.imports.lifecycle import LEASE, SPECS, ImportSpec
from shortlinks.domain.imports.spreadsheets import ParsedRow, ParsedTable
from shortlinks.domain.postgres.bisection import Bisection
from shortlinks.domain.quotas import QuotaReached
from shortlinks.models import Import, ImportFile, ImportRow, ImportState, User

Row = TypeVar("Row")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

BATCH_SIZE = 500
MAX_ATTEMPTS = 5  # without a committed batch in between
RETRY_DELAY = LEASE

NOT_ALLOWED = gettext_noop("The user who started this import no longer has permission.")
TOO_MANY_ATTEMPTS = gettext_noop(
    "Several attempts failed. The log of the service has the reason."
)
REJECTED = gettext_noop(
    "The database does not accept this row. Check its values for unusual characters."
)
# Postgres or its driver rejects values. The rows of the batch are then tried in parts.
REJECTIONS = (DataError, IntegrityError, UnicodeError)
# Rows may change while they are stored.
CONFLICTS = (
    *(contacts.DuplicateIds, contacts.EditForbidden, contacts.UnknownContacts),
    *(contacts.ErasedIds, RefusalStays),
    *(contacts.UnknownUsers, QuotaReached),
)
# Otherwise a row could be assigned an id that a later row contains.
ROWS_WITHOUT_KEY_LAST = ExpressionWrapper(Q(key=""), BooleanField())


class LeaseLost(Exception):
    """Another worker has the import, or it was canceled."""


def run_next(should_continue: Callable[[], bool]) -> bool:
    """Continue the import whose turn it is; return False without one.

    Stops after a batch if `should_continue` returns False. Imports run one at a time,
    because the worker sends webhooks too. One that fails waits, and the others go on.
    """
    run = _claim()
    if run is None:
        return False
    current = run
    try:
        for current in batches(run):
            if not should_continue():
                _release(current, timezone.now())
                break
    except LeaseLost:
        pass
    except Exception:  # of any kind: this import waits, and holds up no other
        logger.exception("import %d failed, attempt %d", run.pk, run.attempts)
        _release(current, timezone.now() + RETRY_DELAY)
    return True


def batches(run: Import) -> Iterator[Import]:
    """Yield the import after each batch, until it waits for confirmation or ends.

    Raises LeaseLost. `run` must be leased, by `_claim`, `lifecycle.start` or `confirm`.
    """
    if run.state == ImportState.CHECKING:
        yield from _check_all(run)
    while run.state == ImportState.STORING:
        run = _run_batch(run, _store)
        yield run


def _claim() -> Import | None:
    """Lease the due import that waited longest, of the account served longest ago."""
    now = timezone.now()
    if lifecycle.is_any_running():
        return None
    of_account = Import.objects.filter(account=OuterRef("account")).order_by()
    latest = of_account.values("account").annotate(latest=Max("claimed_at"))
    served = F("served").asc(nulls_first=True)
    with transaction.atomic():
        due = Import.objects.filter(due_at__lte=now)
        waiting = due.alias(served=Subquery(latest.values("latest")))
        locked = waiting.select_for_update(no_key=True, skip_locked=True)
        run = locked.order_by(served, "due_at").first()
        if run is None:
            return None
        if run.attempts < MAX_ATTEMPTS:
            run.attempts += 1
            run.due_at, run.is_leased, run.claimed_at = now + LEASE, True, now
        else:
            _fail(run, TOO_MANY_ATTEMPTS)
        run.save()
    return run


def _release(run: Import, due_at: datetime) -> None:
    """Let another import run, and make this one due again."""
    if run.is_in_progress:
        leased = Import.objects.filter(pk=run.pk, due_at=run.due_at)
        leased.update(due_at=due_at, is_leased=False)


def _run_batch(run: Import, work: Callable[[Import, User], None]) -> Import:
    """Run one batch, if the lease is ours and its user is still allowed to import."""
    with transaction.atomic():
        rows = Import.objects.select_related("user__account", "account")
        locked = rows.select_for_update(of=("self",), no_key=True)
        row = locked.filter(pk=run.pk, due_at=run.due_at).first()
        if row is None or row.due_at is None:
            raise LeaseLost
        user = _authorized_user(row)
        if user is None:
            _fail(row, NOT_ALLOWED)
        else:
            work(row, user)
        row.attempts = 0
        if row.is_in_progress:
            row.due_at = timezone.now() + LEASE
        row.save()
    return row


def _authorized_user(row: Import) -> User | None:
    """Return the user who started the import, if they are still allowed to."""
    user = row.user
    if user is None or not user.is_active or user.account_id != row.account_id:
        return None
    is_allowed = user.is_admin or user.is_superuser or row.started_by_cli
    return user if is_allowed and row.account.is_active else None


def _fail(row: Import, error: str) -> None:
    if row.state == ImportState.CHECKING:
        lifecycle.reset_counts(row)
    lifecycle.finish(row, ImportState.FAILED, error)


# --- checking --------------------------------------------------------------------


def _check_all(run: Import) -> Iterator[Import]:
    kind = SPECS[run.kind]
    file = ImportFile.objects.filter(import_run=run).first()
    if file is None:
        raise LeaseLost  # it was just canceled
    try:
        table = spreadsheets.parse(bytes(file.content), kind.find_columns)
        rest = islice(table.rows, run.processed, None)
        while run.is_in_progress and (rows := list(islice(rest, BATCH_SIZE))):
            run = _run_batch(run, partial(_check, rows=rows))
            yield run
        if run.is_in_progress:
            yield _run_batch(run, partial(_finish_checking, table=table))
    except UnreadableFile as error:
        message = str(error)
        yield _run_batch(run, lambda row, _user: _fail(row, message))
    except MissingHeader:
        yield _run_batch(
            run, lambda row, _user: _fail(row, kind.missing_header_message)
        )


def _check(row: Import, user: User, rows: Sequence[ParsedRow]) -> None:
    def check(part: Sequence[ParsedRow]) -> Sequence[CheckedRow]:
        lines = SPECS[row.kind].check(part, user)
        ImportRow.objects.bulk_create(_import_row(row, line) for line in lines)
        return lines

    def reject(parsed: ParsedRow, _error: Exception) -> Sequence[CheckedRow]:
        # Without its cells: the database may reject these, too.
        line = CheckedRow(parsed.number, {}, errors=[REJECTED])
        _import_row(row, line).save()
        return [line]

    lines = [line for part in _in_parts(rows, check, reject) for line in part]
    good = [line for line in lines if not line.errors]
    unchanged = sum(line.is_unchanged for line in good)
    existing = sum(bool(line.existing_version) for line in good)
    row.created += len(good) - existing
    row.changed += existing - unchanged
    row.unchanged += unchanged
    row.skipped += len(lines) - len(good)
    row.processed += len(lines)


def _import_row(row: Import, line: CheckedRow) -> ImportRow:
    return ImportRow(
        import_run=row,
        number=line.number,
        cells=line.cells,
        key=line.key,
        existing_version=line.existing_version,
        is_unchanged=line.is_unchanged,
        errors=line.errors,
    )


def _finish_checking(row: Import, _user: User, table: ParsedTable) -> None:
    """Mark duplicates, which only the whole table shows, and count the rows."""
    if not row.processed:
        _fail(row, lifecycle.NO_ROWS)
        return
    _mark_duplicates(row)
    good = row.rows.filter(errors=[])
    existing = good.exclude(existing_version="").count()
    row.total = row.processed
    row.skipped = row.processed - good.count()
    row.unchanged = good.filter(is_unchanged=True).count()
    row.changed = existing - row.unchanged
    row.created = row.processed - row.skipped - existing
    row.ignored_columns = list(table.ignored_columns)
    row.ignored_sheets = list(table.ignored_sheets)
    ImportFile.objects.filter(import_run=row).delete()
    row.state, row.due_at, row.is_leased = ImportState.CHECKED, None, False


def _mark_duplicates(row: Import) -> None:
    keys = row.rows.exclude(key="").values("key").annotate(count=Count("key"))
    # Two statements: a join takes minutes before the table has been analyzed.
    duplicates = list(keys.filter(count__gt=1).values_list("key", flat=True))
    message = Value(SPECS[row.kind].duplicate_message, output_field=TextField())
    row.rows.filter(key__in=duplicates).update(
        errors=Func(F("errors"), message, function="array_append")
    )


# --- storing ---------------------------------------------------------------------


def _store(row: Import, user: User) -> None:
    """Check the next rows again, and store those that nobody has changed since."""
    rows = list(
        row.rows.order_by(ROWS_WITHOUT_KEY_LAST, "number")[
            row.processed : row.processed + BATCH_SIZE
        ]
    )
    lines = _recheck(row, user, rows)
    good = [line for line in lines if not line.errors]
    changing = [line for line in good if not line.is_unchanged]
    stored = _store_in_parts(SPECS[row.kind], changing, user)
    _save_errors(rows, lines)
    _log_actions(stored, user, row.name)
    row.created += len(stored.created)
    row.changed += len(stored.changed)
    row.unchanged += len(good) - len(changing)
    row.processed += len(rows)
    row.skipped = row.processed - row.created - row.changed - row.unchanged
    if len(rows) < BATCH_SIZE or row.processed == row.total:
        lifecycle.finish(row, ImportState.FINISHED)


def _recheck(row: Import, user: User, rows: Sequence[ImportRow]) -> list[CheckedRow]:
    """Return the rows without errors as they are now, with new errors."""

    def reject(parsed: ParsedRow, _error: Exception) -> Sequence[CheckedRow]:
        return [CheckedRow(parsed.number, parsed.cells, errors=[REJECTED])]

    versions = {each.number: each.existing_version for each in rows}
    parsed = [ParsedRow(each.number, each.cells) for each in rows if not each.errors]
    parts = _in_parts(parsed, lambda part: SPECS[row.kind].check(part, user), reject)
    lines = [line for part in parts for line in part]
    for line in lines:
        if not line.errors and line.existing_version != versions[line.number]:
            line.errors.append(CHANGED)
    return lines


def _store_in_parts(
    kind: ImportSpec, lines: Sequence[CheckedRow], user: User
) -> StoredRows:
    """Store the rows; those that cannot be stored get an error."""

    def reject(line: CheckedRow, error: Exception) -> StoredRows:
        line.errors.append(CHANGED if _is_conflict(error) else REJECTED)
        return StoredRows([], [])

    parts = list(_in_parts(lines, lambda part: kind.store(part, user), reject))
    return StoredRows(
        created=[each for part in parts for each in part.created],
        changed=[each for part in parts for each in part.changed],
    )


def _in_parts(
    rows: Sequence[Row],
    work: Callable[[Sequence[Row]], Result],
    reject: Callable[[Row, Exception], Result],
) -> Iterator[Result]:
    """Work on all rows at once, and on ever smaller parts if that is not possible."""
    parts = Bisection(rows)
    for part in parts:
        try:
            with transaction.atomic():
                result = work(part)
        except (*REJECTIONS, *CONFLICTS) as error:
            if parts.split(part):
                continue
            result = reject(part[0], error)
        yield result


def _is_conflict(error: Exception) -> bool:
    """Return whether the row was valid until somebody else changed a record."""
    return isinstance(error, CONFLICTS) or isinstance(error.__cause__, UniqueViolation)


def _save_errors(rows: Sequence[ImportRow], lines: Sequence[CheckedRow]) -> None:
    by_number = {each.number: each for each in rows}
    faulty = [line for line in lines if line.errors]
    for line in faulty:
        by_number[line.number].errors = line.errors
        by_number[line.number].cells = line.cells  # empty if the person was erased
    ImportRow.objects.bulk_update(
        [by_number[line.number] for line in faulty], ["errors", "cells"]
    )


def _log_actions(stored: StoredRows, user: User, file: str) -> None:
    """Add an entry to the history of each created or changed row."""
    with translation.override(user.language):
        text = gettext("Imported from %(file)s.") % {"file": file}
    for rows, flag in ((stored.created, ADDITION), (stored.changed, CHANGE)):
        LogEntry.objects.log_actions(user.pk, rows, flag, text)
