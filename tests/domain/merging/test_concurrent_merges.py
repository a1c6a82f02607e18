"""Concurrent merges and undos of the same contacts."""

import contextlib
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import UnknownContacts
from shortlinks.domain.merging import pending, suggestions, undoing
from shortlinks.domain.merging.undoing import AlreadyUndone
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    AttachmentReview,
    Chat,
    Contact,
    Merge,
    MergeState,
    Note,
    PixelAttachment,
    User,
)
from tests import factories
from tests.concurrency import in_own_connection
from tests.domain.merging import steps

THREADS = 50
STEPS = 8
PEOPLE = 12


class Actor:
    """Randomly merges, undoes, renames and chats."""

    def __init__(self, seed: int, user: User) -> None:
        self.dice = random.Random(seed)
        self.user = user
        self.merged = 0

    def act(self, steps: int = STEPS) -> int:
        """Return the number of merges."""
        acts = [self.merge, self.merge, self.undo, self.rename, self.chat]
        try:
            for _ in range(steps):
                self.dice.choice(acts)()
        finally:
            connection.close()
        return self.merged

    def two(self) -> list[Contact]:
        rows = Contact.objects.filter(account=self.user.account, merged_into=None)
        found = list(rows.order_by("pk"))
        return self.dice.sample(found, 2) if len(found) > 1 else []

    def merge(self) -> None:
        if pair := self.two():
            one, other = pair
            into = self.dice.choice([None, one.pk])
            made = suggestions.merge_by_hand(
                one.account_id, (one, other), by=self.user, into=into
            )
            self.merged += made is not None

    def undo(self) -> None:
        rows = Merge.objects.filter(state=MergeState.APPLIED)
        if found := list(rows.order_by("pk")):
            with contextlib.suppress(AlreadyUndone):
                undoing.undo(self.dice.choice(found), by=self.user)

    def rename(self) -> None:
        if pair := self.two():
            steps.edit(self.user, pair[0], name="New")

    def chat(self) -> None:
        steps.start_chat(f"browser {self.dice.randrange(4)}", self.user)


@pytest.mark.django_db(transaction=True)
def test_concurrent_merges_leave_consistent_contacts(
    account: Account, admin: User
) -> None:
    people = [factories.contact(account) for _ in range(PEOPLE)]
    steps.open_link("browser 0", people[0])
    notes = set(Note.objects.values_list("pk", flat=True))
    actors = [Actor(seed, admin) for seed in range(THREADS)]

    with ThreadPoolExecutor(THREADS) as threads:
        merged = sum(threads.map(lambda actor: actor.act(), actors))

    assert merged == Merge.objects.exclude(created_by=None).count() > 0
    assert notes <= set(Note.objects.values_list("pk", flat=True))
    assert Contact.objects.count() == PEOPLE + Chat.objects.count()
    assert not Contact.objects.filter(merged_into__merged_into__isnull=False).exists()
    applied = Merge.objects.filter(state=MergeState.APPLIED)
    losers = Contact.objects.exclude(merged_into=None)
    assert set(losers.values_list("pk", flat=True)) == {m.loser_id for m in applied}
    for merge in applied.order_by("-pk"):  # latest first
        undoing.undo(merge, by=admin)
    assert not losers.all().exists()


@pytest.mark.django_db(transaction=True)
def test_open_that_is_processed_during_a_decision_counts(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_link("phone", a)
    PixelAttachment.objects.update(review=AttachmentReview.CONFIRMED)
    steps.click("phone", b)
    processed = []

    def process() -> None:
        processed.append(processing.process_due())
        connection.close()

    def process_first(execute: Any, sql: Any, *arguments: Any) -> Any:
        if sql == pending.SELECT_UNPROCESSED and not processed:
            with ThreadPoolExecutor(1) as thread:
                thread.submit(process).result()
        return execute(sql, *arguments)

    with connection.execute_wrapper(process_first):
        chat, decision = steps.start_chat("phone", admin)

    assert processed
    assert decision.merge is None
    assert steps.root(chat.contact) == chat.contact


@pytest.mark.django_db(transaction=True)
def test_edit_holds_no_lock_while_it_looks_for_the_survivor(
    admin: User, a: Contact, b: Contact
) -> None:
    """Otherwise it would wait for the survivor, and a merge for the other contact."""
    acts: list[Callable[[], Any]] = [
        lambda: steps.merge(admin, a, b),
        lambda: lock_without_waiting(a, b),
    ]

    with connection.execute_wrapper(before_each_lock(acts)):
        steps.edit(admin, b, name="New")

    assert not acts
    a.refresh_from_db()
    assert a.name == "New"


@pytest.mark.django_db(transaction=True)
def test_contact_that_is_deleted_meanwhile_is_not_edited(
    admin: User, a: Contact
) -> None:
    acts: list[Callable[[], Any]] = [
        lambda: contacts.set_deleted([a.pk], is_deleted=True, by=admin)
    ]

    with (
        connection.execute_wrapper(before_each_lock(acts)),
        pytest.raises(UnknownContacts),
    ):
        steps.edit(admin, a, name="New")


@pytest.mark.django_db(transaction=True)
def test_edit_locks_merged_contacts_before_it_changes_anything(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.merge(admin, b, a)  # the survivor is the later one

    def lock_first(execute: Any, sql: Any, *arguments: Any) -> Any:
        if sql.startswith("UPDATE") and "shortlinks_contact" in sql:
            with pytest.raises(OperationalError, match="could not obtain lock"):
                in_thread(lambda: lock_without_waiting(a))
        return execute(sql, *arguments)

    with connection.execute_wrapper(lock_first):
        steps.edit(admin, b, name="New")


def before_each_lock(acts: list[Callable[[], Any]]) -> Any:
    """Return a wrapper that does the next act before contacts are locked."""

    def interfere(execute: Any, sql: Any, *arguments: Any) -> Any:
        if acts and "FOR UPDATE" in sql and "shortlinks_contact" in sql:
            in_thread(acts.pop(0))
        return execute(sql, *arguments)

    return interfere


def in_thread(act: Callable[[], Any]) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(in_own_connection, act).result()


def lock_without_waiting(*rows: Contact) -> None:
    """Raise OperationalError if another transaction has locked one of the rows."""
    with transaction.atomic():
        found = Contact.objects.filter(pk__in=[row.pk for row in rows])
        assert list(found.select_for_update(nowait=True))
