"""Random histories with the outcome that the oracle expects."""

import random

from tests.histories.facts import DAY, Suggested
from tests.histories.notation import History, Step, parse_step
from tests.histories.oracle import Oracle

KNOWN = ("A", "B", "C", "D")
ANONYMOUS = ("X", "Y")  # with links
BROWSERS = ("p", "q", "r")
LURED = ("s", "t")  # they get clicks of others, and open no links
VISITORS = ("x", "y", "z")
MAX_STEPS = 9
MIN_MAILING = 3  # links that make a gateway's scan a burst
MINUTE = 1.0
PASSES = {"pass 1 hour": 60.0, "pass 25 hours": 25 * 60.0, "pass 91 days": 91 * DAY}


class Generator:
    """One history; each method plays a random step, or none if there is none."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        self.known = KNOWN[: self.dice.randint(1, len(KNOWN))]
        self.anonymous = ANONYMOUS[: self.dice.choice([0, 0, 1, 2])]
        self.mode = self.dice.choices(["suggest", "auto", "off"], [8, 8, 1])[0]
        self.oracle = Oracle(set(self.known), self.mode, self.anonymous)
        self.steps: list[Step] = []

    def generate(self) -> History:
        steps = [self.open] * 8 + [self.chat] * 6 + [self.wait] * 4
        steps += [self.accept, self.reject, self.confirm, self.lure, self.scan]
        steps += [self.land_elsewhere, self.open_unprocessed, self.edit, self.merge]
        steps += [self.undo] * 2
        steps += [self.dice.choice([self.delete, self.reject_browser, self.detach])]
        for _ in range(self.dice.randint(3, MAX_STEPS)):
            self.oracle.now += MINUTE / 6
            self.dice.choice(steps)()
        return History(
            name=f"seed {self.seed}",
            steps=tuple(self.steps),
            known=self.known,
            anonymous=self.anonymous,
            mode=self.mode,
            expect=self.oracle.outcome(),
        )

    # Visitors.

    def open(self) -> None:
        if (opened := self._open()) and self.dice.random() < 0.4:
            browser, contact = opened
            self.oracle.now += MINUTE / 6
            if self._page(browser) in {"", browser}:
                self._play(f"{browser} lands")
                self.oracle.land(browser, contact)

    def open_unprocessed(self) -> None:
        """A visitor writes at once; the product waits for the click."""
        if opened := self._open(" unprocessed"):
            browser, visitor = opened[0], self.dice.choice(VISITORS)
            self._play(f"{visitor} chats in {browser}")
            self.oracle.chat(visitor, browser)
            self._play("pass 1 minute")  # or the next step would come at once, too
            self.oracle.now += MINUTE

    def land_elsewhere(self) -> None:
        """If the page stores the browser's own uid, the address does not matter."""
        if opened := self._open():
            browser, contact = opened
            page = self._page(browser)
            if page in {"", browser}:
                self._play(f"{browser} lands from elsewhere")
                land = self.oracle.land if page else self.oracle.land_elsewhere
                land(browser, contact)

    def lure(self) -> None:
        if opened := self._open():
            browser, contact = opened
            lured = self.dice.choice(LURED)
            self._play(f"{lured} gets {browser}'s click")
            self.oracle.receive(lured, contact)

    def chat(self) -> None:
        used = sorted({browser.rstrip("'") for browser, _ in self.oracle.attached})
        person = self.dice.choice([*VISITORS, *VISITORS, self.dice.choice(self.known)])
        if used and self._is_present(person):
            browser = self.dice.choice(used)
            self._play(f"{person} chats in {browser}")
            self.oracle.chat(person, browser)

    def scan(self) -> None:
        """A gateway opens all links of a mailing. This is not evidence."""
        if len(self.known) >= MIN_MAILING and not self.oracle.deleted:
            number = self.dice.choice("123")
            self._play(f"g scans {' '.join(f'{name}{number}' for name in self.known)}")

    def wait(self) -> None:
        text = self.dice.choice(list(PASSES))
        self._play(text)
        self.oracle.now += PASSES[text]

    # Users.

    def confirm(self) -> None:
        if pair := self._attached():
            browser, contact = pair
            self._play(f"confirm {browser} of {contact}")
            self.oracle.confirm(browser, contact)

    def reject_browser(self) -> None:
        if pair := self._attached():
            browser, contact = pair
            self._play(f"reject {browser} of {contact}")
            self.oracle.review_rejected(browser, contact)

    def detach(self) -> None:
        if pair := self._attached():
            browser, contact = pair
            self._play(f"detach {browser} of {contact}")
            self.oracle.detach(browser, contact)

    def accept(self) -> None:
        if suggested := self._suggested():
            self._play(f"accept {' '.join(suggested.pair)}")
            self.oracle.accept(suggested)

    def reject(self) -> None:
        if suggested := self._suggested():
            self._play(f"reject {' '.join(suggested.pair)}")
            self.oracle.reject(suggested)

    def edit(self) -> None:
        people = [n for n in self._roots() if not self.oracle.is_known(n)]
        if people:
            person = self.dice.choice(people)
            self._play(f"edit {person}")
            self.oracle.edit(person)

    def merge(self) -> None:
        """Merge somebody into a known contact."""
        survivors = [n for n in self._roots() if self.oracle.is_known(n)]
        survivor = self.dice.choice(survivors) if survivors else ""
        losers = [name for name in self._roots() if name != survivor]
        if survivor and losers:
            loser = self.dice.choice(losers)
            self._play(f"merge {loser} into {survivor}")
            self.oracle.merge(survivor, loser)

    def undo(self) -> None:
        """Undo any merge of a visitor that is not undone yet."""
        numbers = [
            number
            for number, (loser, into) in enumerate(self.oracle.merges, start=1)
            if loser in VISITORS and self.oracle.parents.get(loser) == into
        ]
        last = {self.oracle.merges[number - 1][0]: number for number in numbers}
        if last:
            number = self.dice.choice(list(last.values()))
            self._play(f"undo merge {number}")
            self.oracle.undo(number)

    def delete(self) -> None:
        """Delete a known contact, or restore the deleted one."""
        if deleted := sorted(self.oracle.deleted):
            self._play(f"restore {deleted[0]}")
            self.oracle.deleted.clear()
            return
        person = self.dice.choice(self.known)
        if self.oracle.root(person) == person:
            self._play(f"delete {person}")
            self.oracle.deleted.add(person)

    # Choices.

    def _is_present(self, person: str) -> bool:
        return self.oracle.root(person) not in self.oracle.deleted

    def _page(self, browser: str) -> str:
        return self.oracle.pages.get(browser, "")

    def _roots(self) -> list[str]:
        """Return those who are not merged into another, and not deleted."""
        names = sorted(self.oracle.names())
        return [n for n in names if self.oracle.root(n) == n and self._is_present(n)]

    def _attached(self) -> tuple[str, str] | None:
        """Return a browser and a contact of it, unless its page has another uid."""
        attached = [
            (browser, contact)
            for browser, contact in sorted(self.oracle.attached)
            if self._is_present(contact) and not self._page(browser).endswith("'")
            if not browser.endswith("'")
        ]
        return self.dice.choice(attached) if attached else None

    def _suggested(self) -> Suggested | None:
        """Return an open suggestion that is the only one of its people."""
        pairs = [
            (frozenset(map(self.oracle.root, each.pair)), each)
            for each in self.oracle.open_suggestions()
            if all(map(self._is_present, each.pair))
        ]
        people = [pair for pair, _ in pairs]
        single = [e for pair, e in pairs if people.count(pair) == 1 < len(pair)]
        return self.dice.choice(single) if single else None

    def _open(self, how: str = "") -> tuple[str, str] | None:
        browser = self.dice.choice(BROWSERS)
        contact = self.dice.choice([*self.known, *self.anonymous])
        if not self._is_present(contact):
            return None
        link = self.dice.choice("123")
        self._play(f"{browser} opens {contact}{link}{how}")
        self.oracle.open(browser, contact, link)
        return browser, contact

    def _play(self, text: str) -> None:
        self.steps.append(parse_step(text))
