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
# Somebody else may change the records while rows are stored.
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
    because the worker sends webhooks too. A failed one waits, and the others go on.
    """
    import_ = _claim()
    if import_ is None:
        return False
    current = import_
    try:
        for current in batches(import_):
            if not should_continue():
                _release(current, timezone.now())
                break
    except LeaseLost:
        pass
    except Exception:  # of any kind: this import waits, and holds up no other
        logger.exception("import %d failed, attempt %d", import_.pk, import_.attempts)
        _release(current, timezone.now() + RETRY_DELAY)
    return True


def batches(import_: Import) -> Iterator[Import]:
    """Yield the import after each batch, until it waits for confirmation or ends.

    Raises LeaseLost. The import must be leased, by `_claim`, `lifecycle.start` or
    `confirm`.
    """
    if import_.state == ImportState.CHECKING:
        yield from _check_all(import_)
    while import_.state == ImportState.STORING:
        import_ = _run_batch(import_, _store)
        yield import_


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
        chosen = locked.order_by(served, "due_at").first()
        if chosen is None:
            return None
        if chosen.attempts < MAX_ATTEMPTS:
            chosen.attempts += 1
            chosen.due_at, chosen.is_leased, chosen.claimed_at = now + LEASE, True, now
        else:
            _fail(chosen, TOO_MANY_ATTEMPTS)
        chosen.save()
    return chosen


def _release(import_: Import, due_at: datetime) -> None:
    """Let another import run, and make this one due again."""
    if import_.is_in_progress:
        leased = Import.objects.filter(pk=import_.pk, due_at=import_.due_at)
        leased.update(due_at=due_at, is_leased=False)


def _run_batch(import_: Import, work: Callable[[Import, User], None]) -> Import:
    """Run one batch, if the lease is ours and its user is still allowed to import."""
    with transaction.atomic():
        rows = Import.objects.select_related("user__account", "account")
        locked = rows.select_for_update(of=("self",), no_key=True)
        current = locked.filter(pk=import_.pk, due_at=import_.due_at).first()
        if current is None or current.due_at is None:
            raise LeaseLost
        user = _authorized_user(current)
        if user is None:
            _fail(current, NOT_ALLOWED)
        else:
            work(current, user)
        current.attempts = 0
        if current.is_in_progress:
            current.due_at = timezone.now() + LEASE
        current.save()
    return current


def _authorized_user(import_: Import) -> User | None:
    """Return the user who started the import, if they are still allowed to."""
    user = import_.user
    if user is None or not user.is_active or user.account_id != import_.account_id:
        return None
    is_allowed = user.is_admin or user.is_superuser or import_.started_by_cli
    return user if is_allowed and import_.account.is_active else None


def _fail(import_: Import, error: str) -> None:
    if import_.state == ImportState.CHECKING:
        lifecycle.reset_counts(import_)
    lifecycle.finish(import_, ImportState.FAILED, error)


# --- checking --------------------------------------------------------------------


def _check_all(import_: Import) -> Iterator[Import]:
    spec = SPECS[import_.kind]
    file = ImportFile.objects.filter(import_run=import_).first()
    if file is None:
        raise LeaseLost  # it was just canceled
    try:
        table = spreadsheets.parse(bytes(file.content), spec.find_columns)
        rest = islice(table.rows, import_.processed, None)
        while import_.is_in_progress and (rows := list(islice(rest, BATCH_SIZE))):
            import_ = _run_batch(import_, partial(_check, rows=rows))
            yield import_
        if import_.is_in_progress:
            yield _run_batch(import_, partial(_finish_checking, table=table))
    except UnreadableFile as error:
        message = str(error)
        yield _run_batch(import_, lambda import_, _user: _fail(import_, message))
    except MissingHeader:
        yield _run_batch(
            import_, lambda import_, _user: _fail(import_, spec.missing_header_message)
        )


def _check(import_: Import, user: User, rows: Sequence[ParsedRow]) -> None:
    def check(part: Sequence[ParsedRow]) -> Sequence[CheckedRow]:
        lines = SPECS[import_.kind].check(part, user)
        ImportRow.objects.bulk_create(_import_row(import_, line) for line in lines)
        return lines

    def reject(parsed: ParsedRow, _error: Exception) -> Sequence[CheckedRow]:
        # Its cells are not stored, because the database may reject them, too.
        line = CheckedRow(parsed.number, {}, errors=[REJECTED])
        _import_row(import_, line).save()
        return [line]

    lines = [line for part in _in_parts(rows, check, reject) for line in part]
    good = [line for line in lines if not line.errors]
    unchanged = sum(line.is_unchanged for line in good)
    existing = sum(bool(line.existing_version) for line in good)
    import_.created += len(good) - existing
    import_.changed += existing - unchanged
    import_.unchanged += unchanged
    import_.skipped += len(lines) - len(good)
    import_.processed += len(lines)


def _import_row(import_: Import, line: CheckedRow) -> ImportRow:
    return ImportRow(
        import_run=import_,
        number=line.number,
        cells=line.cells,
        key=line.key,
        existing_version=line.existing_version,
        is_unchanged=line.is_unchanged,
        errors=line.errors,
    )


def _finish_checking(import_: Import, _user: User, table: ParsedTable) -> None:
    """Mark duplicates, which only the whole table shows, and count the rows."""
    if not import_.processed:
        _fail(import_, lifecycle.NO_ROWS)
        return
    _mark_duplicates(import_)
    good = import_.rows.filter(errors=[])
    existing = good.exclude(existing_version="").count()
    import_.total = import_.processed
    import_.skipped = import_.processed - good.count()
    import_.unchanged = good.filter(is_unchanged=True).count()
    import_.changed = existing - import_.unchanged
    import_.created = import_.processed - import_.skipped - existing
    import_.ignored_columns = list(table.ignored_columns)
    import_.ignored_sheets = list(table.ignored_sheets)
    ImportFile.objects.filter(import_run=import_).delete()
    import_.state, import_.due_at, import_.is_leased = ImportState.CHECKED, None, False


def _mark_duplicates(import_: Import) -> None:
    keys = import_.rows.exclude(key="").values("key").annotate(count=Count("key"))
    # Two statements: a join takes minutes before the table has been analyzed.
    duplicates = list(keys.filter(count__gt=1).values_list("key", flat=True))
    message = Value(SPECS[import_.kind].duplicate_message, output_field=TextField())
    import_.rows.filter(key__in=duplicates).update(
        errors=Func(F("errors"), message, function="array_append")
    )


# --- storing ---------------------------------------------------------------------


def _store(import_: Import, user: User) -> None:
    """Check the next rows again, and store those that nobody has changed since."""
    rows = list(
        import_.rows.order_by(ROWS_WITHOUT_KEY_LAST, "number")[
            import_.processed : import_.processed + BATCH_SIZE
        ]
    )
    lines = _recheck(import_, user, rows)
    good = [line for line in lines if not line.errors]
    changing = [line for line in good if not line.is_unchanged]
    stored = _store_in_parts(SPECS[import_.kind], changing, user)
    _save_errors(rows, lines)
    _log_actions(stored, user, import_.name)
    import_.created += len(stored.created)
    import_.changed += len(stored.changed)
    import_.unchanged += len(good) - len(changing)
    import_.processed += len(rows)
    import_.skipped = (
        import_.processed - import_.created - import_.changed - import_.unchanged
    )
    if len(rows) < BATCH_SIZE or import_.processed == import_.total:
        lifecycle.finish(import_, ImportState.FINISHED)


def _recheck(
    import_: Import, user: User, rows: Sequence[ImportRow]
) -> list[CheckedRow]:
    """Check the rows that had no errors again, and return them with new errors."""

    def reject(parsed: ParsedRow, _error: Exception) -> Sequence[CheckedRow]:
        return [CheckedRow(parsed.number, parsed.cells, errors=[REJECTED])]

    versions = {each.number: each.existing_version for each in rows}
    parsed = [ParsedRow(each.number, each.cells) for each in rows if not each.errors]
    parts = _in_parts(
        parsed, lambda part: SPECS[import_.kind].check(part, user), reject
    )
    lines = [line for part in parts for line in part]
    for line in lines:
        if not line.errors and line.existing_version != versions[line.number]:
            line.errors.append(CHANGED)
    return lines


def _store_in_parts(
    spec: ImportSpec, lines: Sequence[CheckedRow], user: User
) -> StoredRows:
    """Store the rows; those that cannot be stored get an error."""

    def reject(line: CheckedRow, error: Exception) -> StoredRows:
        line.errors.append(CHANGED if _is_conflict(error) else REJECTED)
        return StoredRows([], [])

    parts = list(_in_parts(lines, lambda part: spec.store(part, user), reject))
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
