"""The clock of histories: time passes because everything stored gets older.

Several processes and Postgres have clocks of their own, which a test cannot set. All
rules compare a stored time with now, so moving the stored times back by 25 hours is the
same as 25 hours that pass. Ids of visits and the daily salt keep their times, so the
visitor hash does not change with a history's days.
"""

import logging
import time
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import DateTimeField, Model

from shortlinks.models import (
    Chat,
    Contact,
    Merge,
    MergeChange,
    MergeCheck,
    MergeSuggestion,
    Note,
    Pixel,
    PixelAttachment,
    Redemption,
    SeparatePair,
    ShortLink,
    Visit,
)

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 120
PAUSE_SECONDS = 0.2
# Shorter than Postgres' deadlock_timeout of one second: if the clock and the worker
# wait for each other, the clock fails and tries again.
LOCK_MILLISECONDS = 800
STATEMENT_MILLISECONDS = 60_000  # the worker's 15 seconds may apply to this process
OTHER_TRANSACTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend' AND xact_start IS NOT NULL
"""
OF_CONTACT = "contact_id IN (SELECT id FROM shortlinks_contact WHERE {})"
BY_ACCOUNT = "account_id = ANY(%(accounts)s)"
OF_VISIT = f"link_id IN (SELECT id FROM shortlinks_shortlink WHERE {BY_ACCOUNT})"  # noqa: S608
# Of all accounts: a check may outlive its attachment or visit, and no account is known
# then. Accounts for which no time passes have no checks.
OF_CHECK = "TRUE"
OF_CHANGE = f"merge_id IN (SELECT id FROM shortlinks_merge WHERE {BY_ACCOUNT})"  # noqa: S608
CONDITIONS: dict[type[Model], str] = {
    Visit: OF_VISIT,
    Redemption: BY_ACCOUNT,
    Pixel: BY_ACCOUNT,
    PixelAttachment: OF_CONTACT.format(BY_ACCOUNT),
    Chat: BY_ACCOUNT,
    Contact: BY_ACCOUNT,
    ShortLink: BY_ACCOUNT,
    Note: BY_ACCOUNT,
    Merge: BY_ACCOUNT,
    MergeChange: OF_CHANGE,
    MergeSuggestion: BY_ACCOUNT,
    SeparatePair: BY_ACCOUNT,
    MergeCheck: OF_CHECK,
}


def let_pass(span: timedelta, accounts: Collection[int]) -> None:
    """Make all rows of these accounts older, while no process changes any row."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            with transaction.atomic():
                if not _is_busy():
                    _shift(span, accounts)
                    return
        except OperationalError as error:
            logger.warning("the clock tries again: %s", error)
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"other processes are not idle after {TIMEOUT_SECONDS} s")


def _is_busy() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(OTHER_TRANSACTIONS)
        return bool(cursor.fetchone()[0])


def _shift(span: timedelta, accounts: Collection[int]) -> None:
    parameters: dict[str, Any] = {"time": span, "accounts": list(accounts)}
    tables = ", ".join(model._meta.db_table for model in CONDITIONS)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
        cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}")
        cursor.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
        for update in _updates():
            cursor.execute(update, parameters)


def _updates() -> Iterator[str]:
    for model, condition in CONDITIONS.items():
        columns = [
            field.column
            for field in model._meta.get_fields()
            if isinstance(field, DateTimeField)
        ]
        changes = ", ".join(f"{name} = {name} - %(time)s" for name in columns)
        yield f"UPDATE {model._meta.db_table} SET {changes} WHERE {condition}"  # noqa: S608
