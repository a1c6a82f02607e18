"""Many merge and undo the same contacts at once: they take turns, none is lost."""

import contextlib
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import ContactChange
from shortlinks.domain.merging import suggestions, undoing
from shortlinks.domain.merging.undoing import AlreadyUndone, HasLaterMerge
from shortlinks.models import Account, Chat, Contact, Merge, MergeState, Note, User
from tests import factories
from tests.domain.merging import worlds

THREADS = 50
TURNS = 8
PEOPLE = 12


class Actor:
    """Somebody who merges, undoes, renames and chats, as the dice fall."""

    def __init__(self, seed: int, user: User) -> None:
        self.dice = random.Random(seed)
        self.user = user
        self.merged = 0

    def act(self, turns: int = TURNS) -> int:
        """How often he merged."""
        acts = [self.merge, self.merge, self.undo, self.rename, self.chat]
        try:
            for _ in range(turns):
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
            with contextlib.suppress(HasLaterMerge, AlreadyUndone):
                undoing.undo(self.dice.choice(found), by=self.user)

    def rename(self) -> None:
        if pair := self.two():
            change = ContactChange(pair[0].entity_id, "New", None, None, None)
            contacts.update([change], user=self.user)

    def chat(self) -> None:
        worlds.chats_with(f"browser {self.dice.randrange(4)}", self.user)


@pytest.mark.django_db(transaction=True)
def test_overlapping_merges_take_turns(account: Account, admin: User) -> None:
    people = [factories.contact(account) for _ in range(PEOPLE)]
    worlds.opens("browser 0", people[0])
    notes = set(Note.objects.values_list("pk", flat=True))
    actors = [Actor(seed, admin) for seed in range(THREADS)]

    with ThreadPoolExecutor(THREADS) as threads:
        merged = sum(threads.map(lambda actor: actor.act(), actors))

    assert merged == Merge.objects.exclude(created_by=None).count() > 0
    assert notes <= set(Note.objects.values_list("pk", flat=True))
    assert Contact.objects.count() == PEOPLE + Chat.objects.count()
    assert not Contact.objects.filter(merged_into__merged_into__isnull=False).exists()
    applied = Merge.objects.filter(state=MergeState.APPLIED)
    gone = Contact.objects.exclude(merged_into=None)
    assert set(gone.values_list("pk", flat=True)) == {m.loser_id for m in applied}
    for merge in applied.order_by("-pk"):  # none is left that came later
        undoing.undo(merge, by=admin)
    assert not gone.all().exists()
