"""Imports that are broken off, doubled, cancelled or forbidden: each row once."""

from collections.abc import Iterator
from datetime import timedelta

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

HEAD = ["entity_id", "name"]
ROWS: list[list[object]] = [
    *([n, f"N {n}"] for n in range(1, 8)),
    ["x", "Faulty"],
    ["", "Free"],
]
CONTENT = table(HEAD, *ROWS)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)


def _once() -> bool:
    """Of a worker that leaves off after each batch."""
    return False


def _a_lease_later(run: Import) -> None:
    """As if its worker had been dead for that long."""
    Import.objects.filter(pk=run.pk).update(due_at=timezone.now())


def _begun(run: Import) -> Iterator[Import]:
    """Claimed by a worker that is about to die."""
    claimed = batches._claim()
    assert claimed is not None
    assert claimed.pk == run.pk
    return batches.batches(claimed)


def test_no_row_is_given_an_id_that_stands_further_down(admin: User) -> None:
    rows: list[list[object]] = [["", "Free"], ["", "Free, too"], [1, "One"], [3, "3"]]

    run = importing.imported(admin, table(HEAD, *rows))

    assert counts(run) == (4, 0, 0)
    named = dict(Contact.objects.values_list("name", "entity_id"))
    assert named == {"One": 1, "3": 3, "Free": 4, "Free, too": 5}


@pytest.mark.parametrize(
    "content", [CONTENT, importing.workbook(HEAD, *ROWS)], ids=["CSV", "XLSX"]
)
@pytest.mark.parametrize("committed", [0, 1, 3])
def test_who_goes_on_begins_where_a_dead_worker_stopped(
    admin: User, content: bytes, committed: int
) -> None:
    run = importing.begin(admin, content)
    for _ in range(2):
        dying = _begun(run)
        for _ in range(committed):
            next(dying)
        assert not batches.run_next(lambda: True)
        _a_lease_later(run)
        importing.work_off()
        run.refresh_from_db()
        lifecycle.confirm(run, by=admin)

    run.refresh_from_db()
    assert run.state == ImportState.FINISHED
    assert counts(run) == (8, 0, 1)
    assert sorted(Contact.objects.values_list("name", flat=True)) == [
        "Free",
        *(f"N {n}" for n in range(1, 8)),
    ]


def test_one_import_goes_on_at_a_time(admin: User) -> None:
    first, second = (importing.begin(admin, CONTENT) for _ in range(2))
    next(_begun(first))

    assert not batches.run_next(lambda: True)

    _a_lease_later(first)
    importing.work_off()
    for run in (first, second):
        run.refresh_from_db()
        assert run.state == ImportState.CHECKED


def test_who_finds_it_taken_over_leaves_off(admin: User) -> None:
    run = importing.confirmed(admin, CONTENT)
    asleep = _begun(run)
    next(asleep)
    _a_lease_later(run)
    awake = _begun(run)
    next(awake)

    with pytest.raises(batches.LeaseLost):
        next(asleep)

    assert [each.processed for each in awake] == [6, 8, 9]
    assert counts(run) == (8, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_store_each_row_once() -> None:
    account = factories.account()
    # none without an id: a free one might be what another table brings
    content = CONTENT.removesuffix(b"\n;Free")
    runs = [
        importing.begin(factories.admin(account), content.replace(b";N", mark))
        for mark in (b"1;N", b"2;N", b"3;N")
    ]

    def work() -> None:
        try:
            while Import.objects.filter(due_at__isnull=False).exists():
                batches.run_next(_once)
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
def test_cancelling_stops_between_batches(admin: User, committed: int) -> None:
    run = importing.confirmed(admin, CONTENT)
    working = _begun(run)
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


def test_what_was_cancelled_while_it_was_checked_is_forgotten(admin: User) -> None:
    run = importing.begin(admin, CONTENT)
    next(_begun(run))

    lifecycle.cancel(run)

    assert counts(run) == (0, 0, 0)
    assert not ImportRow.objects.exists()
    assert not ImportFile.objects.exists()


@pytest.mark.parametrize(
    "loss",
    [{"is_admin": False}, {"is_active": False}, {"account__is_active": False}],
    ids=["no administrator", "not active", "account closed"],
)
def test_who_loses_the_right_midway_stores_no_more(
    admin: User, account: Account, loss: dict[str, bool]
) -> None:
    run = importing.confirmed(admin, CONTENT)
    working = _begun(run)
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


def test_a_managers_own_command_needs_no_administrator(account: Account) -> None:
    manager = factories.user(account, contacts_view="A", contacts_edit="M")
    other = factories.contact(account, entity_id=7, name="Before")
    upload = Upload(manager, ImportKind.CONTACTS, "t.csv", CONTENT, started_by_cli=True)

    [*_, run] = batches.batches(lifecycle.start(upload))

    other.refresh_from_db()
    assert (run.state, counts(run)) == (ImportState.CHECKED, (7, 0, 2))


def test_what_fails_again_and_again_is_given_up(admin: User) -> None:
    run = importing.begin(admin, CONTENT)
    for _ in range(batches.MAX_ATTEMPTS):
        _begun(run)
        _a_lease_later(run)

    importing.work_off()

    run.refresh_from_db()
    assert (run.state, run.error) == (ImportState.FAILED, batches.TOO_MANY_ATTEMPTS)


def test_a_batch_undoes_the_attempts_before_it(admin: User) -> None:
    run = importing.begin(admin, CONTENT)
    for _ in range(2 * batches.MAX_ATTEMPTS):
        batches.run_next(_once)

    run.refresh_from_db()
    assert run.state == ImportState.CHECKED


def test_only_who_uploaded_says_the_word(account: Account, admin: User) -> None:
    run = importing.checked(admin, CONTENT)

    assert not lifecycle.confirm(run, by=factories.admin(account))
    assert lifecycle.confirm(run, by=admin)
    assert not lifecycle.confirm(run, by=admin)


def test_no_more_is_kept_than_is_needed(admin: User) -> None:
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
