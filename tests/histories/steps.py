"""Random steps, which the oracle plays at once: later ones depend on its facts."""

import random
from collections.abc import Sequence

from tests.histories.facts import Suggested
from tests.histories.notation import Step, parse_step
from tests.histories.oracle import Oracle
from tests.histories.profiles import Profile

KNOWN = ("A", "B", "C", "D")
ANONYMOUS = ("X", "Y")  # with links
BROWSERS = ("p", "q", "r", "u", "v", "w")
LURED = ("s", "t")  # they get clicks of others, and open no links
VISITORS = ("x", "y", "z", "k", "l", "m", "n", "j")
MIN_MAILING = 3  # links that make a gateway's scan a burst
LANDINGS = ("", "", "", "", " without gesture")


class RandomSteps:
    """Steps of one history; each method plays one, or none if there is none."""

    def __init__(self, dice: random.Random, profile: Profile) -> None:
        self.dice = dice
        self.profile = profile
        self.known = KNOWN[: dice.randint(*profile.known)]
        self.anonymous = ANONYMOUS[: dice.randint(*profile.anonymous)]
        [self.mode] = dice.choices(list(profile.modes), [*profile.modes.values()])
        self.oracle = Oracle(set(self.known), self.mode, self.anonymous)
        self.steps: list[Step] = []
        self.times = [0.0]

    # Visitors.

    def open(self) -> None:
        self._open()

    def land(self) -> None:
        """Click a link, and arrive on the site."""
        if browser := self._open():
            self._land(browser, self.dice.choice(LANDINGS))

    def land_elsewhere(self) -> None:
        """If the page stores the browser's own uid, the address does not matter."""
        if browser := self._open():
            self._play(f"{browser} lands from elsewhere")

    def land_oddly(self) -> None:
        """The click is ignored: too late, or by another agent."""
        if browser := self._open():
            if self._chance(0.5):
                self._play("pass 5 minutes")
                self._play(f"{browser} lands")
            else:
                self._play(f"{browser} lands as another agent")

    def lure(self) -> None:
        if browser := self._open():
            self._receive(self.dice.choice(LURED), browser)

    def open_unprocessed(self) -> None:
        """A visitor writes at once; the product waits for the click.

        A known contact does not: the docs do not say which suggestion comes first.
        """
        if browser := self._open(" unprocessed"):
            if not self.oracle.is_known(visitor := self._visitor()):
                self._chat(visitor, browser)
            self._play("pass 1 minute")  # or the next step would come at once, too

    def chat(self) -> None:
        used = {browser for browser, _, _, _ in self.oracle.opens}
        used |= {browser for browser, page in self.oracle.pages.items() if page}
        if used:
            self._chat(self._visitor(), self.dice.choice(sorted(used)))

    def known_chat(self) -> None:
        if used := sorted({browser for browser, _, _, _ in self.oracle.opens}):
            self._chat(self.dice.choice(self.known), self.dice.choice(used))

    def scan(self) -> None:
        if len(self.known) >= MIN_MAILING and not self.oracle.deleted:
            number = self.dice.choice("123")
            self._play(f"g scans {' '.join(f'{name}{number}' for name in self.known)}")

    def wait(self) -> None:
        self._play(self.dice.choice(self.profile.passes))

    # Users.

    def confirm(self) -> None:
        self._review("confirm", *self._attached())

    def reject_browser(self) -> None:
        self._review("reject", *self._attached())

    def detach(self) -> None:
        self._detach(*self._attached())

    def accept(self) -> None:
        if suggested := self._suggested():
            self._play("accept {} {}".format(*suggested.pair))

    def reject(self) -> None:
        if suggested := self._suggested():
            self._play("reject {} {}".format(*suggested.pair))

    def edit(self) -> None:
        if people := [n for n in self._roots() if not self.oracle.is_known(n)]:
            self._play(f"edit {self.dice.choice(people)}")

    def merge(self) -> None:
        """Merge somebody into a known contact, or seldom into an anonymous one."""
        roots = self._roots()
        known = [name for name in roots if self.oracle.is_known(name)]
        survivors = known if self._chance(0.9) else roots
        if len(roots) > 1 and survivors:
            survivor = self.dice.choice(survivors)
            self._merge(self.dice.choice([n for n in roots if n != survivor]), survivor)

    def undo(self) -> None:
        """Undo any merge that is not undone yet, the last one more often."""
        merges = enumerate(self.oracle.merges, start=1)
        numbers = [number for number, each in merges if not each.is_undone]
        if numbers:
            self._play(f"undo merge {self.dice.choice([*numbers, numbers[-1]])}")

    def undo_first(self) -> None:
        if self.oracle.merges and not self.oracle.merges[0].is_undone:
            self._play("undo merge 1")

    def undo_everything(self) -> None:
        self._play("undo all")

    def delete(self) -> None:
        """Delete a known contact, or restore the deleted one."""
        if deleted := sorted(self.oracle.deleted):
            self._play(f"restore {deleted[0]}")
            return
        person = self.dice.choice(self.known)
        if self.oracle.root(person) == person:
            self._play(f"delete {person}")

    # Parts of scenes, which play nothing if somebody is deleted.

    def _visit(
        self, browser: str, contact: str, link: str = "", hows: Sequence[str] = LANDINGS
    ) -> None:
        """Open a link, and land on the site; or only open it, if that is the way."""
        how = self.dice.choice(hows)
        if self._is_present(contact):
            self._play(f"{browser} opens {contact}{link or self.dice.choice('123')}")
            if how != "opens":
                self._land(browser, how)

    def _land(self, browser: str, how: str) -> None:
        if self._page(browser) in {"", browser}:
            self._play(f"{browser} lands{how}")

    def _receive(self, lured: str, browser: str, odds: float = 0.6) -> None:
        """Let a page get the browser's click, by these odds in an odd way."""
        click = self.oracle.clicks.get(browser)
        if click is None or click.is_redeemed:
            return
        hows = [" as another agent", "", ""]
        if self._page(lured) in {"", browser}:
            hows = [" from the same address", *hows[:2]]
        how = self.dice.choice(hows) if self._chance(odds) else ""
        self._perhaps_play(odds / 2, "pass 5 minutes")
        self._play(f"{lured} gets {browser}'s click{how}")

    def _perhaps_play(self, probability: float, *texts: str) -> None:
        if self._chance(probability):
            self._play(self.dice.choice(texts))

    def _chat(self, person: str, browser: str) -> None:
        is_used = any(opened[0] == browser for opened in self.oracle.opens)
        if self._is_present(person) and (is_used or self._page(browser)):
            self._play(f"{person} chats in {browser}")

    def _review(self, review: str, browser: str, contact: str) -> None:
        if self._is_attached(browser, contact):
            self._play(f"{review} {browser} of {contact}")

    def _merge(self, loser: str, survivor: str) -> None:
        if {loser, survivor} <= set(self._roots()):
            self._play(f"merge {loser} into {survivor}")

    def _detach(self, browser: str, contact: str) -> None:
        if self._is_attached(browser, contact):
            self._play(f"detach {browser} of {contact}")

    # Choices.

    def _chance(self, probability: float) -> bool:
        return self.dice.random() < probability

    def _contact(self) -> str:
        return self.dice.choice([n for n in self.known if self._is_present(n)] or ["A"])

    def _contacts(self, count: int) -> list[str]:
        """Return so many known contacts, or all if there are fewer."""
        present = [name for name in self.known if self._is_present(name)]
        return self.dice.sample(present, min(count, len(present)))

    def _visitor(self) -> str:
        return self.dice.choice(VISITORS[: self.profile.visitors])

    def _browsers(self) -> list[str]:
        return self.dice.sample(BROWSERS, len(BROWSERS))

    def _is_present(self, person: str) -> bool:
        return self.oracle.root(person) not in self.oracle.deleted

    def _is_attached(self, browser: str, contact: str) -> bool:
        is_there = bool(contact) and self._is_present(contact)
        return is_there and bool(self.oracle.of_user(browser, contact))

    def _page(self, browser: str) -> str:
        return self.oracle.pages.get(browser, "")

    def _roots(self) -> list[str]:
        """Return those who are not merged into another, and not deleted."""
        names = sorted(self.oracle.names())
        return [n for n in names if self.oracle.root(n) == n and self._is_present(n)]

    def _attached(self) -> tuple[str, str]:
        """Return a browser and one of its contacts, or nothing."""
        attached = sorted((uid.rstrip("'"), who) for uid, who in self.oracle.attached)
        return self.dice.choice(attached) if attached else ("", "")

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

    def _open(self, how: str = "") -> str:
        """Return the browser that opened a link, or nothing if the contact is gone."""
        browser = self.dice.choice(BROWSERS[: self.profile.browsers])
        contact = self.dice.choice([*self.known, *self.anonymous])
        if not self._is_present(contact):
            return ""
        number = self.dice.randint(1, self.profile.links)
        self._play(f"{browser} opens {contact}{number}{how}")
        return browser

    def _play(self, text: str) -> None:
        step = parse_step(text)
        self.steps.append(step)
        self.oracle.play(step)
        self.times.append(self.oracle.now)
