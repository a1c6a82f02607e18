"""Random histories of merges, undos, edits and rejections, compared with an oracle.

The oracle is a list of what happened. It computes the contacts from the beginning, as
if undone merges had never been, and knows nothing of the stored changes.
`pytest --histories 10000` tries more than the usual 300.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from shortlinks.domain.contacts.tracking_consent import RefusalStays
from shortlinks.domain.merging import facts, merges, suggestions, undoing
from shortlinks.domain.merging.merges import MergeCause
from shortlinks.domain.merging.rules import ContactRef
from shortlinks.models import (
    Contact,
    Merge,
    MergeRule,
    MergeSuggestion,
    TrackingConsent,
    User,
)
from tests import factories
from tests.domain.merging import steps

STEPS = 8
CONSENTS = tuple(TrackingConsent)
STRICTEST = ("denied", "granted", "unknown")

Pair = frozenset[int]


@dataclass
class Person:
    """The visible state of a contact: its root, and columns."""

    root: int
    name: str
    consent: str
    is_known: bool


@dataclass
class Oracle:
    """Events in their order: merges (survivor, loser, number) and edits."""

    first: dict[int, Person]
    events: list[tuple[str, Any]] = field(default_factory=list)
    undone: set[int] = field(default_factory=set)
    separate: set[Pair] = field(default_factory=set)

    def people(self) -> dict[int, Person]:
        people = {pk: Person(**vars(person)) for pk, person in self.first.items()}
        for kind, event in self.events:
            if kind == "edit":
                self._edit(people, *event)
            elif event[2] not in self.undone:
                self._merge(people, event[0], event[1])
        return people

    def separate_roots(self) -> set[Pair]:
        people = self.people()
        pairs = {frozenset(people[pk].root for pk in pair) for pair in self.separate}
        return {pair for pair in pairs if len(pair) == 2}

    @staticmethod
    def _merge(people: dict[int, Person], survivor: int, loser: int) -> None:
        into, merged = people[survivor], people[loser]
        into.name = into.name or merged.name
        into.is_known = into.is_known or merged.is_known
        both = [p for p in people.values() if p.root in (survivor, loser)]
        given = {person.consent for person in both}
        for person in both:
            person.root = survivor
            person.consent = next(each for each in STRICTEST if each in given)

    @staticmethod
    def _edit(
        people: dict[int, Person],
        edited: int,
        same_person: set[int],
        name: str | None,
        consent: str | None,
    ) -> None:
        people[edited].is_known = True
        people[edited].name = name or people[edited].name
        for pk in same_person if consent else ():
            people[pk].consent = consent or ""


class History:
    """An account with contacts; each step happens to them and to the oracle."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.admin: User = factories.admin(factories.account())
        assert self.admin.account is not None
        self.account = self.admin.account
        rows = [self._contact(number) for number in range(5)]
        self.oracle = Oracle(
            {
                row.pk: Person(
                    row.pk, row.name, row.tracking_consent, not row.is_anonymous
                )
                for row in rows
            }
        )

    def run(self) -> None:
        steps = [self.merge, self.merge, self.undo, self.undo, self.edit, self.reject]
        for _ in range(STEPS):
            self.dice.choice([*steps, self.merge_by_rule])()
            self.check()

    def check(self) -> None:
        rows = Contact.objects.filter(account=self.account)
        stored = {
            row.pk: Person(
                row.root_id, row.name, row.tracking_consent, not row.is_anonymous
            )
            for row in rows
        }
        assert stored == self.oracle.people(), self.oracle.events
        roots = [ContactRef(pk, is_anonymous=False) for pk in self.roots()]
        separate = facts.separated_pairs(roots)
        assert {p for p in separate if len(p) == 2} == self.oracle.separate_roots()

    def roots(self) -> list[int]:
        return sorted({person.root for person in self.oracle.people().values()})

    def merge(self) -> None:
        if len(roots := self.roots()) > 1:
            survivor, loser = self.dice.sample(roots, 2)
            merge = suggestions.merge_by_hand(
                self.account.pk,
                self._rows(survivor, loser),
                by=self.admin,
                into=survivor,
            )
            assert merge is not None
            self.oracle.events.append(("merge", (survivor, loser, merge.pk)))

    def merge_by_rule(self) -> None:
        """Let a rule merge two: only an anonymous one into a known one is possible."""
        if len(roots := self.roots()) < 2:
            return
        survivor, loser = self.dice.sample(roots, 2)
        event = f"{survivor} {loser} {len(self.oracle.events)}"
        lock = merges.lock_account(self.account.pk)
        cause = MergeCause(MergeRule.CHAT, event)
        merge = merges.merge(lock, survivor, loser, cause)

        people = self.oracle.people()
        is_safe = people[survivor].is_known and not people[loser].is_known
        assert (merge is not None) == is_safe
        if merge is not None:
            self.oracle.events.append(("merge", (survivor, loser, merge.pk)))

    def undo(self) -> None:
        applied = Merge.objects.filter(account=self.account, state="applied")
        if found := list(applied.order_by("pk")):
            merge = self.dice.choice(found)
            undoing.undo(merge, by=self.admin)
            self.oracle.undone.add(merge.pk)
            root = self.oracle.people()[merge.survivor_id].root
            self._separate({merge.survivor_id, root}, {merge.loser_id})

    def edit(self) -> None:
        people = self.oracle.people()
        root = self.dice.choice(self.roots())
        name = self.dice.choice([None, people[root].name or None, "Edited"])
        consent = self.dice.choice([None, people[root].consent, *CONSENTS])
        row = Contact.objects.get(pk=root)
        if (people[root].consent, consent) == ("denied", "unknown"):
            with pytest.raises(RefusalStays):
                steps.edit(self.admin, row, name=name, consent=consent)
            return
        steps.edit(self.admin, row, name=name, consent=consent)
        members = {pk for pk, person in people.items() if person.root == root}
        self.oracle.events.append(("edit", (root, members, name, consent)))

    def reject(self) -> None:
        """Reject a suggestion about two contacts, which may be merged into others."""
        people = self.oracle.people()
        one, other = sorted(self.dice.sample(sorted(people), 2))
        row = MergeSuggestion.objects.create(
            account=self.account, one_id=one, other_id=other, rule=MergeRule.OPENED
        )
        suggestions.reject(row, by=self.admin)
        if people[one].root != people[other].root:
            self._separate({one, people[one].root}, {other, people[other].root})

    def _separate(self, ones: set[int], others: set[int]) -> None:
        self.oracle.separate |= {
            frozenset({one, other}) for one in ones for other in others
        }

    def _rows(self, one: int, other: int) -> tuple[Contact, Contact]:
        return Contact.objects.get(pk=one), Contact.objects.get(pk=other)

    def _contact(self, number: int) -> Contact:
        return factories.contact(
            self.account,
            name=self.dice.choice(["", f"Contact {number}"]),
            is_anonymous=number > 2,
            tracking_consent=self.dice.choice(CONSENTS),
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    count = metafunc.config.getoption("--histories")
    metafunc.parametrize("seeds", list(_chunks(count)), ids=str)


def _chunks(count: int) -> Iterator[range]:
    """Divide the seeds, so that the workers of pytest-xdist share them."""
    for start in range(0, count, 25):
        yield range(start, min(start + 25, count))


@pytest.mark.django_db
def test_histories_agree_with_the_oracle(seeds: range) -> None:
    for seed in seeds:
        History(seed).run()
