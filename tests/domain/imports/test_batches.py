"""Interrupted, concurrent, canceled and unauthorized imports store each row once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from shortlinks.domain.imports import batches, lifecycle
from shortlinks.domain.imports.lifecycle import Upload
from shortlinks.models import (
    Account,
    Contact,
    Import,
    ImportFile,
    ImportKind,
    ImportRow,
    ImportState,
    User,
)
from tests import factories, importing, services
from tests.importing import counts, table

HEADER = ["entity_id", "name"]
ROWS: list[list[object]] = [
    *([n, f"N {n}"] for n in range(1, 8)),
    ["x", "Faulty"],
    ["", "Free"],
]
CONTENT = table(HEADER, *ROWS)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)


def _stop_after_a_batch() -> bool:
    return False


def _expire_lease(run: Import) -> None:
    Import.objects.filter(pk=run.pk).update(due_at=timezone.now())


def _claim(run: Import) -> Iterator[Import]:
    """Claim the import, and return its batches."""
    claimed = batches._claim()
    assert claimed is not None
    assert claimed.pk == run.pk
    return batches.batches(claimed)


def test_rows_with_and_without_ids_are_stored_together(admin: User) -> None:
    rows: list[list[object]] = [["", "Free"], ["", "Free, too"], [1, "One"], [3, "3"]]

    run = importing.imported(admin, table(HEADER, *rows))

    assert counts(run) == (4, 0, 0)
    named = dict(Contact.objects.values_list("name", "entity_id"))
    assert (named["One"], named["3"]) == (1, 3)
    assert 3 < named["Free"] < named["Free, too"]


@pytest.mark.parametrize(
    "content", [CONTENT, importing.workbook(HEADER, *ROWS)], ids=["CSV", "XLSX"]
)
@pytest.mark.parametrize("committed", [0, 1, 3])
def test_import_continues_where_a_crashed_worker_stopped(
    admin: User, content: bytes, committed: int
) -> None:
    run = importing.start(admin, content)
    for _ in range(2):
        crashing = _claim(run)
        for _ in range(committed):
            next(crashing)
        assert not batches.run_next(lambda: True)
        _expire_lease(run)
        importing.run_all()
        run.refresh_from_db()
        lifecycle.confirm(run, by=admin)

    run.refresh_from_db()
    assert run.state == ImportState.FINISHED
    assert counts(run) == (8, 0, 1)
    assert sorted(Contact.objects.values_list("name", flat=True)) == [
        "Free",
        *(f"N {n}" for n in range(1, 8)),
    ]


def test_imports_run_one_at_a_time(admin: User) -> None:
    first, second = (importing.start(admin, CONTENT) for _ in range(2))
    next(_claim(first))

    assert not batches.run_next(lambda: True)

    _expire_lease(first)
    importing.run_all()
    for run in (first, second):
        run.refresh_from_db()
        assert run.state == ImportState.CHECKED


def test_worker_stops_when_another_has_its_lease(admin: User) -> None:
    run = importing.confirmed(admin, CONTENT)
    delayed = _claim(run)
    next(delayed)
    _expire_lease(run)
    current = _claim(run)
    next(current)

    with pytest.raises(batches.LeaseLost):
        next(delayed)

    assert [each.processed for each in current] == [6, 8, 9]
    assert counts(run) == (8, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_store_each_row_stop_after_a_batch() -> None:
    account = factories.account()
    # No row without an id, because each file would create its own contact for it.
    content = CONTENT.removesuffix(b"\n;Free")
    runs = [
        importing.start(factories.admin(account), content.replace(b";N", mark))
        for mark in (b"1;N", b"2;N", b"3;N")
    ]

    def work() -> None:
        try:
            while Import.objects.filter(due_at__isnull=False).exists():
                batches.run_next(_stop_after_a_batch)
        finally:
            connection.close()

    services.in_threads(work, 6, threads=6)
    for run in runs:
        run.refresh_from_db()
        assert lifecycle.confirm(run, by=run.user or User())
    services.in_threads(work, 6, threads=6)

    assert [counts(run) for run in runs] == [(7, 0, 1)] * 3
    assert Contact.objects.count() == 3 * 7


@pytest.mark.parametrize("committed", [0, 2])
def test_cancel_stops_the_import_between_batches(admin: User, committed: int) -> None:
    run = importing.confirmed(admin, CONTENT)
    working = _claim(run)
    for _ in range(committed):
        next(working)

    assert lifecycle.cancel(run)

    with pytest.raises(batches.LeaseLost):
        next(working)
    run.refresh_from_db()
    assert (run.state, run.processed) == (ImportState.CANCELLED, 2 * committed)
    assert Contact.objects.count() == counts(run)[0] == 2 * committed
    assert not lifecycle.cancel(run)
    assert not lifecycle.confirm(run, by=admin)


def test_cancel_while_checking_deletes_rows_and_file(admin: User) -> None:
    run = importing.start(admin, CONTENT)
    next(_claim(run))

    lifecycle.cancel(run)

    assert counts(run) == (0, 0, 0)
    assert not ImportRow.objects.exists()
    assert not ImportFile.objects.exists()


@pytest.mark.parametrize(
    "loss",
    [{"is_admin": False}, {"is_active": False}, {"account__is_active": False}],
    ids=["no administrator", "not active", "account closed"],
)
def test_import_fails_when_its_user_loses_the_right(
    admin: User, account: Account, loss: dict[str, bool]
) -> None:
    run = importing.confirmed(admin, CONTENT)
    working = _claim(run)
    next(working)
    for name, value in loss.items():
        row = account if name.startswith("account") else admin
        setattr(row, name.removeprefix("account__"), value)
        row.save()

    ended = next(working)

    assert (ended.state, ended.error) == (
        ImportState.FAILED,
        batches.NOT_ALLOWED,
    )
    assert counts(run) == (2, 0, 0)
    assert Contact.objects.count() == 2


def test_command_of_a_manager_uses_their_access_levels(account: Account) -> None:
    manager = factories.user(account, contacts_view="A", contacts_edit="M")
    other = factories.contact(account, entity_id=7, name="Before")
    upload = Upload(manager, ImportKind.CONTACTS, "t.csv", CONTENT, started_by_cli=True)

    [*_, run] = batches.batches(lifecycle.start(upload))

    other.refresh_from_db()
    assert (run.state, counts(run)) == (ImportState.CHECKED, (7, 0, 2))


def test_import_fails_after_too_many_attempts(admin: User) -> None:
    run = importing.start(admin, CONTENT)
    for _ in range(batches.MAX_ATTEMPTS):
        _claim(run)
        _expire_lease(run)

    importing.run_all()

    run.refresh_from_db()
    assert (run.state, run.error) == (ImportState.FAILED, batches.TOO_MANY_ATTEMPTS)


def _reject_name(name: str) -> None:
    """Let Postgres refuse contacts of this name, and of no other."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(
            "ALTER TABLE shortlinks_contact ADD CHECK (name <> %s) NOT VALID", [name]
        )


