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

from shortlinks.domain import contacts, imports, tables
from shortlinks.domain.import_lines import CHANGED, Line, Stored
from shortlinks.domain.imports import KINDS, LEASE
from shortlinks.domain.tables import Given
from shortlinks.models import Import, ImportFile, ImportRow, ImportState, User

ROWS = 500
MOST_ATTEMPTS = 5  # in a row that committed no batch
TRIES = 3

NOT_ALLOWED = gettext_noop("Who began this may not import any more.")
GAVE_UP = gettext_noop("It failed several times; the service's log says why.")
# What is there already may change while it is written: then it is looked at again.
CROSSED = (
    *(contacts.IdsTaken, contacts.MayNotEdit, contacts.UnknownContacts),
    *(contacts.UnknownUsers, IntegrityError),
)
# Else the id that a row is given might be another's further down.
NAMELESS_LAST = ExpressionWrapper(Q(key=""), BooleanField())
# Apart from the look for the keys: joined, it takes minutes where the planner does not
# know yet how many rows there are.
MARK_TWICE = """
UPDATE shortlinks_importrow SET faults = faults || %s::text
WHERE within_id = %s AND key = ANY(%s)
"""


class LeaseLost(Exception):
    """Somebody else goes on with the import, or nobody is to."""


def go_on(goes_on: Callable[[], bool]) -> bool:
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
        yield from _checked(run)
    while run.state == ImportState.STORING:
        run = _stored(run)
        yield run


def _claim() -> Import | None:
    now = timezone.now()
    if imports.somebody_is_at_one():
        return None
    with transaction.atomic():
        waiting = Import.objects.filter(due_at__lte=now).order_by("due_at")
        run = waiting.select_for_update(no_key=True, skip_locked=True).first()
        if run is None:
            return None
        if run.attempts < MOST_ATTEMPTS:
            run.attempts += 1
            run.due_at = now + LEASE
        else:
            _fail(run, GAVE_UP)
        run.save()
    return run


def _release(run: Import) -> None:
    """For others first, if they wait."""
    if run.is_under_way:
        leased = Import.objects.filter(pk=run.pk, due_at=run.due_at)
        leased.update(due_at=timezone.now())


def _turn(run: Import, work: Callable[[Import, User], None]) -> Import:
    """One batch, if it is still ours, and who began it still may."""
    with transaction.atomic():
        rows = Import.objects.select_related("user__account", "account")
        locked = rows.select_for_update(of=("self",), no_key=True)
        row = locked.filter(pk=run.pk, due_at=run.due_at).first()
        if row is None or row.due_at is None:
            raise LeaseLost
        user = _who_still_may(row)
        if user is None:
            _fail(row, NOT_ALLOWED)
        else:
            work(row, user)
        row.attempts = 0
        if row.is_under_way:
            row.due_at = timezone.now() + LEASE
        row.save()
    return row


def _who_still_may(row: Import) -> User | None:
    """Who began it: active, of this account, and its administrator."""
    user = row.user
    if user is None or not user.is_active or user.account_id != row.account_id:
        return None
    is_allowed = user.is_admin or user.is_superuser or row.by_command
    return user if is_allowed and row.account.is_active else None


def _fail(row: Import, error: str) -> None:
    if row.state == ImportState.CHECKING:
        imports.clear(row)
    imports.end(row, ImportState.FAILED, error)


# --- the file is read and checked ------------------------------------------------


def _checked(run: Import) -> Iterator[Import]:
    kind = KINDS[run.kind]
    file = ImportFile.objects.filter(within=run).first()
    if file is None:
        raise LeaseLost  # cancelled just now
    try:
        given = tables.named(tables.read(bytes(file.content)), kind.heads)
        rest = islice(given, run.done, None)
        while run.is_under_way and (rows := list(islice(rest, ROWS))):
            run = _turn(run, partial(_check, rows=rows))
            yield run
        if run.is_under_way:
            yield _turn(run, _conclude)
    except tables.NoTable as error:
        why = str(error)
        yield _turn(run, lambda row, _user: _fail(row, why))
    except tables.NoHead:
        yield _turn(run, lambda row, _user: _fail(row, kind.no_head))


def _check(row: Import, user: User, rows: Sequence[Given]) -> None:
    lines = KINDS[row.kind].check(rows, user)
    ImportRow.objects.bulk_create(
        ImportRow(
            within=row,
            number=line.number,
            given=line.given,
            key=line.key,
            seen=line.seen,
            faults=line.faults,
        )
        for line in lines
    )
    good = [line for line in lines if not line.faults]
    known = sum(bool(line.seen) for line in good)
    _count(row, len(good) - known, known, len(lines) - len(good))


def _conclude(row: Import, _user: User) -> None:
    """What only the whole table tells."""
    if not row.done:
        _fail(row, imports.NO_ROWS)
        return
    _mark_twice(row)
    good = row.rows.filter(faults=[])
    row.total = row.done
    row.left_out = row.done - good.count()
    row.changed = good.exclude(seen="").count()
    row.created = row.done - row.left_out - row.changed
    ImportFile.objects.filter(within=row).delete()
    row.state, row.due_at = ImportState.CHECKED, None


def _mark_twice(row: Import) -> None:
    keys = row.rows.exclude(key="").values("key").annotate(count=Count("key"))
    twice = list(keys.filter(count__gt=1).values_list("key", flat=True))
    if twice:
        with connection.cursor() as cursor:
            fault = KINDS[row.kind].twice
            cursor.execute(MARK_TWICE, [fault, row.pk, twice])


# --- and stored ------------------------------------------------------------------


def _stored(run: Import) -> Import:
    for _ in range(TRIES - 1):
        try:
            return _turn(run, _store)
        except CROSSED:
            continue
    return _turn(run, _store)


def _store(row: Import, user: User) -> None:
    """The next rows: checked once more, and those that are as they were stored."""
    rows = list(row.rows.order_by(NAMELESS_LAST, "number")[row.done : row.done + ROWS])
    good = {each.number: each for each in rows if not each.faults}
    kind = KINDS[row.kind]
    lines = kind.check([(each.number, each.given) for each in good.values()], user)
    for line in lines:
        if line.seen != good[line.number].seen:
            line.faults.append(CHANGED)
    faulty = [line for line in lines if line.faults]
    stored = kind.store([line for line in lines if not line.faults], user)
    _keep_faults(good, faulty)
    _write_down(stored, user, row.name)
    created, changed = len(stored.created), len(stored.changed)
    _count(row, created, changed, len(rows) - created - changed)
    if len(rows) < ROWS or row.done == row.total:
        imports.end(row, ImportState.FINISHED)


def _keep_faults(good: dict[int, ImportRow], lines: Sequence[Line]) -> None:
    for line in lines:
        good[line.number].faults = line.faults
    ImportRow.objects.bulk_update([good[line.number] for line in lines], ["faults"])


def _write_down(stored: Stored, user: User, file: str) -> None:
    """In the history of each row of the database that was made or changed."""
    with translation.override(user.language):
        text = gettext("Imported from %(file)s.") % {"file": file}
    for made, flag in ((stored.created, ADDITION), (stored.changed, CHANGE)):
        LogEntry.objects.log_actions(user.pk, made, flag, text)


def _count(row: Import, created: int, changed: int, left_out: int) -> None:
    row.created += created
    row.changed += changed
    row.left_out += left_out
    row.done += created + changed + left_out
