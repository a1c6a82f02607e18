"""Properties of merging that hold after any sequence of events.

Each step is one event: an open, a chat, a merge check or a user's action. All
properties are checked after each step.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shortlinks.domain.merging import chats, queue, suggestions, undoing
from shortlinks.domain.merging.chats import Reporter
from shortlinks.domain.merging.undoing import AlreadyUndone
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Chat,
    Contact,
    Merge,
    MergeCheck,
    MergeSuggestion,
    Note,
    PixelAttachment,
    SeparatePair,
    User,
)
from tests import factories
from tests.domain.merging import steps

BROWSERS = 3
small = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), small, small),
        st.tuples(st.just("chat"), small, small),
        st.tuples(st.just("visitor"), small, small),
        st.tuples(st.just("check"), small, small),
        st.tuples(st.just("repeat"), small, small),
        st.tuples(st.just("merge"), small, small),
        st.tuples(st.just("merge and undo"), small, small),
        st.tuples(st.just("undo"), small, small),
        st.tuples(st.just("accept"), small, small),
        st.tuples(st.just("reject"), small, small),
    ),
    max_size=18,
)


class World:
    """An account with three contacts; a step's numbers choose among existing rows."""

    def __init__(self) -> None:
        MergeCheck.objects.all().delete()
        self.admin: User = factories.admin(factories.account())
        for _ in range(3):
            factories.contact(self.account)

    @property
    def account(self) -> Any:
        return self.admin.account

    def contact(self, number: int) -> Contact:
        rows = Contact.objects.filter(account=self.account).order_by("pk")
        return rows[number % rows.count()]

    def chosen(self, rows: Any, number: int) -> Any:
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None

    def step(self, name: str, one: int, other: int) -> None:
        steps: dict[str, Callable[[int, int], None]] = {
            "open": self.open,
            "chat": self.chat,
            "visitor": self.visitor,
            "check": self.process_check,
            "repeat": self.repeat_check,
            "merge": self.merge,
            "merge and undo": self.merge_and_undo,
            "undo": self.undo,
            "accept": self.accept,
            "reject": self.reject,
        }
        steps[name](one, other)

    def open(self, one: int, other: int) -> None:
        contact = self.contact(other)
        link = contact.shortlink_set.first() or factories.link(contact)
        cookie = factories.cookie_sha256(f"{one % BROWSERS} of {self.account.pk}")
        factories.visit(link, pixel_sha256=cookie, occurred_at=steps.settled_now())
        processing.process_due()

    def chat(self, one: int, other: int) -> None:
        contact = self.contact(other) if other < 2 else None
        self.at_most_one(lambda: self._chat(one, contact))

    def _chat(self, one: int, contact: Contact | None) -> None:
        browser = f"{one % BROWSERS} of {self.account.pk}"
        steps.start_chat(browser, self.admin, contact)

    def visitor(self, one: int, other: int) -> None:
        chat = self.chosen(Chat.objects.filter(account=self.account), other)
        if chat:
            uid = steps.uid(f"{one % BROWSERS} of {self.account.pk}", self.account)
            by = Reporter(self.admin)
            self.at_most_one(lambda: chats.set_visitor(chat, uid, by=by))

    def process_check(self, one: int, other: int) -> None:
        """Process one of the waiting checks, twice."""
        check = self.chosen(MergeCheck.objects.all(), one)
        if check:
            waiting = MergeCheck.objects.exclude(pk=check.pk)
            waiting.update(attempts=F("attempts") + 100)
            again = MergeCheck(attachment_id=check.attachment_id, chat_id=check.chat_id)
            self.at_most_one(lambda: queue.process_due(1))
            self.changes_nothing(again)
            MergeCheck.objects.filter(attempts__gte=100).update(
                attempts=F("attempts") - 100
            )

    def repeat_check(self, one: int, other: int) -> None:
        """Repeat the check of a chat."""
        chat = self.chosen(Chat.objects.filter(account=self.account), one)
        MergeCheck.objects.all().delete()
        if chat:
            MergeCheck.objects.create(chat=chat)
            queue.process_due(1)
            self.changes_nothing(MergeCheck(chat=chat))

    def merge(self, one: int, other: int) -> None:
        first, second = self.contact(one).root, self.contact(other).root
        suggestions.merge_by_hand(
            self.account.pk, (first, second), by=self.admin, into=first.pk
        )

    def merge_and_undo(self, one: int, other: int) -> None:
        first, second = self.contact(one).root, self.contact(other).root
        before = self.rows()
        merge = suggestions.merge_by_hand(
            self.account.pk, (first, second), by=self.admin, into=None
        )
        if merge:
            assert self.rows() != before
            assert undoing.undo(merge, by=self.admin) == []
        assert self.rows() == before

    def undo(self, one: int, other: int) -> None:
        merge = self.chosen(Merge.objects.filter(account=self.account), one)
        if merge:
            try:
                undoing.undo(merge, by=self.admin)
            except AlreadyUndone:
                return
            merge.loser.refresh_from_db()
            assert merge.loser.merged_into is None

    def accept(self, one: int, other: int) -> None:
        if row := self.suggestion(one):
            suggestions.accept(row, by=self.admin)

    def reject(self, one: int, other: int) -> None:
        if row := self.suggestion(one):
            suggestions.reject(row, by=self.admin)

    def suggestion(self, number: int) -> Any:
        rows = MergeSuggestion.objects.filter(account=self.account, state="open")
        return self.chosen(rows, number)

    def changes_nothing(self, check: MergeCheck) -> None:
        MergeCheck.objects.filter(attempts=0).delete()
        before = self.everything()
        check.save()
        queue.process_due(1)
        MergeCheck.objects.filter(attempts=0).delete()
        assert self.everything() == before

    def at_most_one(self, event: Callable[[], object]) -> None:
        """Check that rules make one merge at most, of an anonymous into a known one."""
        parties = {c.pk: c.is_anonymous for c in Contact.objects.all()}
        before = set(Merge.objects.values_list("pk", flat=True))
        event()
        made = Merge.objects.filter(created_by=None).exclude(pk__in=before)
        assert len(made) <= 1
        for merge in made:
            assert parties.get(merge.loser_id, True)
            assert not parties[merge.survivor_id]

    def rows(self) -> list[Any]:
        """Return all rows that a merge may change, except notes and separate pairs."""
        mine = Contact.objects.filter(account=self.account).order_by("pk")
        attached = PixelAttachment.objects.filter(contact__in=mine).order_by("pk")
        of_chats = Chat.objects.filter(account=self.account).order_by("pk")
        return [list(mine.values()), list(attached.values()), list(of_chats.values())]

    def everything(self) -> list[Any]:
        tables = (Merge, MergeSuggestion, SeparatePair, Note)
        return [self.rows(), *(list(t.objects.order_by("pk").values()) for t in tables)]

    def check_properties(self) -> None:
        chained = Contact.objects.filter(merged_into__merged_into__isnull=False)
        assert not chained.exists()
        strangers = Contact.objects.exclude(merged_into__account=F("account"))
        assert not strangers.exclude(merged_into=None).exists()


@pytest.mark.django_db
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
@example([("merge", 0, 1), ("merge", 2, 0), ("undo", 0, 0), ("undo", 1, 0)])
@example(
    [
        *[("chat", 1, 5), ("chat", 1, 5)],  # two anonymous contacts, and a browser
        *[("open", 0, 3), ("open", 0, 4), ("check", 0, 0), ("open", 0, 0)],
        *[("check", 0, 0), ("check", 0, 0)],
    ]
)
def test_merging_keeps_its_properties(steps: list[tuple[str, int, int]]) -> None:
    world = World()

    for step in steps:
        world.step(*step)
        world.check_properties()