def test_row_that_the_database_rejects_fails_alone(admin: User) -> None:
    run = importing.confirmed(admin, CONTENT)
    _reject_name("N 3")

    importing.run_all()

    run.refresh_from_db()
    assert (run.state, counts(run)) == (ImportState.FINISHED, (7, 0, 2))
    assert importing.errors(run)[4] == [batches.REJECTED]
    assert Contact.objects.count() == 7


def test_row_that_cannot_be_checked_fails_alone(admin: User) -> None:
    long_key = "İ" * 600 + "@shop.example"  # twice as long in lower case
    content = table(["email"], ["a@shop.example"], [long_key], ["b@shop.example"])

    run = importing.imported(admin, content, ImportKind.USERS)

    assert (run.state, counts(run)) == (ImportState.FINISHED, (2, 0, 1))
    assert importing.errors(run) == {3: [batches.REJECTED]}


def test_failing_import_waits_without_holding_up_others(
    account: Account, admin: User
) -> None:
    failing, other = (importing.checked(admin, CONTENT) for _ in range(2))
    assert all(lifecycle.confirm(run, by=admin) for run in (failing, other))
    failing.rows.update(cells=[])  # of a type that no code expects

    importing.run_all()

    for run in (failing, other):
        run.refresh_from_db()
    assert (failing.state, failing.attempts) == (ImportState.STORING, 1)
    assert failing.due_at is not None
    assert failing.due_at > timezone.now()
    assert other.state == ImportState.FINISHED


def test_accounts_take_turns(admin: User) -> None:
    first = [importing.start(admin, CONTENT) for _ in range(3)]
    other = importing.start(factories.admin(factories.account()), CONTENT)

    turns = [_turn() for _ in range(4)]

    assert turns == [first[0].pk, other.pk, first[1].pk, other.pk]


def _turn() -> int:
    """Run one batch, and return the import to which it belongs."""
    before = dict(Import.objects.values_list("pk", "processed"))
    assert batches.run_next(_stop_after_a_batch)
    after = dict(Import.objects.values_list("pk", "processed"))
    [pk] = [pk for pk in before if before[pk] != after[pk]]
    return pk


def test_committed_batch_resets_the_attempts(admin: User) -> None:
    run = importing.start(admin, CONTENT)
    for _ in range(2 * batches.MAX_ATTEMPTS):
        batches.run_next(_stop_after_a_batch)

    run.refresh_from_db()
    assert run.state == ImportState.CHECKED


def test_import_is_confirmed_only_by_its_user(account: Account, admin: User) -> None:
    run = importing.checked(admin, CONTENT)

    assert not lifecycle.confirm(run, by=factories.admin(account))
    assert lifecycle.confirm(run, by=admin)
    assert not lifecycle.confirm(run, by=admin)


def test_purge_spares_an_import_that_is_confirmed_meanwhile(admin: User) -> None:
    waiting = importing.checked(admin, CONTENT)
    long_ago = timezone.now() - timedelta(days=31)
    Import.objects.filter(pk=waiting.pk).update(created_at=long_ago)

    def confirm_first(execute: Any, sql: str, *arguments: Any) -> Any:
        if "FOR NO KEY UPDATE" in sql:
            lifecycle.confirm(waiting, by=admin)
        return execute(sql, *arguments)

    with connection.execute_wrapper(confirm_first):
        lifecycle.purge()

    waiting.refresh_from_db()
    assert waiting.state == ImportState.STORING


def test_purge_cancels_unconfirmed_imports_and_deletes_old_errors(admin: User) -> None:
    waiting = importing.checked(admin, CONTENT)
    assert not ImportFile.objects.exists()
    finished = importing.imported(admin, CONTENT)
    assert finished.rows.count() == finished.skipped == 1
    long_ago = timezone.now() - timedelta(days=31)
    Import.objects.filter(pk=finished.pk).update(ended_at=long_ago)
    Import.objects.filter(pk=waiting.pk).update(created_at=long_ago)

    lifecycle.purge()

    waiting.refresh_from_db()
    assert waiting.state == ImportState.CANCELLED
    assert not ImportRow.objects.exists()
    assert Import.objects.count() == 2
