"""Rows of imports are checked and then stored in batches, each of them once (ADR 29).

A batch is one transaction with the count of what is done, so whoever goes on after a
crash begins where it stopped. One at a time has an import, by a lease that each batch
renews; who finds it gone, after a pause or a word of cancelling, leaves off.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db import IntegrityError, connection, transaction
from django.db.models import BooleanField, Count, ExpressionWrapper, Q
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop

from shortlinks.domain.contacts import contacts
from shortlinks.domain.imports import lifecycle, spreadsheets
from shortlinks.domain.imports.checked_rows import CHANGED, CheckedRow, StoredRows
from shortlinks.domain.imports.lifecycle import LEASE, SPECS
from shortlinks.domain.imports.spreadsheets import ParsedRow
from shortlinks.models import Import, ImportFile, ImportRow, ImportState, User

BATCH_SIZE = 500
MAX_ATTEMPTS = 5  # in a row that committed no batch
MAX_CONFLICT_RETRIES = 3

NOT_ALLOWED = gettext_noop("Who began this may not import any more.")
TOO_MANY_ATTEMPTS = gettext_noop("It failed several times; the service's log says why.")
# What is there already may change while it is written: then it is looked at again.
CONFLICT_ERRORS = (
    *(contacts.DuplicateIds, contacts.EditForbidden, contacts.UnknownContacts),
    *(contacts.UnknownUsers, IntegrityError),
)
# Else the id that a row is given might be another's further down.
ROWS_WITHOUT_KEY_LAST = ExpressionWrapper(Q(key=""), BooleanField())
# Apart from the look for the keys: joined, it takes minutes where the planner does not
# know yet how many rows there are.
MARK_DUPLICATES = """
UPDATE shortlinks_importrow SET errors = errors || %s::text
WHERE import_run_id = %s AND key = ANY(%s)
"""


class LeaseLost(Exception):
    """Somebody else goes on with the import, or nobody is to."""


def run_next(goes_on: Callable[[], bool]) -> bool:
    """Go on with the import that has waited longest; whether there was one.

    One at a time: the worker has others' webhooks to send, too.
    """
    run = _claim()
    if run is None:
        return False
    try:
        for now in batches(run):
            if not goes_on():
                _release(now)
                break
    except LeaseLost:
        pass
    return True


def batches(run: Import) -> Iterator[Import]:
    """The import as it stands after each batch, until it waits for a word or ends.

    Raises LeaseLost. `run` must be leased, as `begin` and `confirm` can do it.
    """
    if run.state == ImportState.CHECKING:
        yield from _check_all(run)
    while run.state == ImportState.STORING:
        run = _store_all(run)
        yield run


def _claim() -> Import | None:
    now = timezone.now()
    if lifecycle.is_any_running():
        return None
    with transaction.atomic():
        waiting = Import.objects.filter(due_at__lte=now).order_by("due_at")
        run = waiting.select_for_update(no_key=True, skip_locked=True).first()
        if run is None:
            return None
        if run.attempts < MAX_ATTEMPTS:
            run.attempts += 1
            run.due_at = now + LEASE
        else:
            _fail(run, TOO_MANY_ATTEMPTS)
        run.save()
    return run


def _release(run: Import) -> None:
    """For others first, if they wait."""
    if run.is_in_progress:
        leased = Import.objects.filter(pk=run.pk, due_at=run.due_at)
        leased.update(due_at=timezone.now())


def _run_batch(run: Import, work: Callable[[Import, User], None]) -> Import:
    """One batch, if it is still ours, and who began it still may."""
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
    """Who began it: active, of this account, and its administrator."""
    user = row.user
    if user is None or not user.is_active or user.account_id != row.account_id:
        return None
    is_allowed = user.is_admin or user.is_superuser or row.started_by_cli
    return user if is_allowed and row.account.is_active else None


def _fail(row: Import, error: str) -> None:
    if row.state == ImportState.CHECKING:
        lifecycle.reset_counts(row)
    lifecycle.finish(row, ImportState.FAILED, error)


# --- the file is read and checked ------------------------------------------------


def _check_all(run: Import) -> Iterator[Import]:
    kind = SPECS[run.kind]
    file = ImportFile.objects.filter(import_run=run).first()
    if file is None:
        raise LeaseLost  # cancelled just now
    try:
        given = spreadsheets.parse_rows(
            spreadsheets.read(bytes(file.content)), kind.headers
        )
        rest = islice(given, run.processed, None)
        while run.is_in_progress and (rows := list(islice(rest, BATCH_SIZE))):
            run = _run_batch(run, partial(_check, rows=rows))
            yield run
        if run.is_in_progress:
            yield _run_batch(run, _finish_checking)
    except spreadsheets.UnreadableFile as error:
        why = str(error)
        yield _run_batch(run, lambda row, _user: _fail(row, why))
    except spreadsheets.MissingHeader:
        yield _run_batch(
            run, lambda row, _user: _fail(row, kind.missing_header_message)
        )


def _check(row: Import, user: User, rows: Sequence[ParsedRow]) -> None:
    lines = SPECS[row.kind].check(rows, user)
    ImportRow.objects.bulk_create(
        ImportRow(
            import_run=row,
            number=line.number,
            cells=line.cells,
            key=line.key,
            existing_version=line.existing_version,
            errors=line.errors,
        )
        for line in lines
    )
    good = [line for line in lines if not line.errors]
    known = sum(bool(line.existing_version) for line in good)
    _count(row, len(good) - known, known, len(lines) - len(good))


def _finish_checking(row: Import, _user: User) -> None:
    """What only the whole table tells."""
    if not row.processed:
        _fail(row, lifecycle.NO_ROWS)
        return
    _mark_duplicates(row)
    good = row.rows.filter(errors=[])
    row.total = row.processed
    row.skipped = row.processed - good.count()
    row.changed = good.exclude(existing_version="").count()
    row.created = row.processed - row.skipped - row.changed
    ImportFile.objects.filter(import_run=row).delete()
    row.state, row.due_at = ImportState.CHECKED, None


def _mark_duplicates(row: Import) -> None:
    keys = row.rows.exclude(key="").values("key").annotate(count=Count("key"))
    twice = list(keys.filter(count__gt=1).values_list("key", flat=True))
    if twice:
        with connection.cursor() as cursor:
            fault = SPECS[row.kind].duplicate_message
            cursor.execute(MARK_DUPLICATES, [fault, row.pk, twice])


# --- and stored ------------------------------------------------------------------


def _store_all(run: Import) -> Import:
    for _ in range(MAX_CONFLICT_RETRIES - 1):
        try:
            return _run_batch(run, _store)
        except CONFLICT_ERRORS:
            continue
    return _run_batch(run, _store)


def _store(row: Import, user: User) -> None:
    """The next rows: checked once more, and those that are as they were stored."""
    rows = list(
        row.rows.order_by(ROWS_WITHOUT_KEY_LAST, "number")[
            row.processed : row.processed + BATCH_SIZE
        ]
    )
    good = {each.number: each for each in rows if not each.errors}
    kind = SPECS[row.kind]
    lines = kind.check([(each.number, each.cells) for each in good.values()], user)
    for line in lines:
        if line.existing_version != good[line.number].existing_version:
            line.errors.append(CHANGED)
    faulty = [line for line in lines if line.errors]
    stored = kind.store([line for line in lines if not line.errors], user)
    _save_errors(good, faulty)
    _log_action(stored, user, row.name)
    created, changed = len(stored.created), len(stored.changed)
    _count(row, created, changed, len(rows) - created - changed)
    if len(rows) < BATCH_SIZE or row.processed == row.total:
        lifecycle.finish(row, ImportState.FINISHED)


def _save_errors(good: dict[int, ImportRow], lines: Sequence[CheckedRow]) -> None:
    for line in lines:
        good[line.number].errors = line.errors
    ImportRow.objects.bulk_update([good[line.number] for line in lines], ["errors"])


def _log_action(stored: StoredRows, user: User, file: str) -> None:
    """In the history of each row of the database that was made or changed."""
    with translation.override(user.language):
        text = gettext("Imported from %(file)s.") % {"file": file}
    for made, flag in ((stored.created, ADDITION), (stored.changed, CHANGE)):
        LogEntry.objects.log_actions(user.pk, made, flag, text)


def _count(row: Import, created: int, changed: int, skipped: int) -> None:
    row.created += created
    row.changed += changed
    row.skipped += skipped
    row.processed += created + changed + skipped
