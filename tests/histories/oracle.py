"""An oracle of histories, written from docs/merge-rules.md alone.

It keeps what happened, and computes the facts from it at each decision. It covers
opens, landings (also elsewhere), lured clicks, scans, chats, time, links of anonymous
contacts, edits, deleted contacts, and what a user decides about browsers, suggestions
and people. It leaves out denied consent, and the undo of all but a visitor's last join.
"""

from dataclasses import dataclass, field

from tests.histories.decisions import Decisions
from tests.histories.facts import Attachment, Click, Keyed, Suggested
from tests.histories.notation import History, Outcome, Step

STEP = 1 / 6  # in minutes; in fact somewhat longer
TOKEN = 3.0  # minutes
UNITS = {"second": 1 / 60, "minute": 1.0, "hour": 60.0, "day": 24 * 60.0}


class Refused(Exception):
    """There is nothing to decide."""


@dataclass
class Oracle(Decisions):
    """A method for each kind of step, which adds to the facts and decides."""

    refused: list[str] = field(default_factory=list)

    def play(self, step: Step) -> None:
        self.now += STEP
        try:
            getattr(self, step.kind)(**step.parts)
        except Refused:
            self.refused.append(step.text)

    # Visitors.

    def open(self, browser: str, link: str, how: str = "") -> None:
        if how == "as staff":
            return
        contact, number = link[0], link[1:]
        has_cookie = any(opened[0] == browser for opened in self.opens)
        self.opens.append((browser, contact, number, self.now))
        self.clicks[browser] = Click(contact, self.now)
        self._attach(browser, contact, is_returning=has_cookie)

    def scan(self, browser: str, links: str) -> None:
        """A gateway opens all links of a mailing. This is not evidence."""

    def land(self, browser: str, how: str = "") -> None:
        """The page had a gesture unless said otherwise. It keeps the uid it stores."""
        page = self.pages.get(browser, "")
        if not (contact := self._redeem(browser, how)):
            return
        if page == browser or how != "from elsewhere":
            assert page in {"", browser}, "the docs do not say what such a page joins"
            self._land(browser, browser, contact, has_gesture=how != "without gesture")
        else:
            self._land_elsewhere(browser, page, contact)

    def receive(self, browser: str, clicked: str, how: str = "") -> None:
        page = self.pages.get(browser, "")
        if not (contact := self._redeem(clicked, how)):
            return
        if page == clicked or how == "from the same address":
            assert page in {"", clicked}, "the docs do not say what such a page joins"
            self._land(browser, clicked, contact, has_gesture=True)
        else:
            self._land_elsewhere(browser, page, contact)

    def chat(self, person: str, browser: str) -> None:
        name = f"{person} {browser}" if person.isupper() else person
        uid = self.pages.get(browser, browser)
        self.chats[name] = (person, uid, self.now)
        self._decide_chat(person, uid, self.now)

    def wait(self, number: str, unit: str) -> None:
        self.now += int(number) * UNITS[unit] - STEP

    # Users.

    def review(self, review: str, browser: str, person: str) -> None:
        if not (attached := self.of_user(browser, person)):
            raise Refused
        for attachment in attached.values():
            attachment.review = {"confirm": "confirmed", "reject": "rejected"}[review]
        if review == "confirm":
            self._examine_confirmed(attached)

    def detach(self, browser: str, person: str) -> None:
        if not (attached := self.of_user(browser, person)):
            raise Refused
        for key in attached:
            del self.attached[key]
            self._forget_unused(key[0])

    def decide(self, decision: str, one: str, other: str) -> None:
        pair = frozenset({self.root(one), self.root(other)})
        found = [e for e in self.open_suggestions() if self._pair(e) == pair]
        if not found or len(pair) == 1:
            raise Refused
        {"accept": self._accept, "reject": self._reject}[decision](found[0])

    def undo(self, number: str) -> None:
        """Undo the visitor's last merge, so that nothing is merged into the visitor."""
        if int(number) > len(self.merges):
            raise Refused
        loser, into = self.merges[int(number) - 1]
        if self.parents.get(loser) != into:
            raise Refused
        whole = self.root(into)
        del self.parents[loser]
        self.separate |= {frozenset({loser, into}), frozenset({loser, whole})}
        for person, browser, _ in list(self.chats.values()):
            if person == loser:
                self._examine(browser)

    def edit(self, person: str) -> None:
        self.known.add(self.root(person))

    def merge(self, survivor: str, loser: str) -> None:
        if self.root(survivor) == self.root(loser):
            raise Refused
        self._merge(self.root(survivor), self.root(loser))

    def delete(self, person: str) -> None:
        self.deleted.add(person)

    def restore(self, person: str) -> None:
        self.deleted.discard(person)

    # Results.

    def outcome(self) -> Outcome:
        names = self.names()
        people = {
            root: frozenset(n for n in names if self.root(n) == root)
            for root in map(self.root, names)
            if root not in self.deleted
        }
        suggested = {
            (frozenset(people[root] for root in self._pair(each)), each.rule)
            for each in self.open_suggestions()
            if len(self._pair(each)) > 1 and not self.deleted & self._pair(each)
        }
        groups = frozenset(group for group in people.values() if len(group) > 1)
        pages = {browser for browser, uid in self.pages.items() if uid in self.shared}
        shared = frozenset(pages | {uid.rstrip("'") for uid in self.shared})
        return Outcome(groups, frozenset(suggested), shared, tuple(self.refused))

    def _redeem(self, clicked: str, how: str) -> str:
        """Return whose link it was, or nothing if the click is ignored."""
        click = self.clicks[clicked]
        if how == "as another agent" or self.now - click.when > TOKEN:
            return ""
        if click.is_redeemed:
            raise Refused
        click.is_redeemed = True
        return click.contact

    def _land(
        self, page: str, browser: str, contact: str, *, has_gesture: bool
    ) -> None:
        self.pages[page] = browser
        self.redeemed.append((browser, contact, self.now))
        self.attached[browser, contact].is_returning |= has_gesture
        self._examine(browser)

    def _land_elsewhere(self, browser: str, page: str, contact: str) -> None:
        self.pages[browser] = page or f"{browser}'"
        self._attach(self.pages[browser], contact, is_elsewhere=True)

    def _accept(self, suggested: Suggested) -> None:
        one, other = (self.root(name) for name in suggested.pair)
        into, loser = (one, other) if self.is_known(one) else (other, one)
        self._merge(into, loser)
        attached = self.attachments(suggested.browser, into)
        if not attached:
            attached = self._attach_chatter(suggested.browser, into)
        for attachment in attached.values():
            attachment.review = "confirmed"
        self._examine_confirmed(attached)

    def _forget_unused(self, browser: str) -> None:
        """Forget a browser of nobody: earlier suggestions confirm nothing later."""
        if all(where != browser for where, _ in self.attached):
            for each in self.suggestions:
                each.browser = "" if each.browser == browser else each.browser

    def _attach_chatter(self, browser: str, contact: str) -> Keyed:
        if (when := self._chatted(browser).get(contact)) is None:
            return {}
        key = browser, contact
        self.attached[key] = Attachment(when, when, has_only_chatted=True)
        return {key: self.attached[key]}

    def _reject(self, suggested: Suggested) -> None:
        pair = self._pair(suggested)
        self.separate |= {pair, frozenset(suggested.pair)}
        for each in self.open_suggestions():
            if self._pair(each) == pair:
                each.is_open = False

    def of_user(self, browser: str, person: str) -> Keyed:
        """Return attachments that a user sees: of the cookie and of the page's uid."""
        uids = {browser, self.pages.get(browser, browser)}
        return {
            key: each
            for uid in sorted(uids)
            for key, each in self.attachments(uid, person).items()
        }

    def _pair(self, suggested: Suggested) -> frozenset[str]:
        return frozenset(map(self.root, suggested.pair))


def replay(history: History, kind: type[Oracle] = Oracle) -> Outcome:
    """Return the outcome of the history's steps."""
    oracle = kind(set(history.known), history.mode, history.anonymous)
    for step in history.steps:
        oracle.play(step)
    return oracle.outcome()
