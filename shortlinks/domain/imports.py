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

from shortlinks.domain import contact_imports, rights_imports, tables
from shortlinks.domain.import_lines import Line, Stored
from shortlinks.domain.tables import Given
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
AT_ONCE = timedelta(0)
WAITS_FOR_A_WORD = timedelta(days=7)
FAULTS_KEPT = timedelta(days=30)

NO_ROWS = gettext_noop("There are no rows below the head.")
NOTHING_DONE = {"done": 0, "created": 0, "changed": 0, "left_out": 0}


@dataclass(frozen=True, slots=True)
class Kind:
    """How rows are read, checked and stored; the last two within a transaction."""

    heads: Mapping[str, str]
    no_head: str
    twice: str
    check: Callable[[Iterable[Given], User], Sequence[Line]]
    store: Callable[[Sequence[Any], User], Stored]


KINDS: Mapping[str, Kind] = {
    ImportKind.CONTACTS: Kind(
        heads=contact_imports.HEADS,
        no_head=contact_imports.NO_HEAD,
        twice=contact_imports.TWICE,
        check=contact_imports.check,
        store=contact_imports.store,
    ),
    ImportKind.RIGHTS: Kind(
        heads=rights_imports.HEADS,
        no_head=rights_imports.NO_HEAD,
        twice=rights_imports.TWICE,
        check=rights_imports.check,
        store=rights_imports.store,
    ),
}


@dataclass(frozen=True, slots=True)
class Upload:
    user: User
    kind: str
    name: str
    content: bytes
    # By the operator's command, which goes on with it by itself.
    by_command: bool = False


@transaction.atomic
def begin(upload: Upload) -> Import:
    """Keep the table, to be checked; NoTable or NoHead if that is plainly in vain."""
    total = tables.look(upload.content, KINDS[upload.kind].heads)
    if total == 0:
        raise tables.NoTable(NO_ROWS)
    run = Import.objects.create(
        account_id=upload.user.account_id or 0,
        user=upload.user,
        kind=upload.kind,
        name=upload.name[-250:],
        total=total,
        by_command=upload.by_command,
        due_at=timezone.now() + (LEASE if upload.by_command else AT_ONCE),
    )
    ImportFile.objects.create(within=run, content=upload.content)
    return run


def confirm(run: Import, *, by: User, due_in: timedelta = AT_ONCE) -> bool:
    """Let the rows be stored; whether it waited for the word of this user."""
    now = timezone.now()
    waiting = Import.objects.filter(pk=run.pk, state=ImportState.CHECKED, user=by)
    said = waiting.update(
        state=ImportState.STORING,
        due_at=now + due_in,
        confirmed_at=now,
        **NOTHING_DONE,
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
        clear(row)
    end(row, ImportState.CANCELLED)
    row.save()
    return True


def clear(row: Import) -> None:
    """What was checked, and is not to be stored, is no part of what was done."""
    for name, nothing in NOTHING_DONE.items():
        setattr(row, name, nothing)
    row.rows.all().delete()


def end(row: Import, state: ImportState, error: str = "") -> None:
    """Keep of it the faulty rows alone, and tell the audit log; the caller saves it."""
    row.state, row.error = state, error
    row.due_at, row.ended_at = None, timezone.now()
    ImportFile.objects.filter(within=row).delete()
    row.rows.filter(faults=[]).delete()
    if row.user is not None:
        with translation.override(row.user.language):
            text = f"{gettext(state.label).capitalize()}: {told(row)}"
            LogEntry.objects.log_actions(row.user.pk, [row], CHANGE, text)


def somebody_is_at_one() -> bool:
    """A worker; for a minute also one that was killed."""
    leased = Import.objects.filter(due_at__gt=timezone.now(), by_command=False)
    return leased.exists()


def told(row: Import) -> str:
    """In the language of who reads it."""
    text = gettext(
        "created: %(created)d, changed: %(changed)d, left out: %(left_out)d."
    )
    counts = ("created", "changed", "left_out")
    return text % {name: getattr(row, name) for name in counts}


def drop_old() -> None:
    """Imports that nobody said a word to, and faults that nobody reads any more."""
    now = timezone.now()
    forgotten = {"state": ImportState.CHECKED, "created_at__lt": now - WAITS_FOR_A_WORD}
    for run in Import.objects.filter(**forgotten):
        cancel(run)
    ImportRow.objects.filter(within__ended_at__lt=now - FAULTS_KEPT).delete()
