"""An oracle of histories, written from docs/merge-rules.md alone.

It keeps what happened, and computes the facts from it at each decision. It covers
opens, landings (also elsewhere), lured clicks, scans, chats, time, links of anonymous
contacts, edits and deleted contacts. Users decide about browsers, suggestions and
people, and undo merges. It leaves out denied consent, bursts, and opens of links
of deleted contacts.
"""

from dataclasses import dataclass, field, replace

from tests.histories.decisions import Decisions
from tests.histories.facts import (
    DAY,
    Attachment,
    Click,
    Evidence,
    Keyed,
    Merged,
    Suggested,
)
from tests.histories.notation import History, Outcome, Step

STEP = 1 / 6  # in minutes; in fact somewhat longer
TOKEN = 3.0  # minutes
YEAR = 365 * DAY
UNITS = {"second": 1 / 60, "minute": 1.0, "hour": 60.0, "day": 24 * 60.0}


class Refused(Exception):
    """There is nothing to decide."""


@dataclass
class Oracle(Decisions):
    """A method for each kind of step, which adds to the facts and decides."""

    refused: list[str] = field(default_factory=list)
    first: tuple[str, ...] = ()  # contacts of the beginning

    def __post_init__(self) -> None:
        self.first = (*sorted(self.known), *self.anonymous)

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
            self._require_unused(page, browser)
            self._land(browser, browser, contact, has_gesture=how != "without gesture")
        else:
            self._land_elsewhere(browser, page, contact)

    def receive(self, browser: str, clicked: str, how: str = "") -> None:
        page = self.pages.get(browser, "")
        if not (contact := self._redeem(clicked, how)):
            return
        if page == clicked or how == "from the same address":
            self._require_unused(page, clicked)
            self._land(browser, clicked, contact, has_gesture=True)
        else:
            self._land_elsewhere(browser, page, contact)

    def chat(self, person: str, browser: str) -> None:
        name = f"{person} {browser}" if person.isupper() else person
        uid = self.pages.get(browser, browser)
        self.chats[name] = (person, uid, self.now)
        self._decide_chat(name)

    def wait(self, number: str, unit: str) -> None:
        self.now += int(number) * UNITS[unit] - STEP

    # Users.

    def review(self, review: str, browser: str, person: str) -> None:
        if not (attached := self.of_user(browser, person)):
            raise Refused
        for attachment in attached.values():
            attachment.review = {"confirm": "confirmed", "reject": "rejected"}[review]
        if review == "confirm":
            self._examine(attached)

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
        shown = self._shown_merges()
        if int(number) > len(shown):
            raise Refused
        merge = shown[int(number) - 1]
        if merge.is_undone or self.now - merge.when > YEAR:
            raise Refused
        self._undo(merge, self._number(merge))

    def undo_all(self) -> None:
        applied = [each for each in self._shown_merges() if not each.is_undone]
        for merge in reversed(applied):
            if merge.is_undone or self.now - merge.when > YEAR:
                raise Refused
            self._undo(merge, self._number(merge))

    def edit(self, person: str) -> None:
        self.known.add(self.root(person))

    def merge(self, survivor: str, loser: str) -> None:
        if self.root(survivor) == self.root(loser):
            raise Refused
        self._merge(self.root(survivor), self.root(loser), Evidence())

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

    def _require_unused(self, page: str, browser: str) -> None:
        """Refuse pages of other browsers: the docs do not say what they join."""
        if page not in {"", browser}:
            raise Refused

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
        self._examine_chats(browser)

    def _land_elsewhere(self, browser: str, page: str, contact: str) -> None:
        self.pages[browser] = page or f"{browser}'"
        self.elsewhere.add((self.pages[browser], contact))
        self._attach(self.pages[browser], contact, is_elsewhere=True)

    def _accept(self, suggested: Suggested) -> None:
        into, loser = sorted(map(self.root, suggested.pair), key=self._rank)
        evidence = suggested.evidence
        self._merge(into, loser, evidence)
        attached = self.attachments(evidence.browser, into)
        if not attached:
            attached = self._attach_chatter(evidence.browser, into)
        for attachment in attached.values():
            attachment.review = "confirmed"
        self._examine(attached)

    def _rank(self, name: str) -> tuple[bool, int]:
        """Return which contact survives: the known one, else the older one."""
        visitors = [person for person, _, _ in self.chats.values()]
        order = [*sorted(self.first), *visitors]
        return not self.is_known(name), order.index(name)

    def _forget_unused(self, browser: str) -> None:
        """Forget a browser of nobody: earlier suggestions confirm nothing later."""
        if all(where != browser for where, _ in self.attached):
            for each in self.suggestions:
                if each.evidence.browser == browser:
                    each.evidence = replace(each.evidence, browser="")

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

    def _undo(self, merge: Merged, number: int) -> None:
        self._remove(merge)
        left = self.members(merge.loser)
        ones = {merge.into, self.root(merge.into), *(merge.evidence.opened - left)}
        self.separate |= {frozenset({one, merge.loser}) for one in ones - {merge.loser}}
        checks = [merge.evidence, *self._closed_by(number)]
        for later, each in reversed(list(enumerate(self.merges, start=1))):
            if later > number and self._is_misplaced(each, merge):
                self._remove(each)
                each.is_withdrawn = True
                checks += [each.evidence, *self._closed_by(later)]
        checks += self._withdraw_suggestions(merge, number)
        self._examine_again(checks)

    def _shown_merges(self) -> list[Merged]:
        """Return the merges without those of deleted contacts, which are hidden."""
        return [
            merge
            for merge in self.merges
            if not self.deleted & {self.root(merge.into), self.root(merge.loser)}
        ]

    def _number(self, merge: Merged) -> int:
        return next(n for n, each in enumerate(self.merges, start=1) if each is merge)

    def _remove(self, merge: Merged) -> None:
        """Compute who is one person, as if the merge had never been."""
        merge.is_undone = True
        self.parents = {m.loser: m.into for m in self.merges if not m.is_undone}

    def _closed_by(self, number: int) -> list[Evidence]:
        """Return what the suggestions rest on that this merge answered."""
        closed = [each for each in self.suggestions if each.closed_by == number]
        return [each.evidence for each in reversed(closed)]

    def _is_misplaced(self, merge: Merged, undone: Merged) -> bool:
        """Return whether a rule joined it to the wrong one of the two contacts."""
        is_of_rule = merge.is_by_rule and not merge.is_undone
        if not is_of_rule or merge.into not in {undone.into, undone.loser}:
            return False
        opened = merge.evidence.opened - {merge.loser}
        return bool(opened) and not opened & self.members(merge.into)

    def _withdraw_suggestions(self, merge: Merged, number: int) -> list[Evidence]:
        """Close suggestions that rest on links of somebody else now."""
        people = self.members(merge.into) | self.members(merge.loser)
        since = [
            each
            for each in reversed(self.open_suggestions())
            if each.after >= number and people & set(each.pair)
        ]
        for each in since:
            pair = self.members(each.pair[0]) | self.members(each.pair[1])
            opened = each.evidence.opened
            each.is_open = bool(opened) and opened <= pair
        return [each.evidence for each in since]

    def _examine_again(self, checks: list[Evidence]) -> None:
        """Decide again about chats, and about all opens of other browsers."""
        for evidence in checks:
            if not evidence.chat:
                keys = [key for key in self.attached if key[0] == evidence.browser]
                self._examine(reversed(keys))
            elif evidence.chat in self.chats:
                self._decide_chat(evidence.chat)

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
