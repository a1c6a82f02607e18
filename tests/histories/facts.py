"""The facts that follow from the events of a history (docs/merge-rules.md)."""

from dataclasses import dataclass, field

DAY = 24 * 60.0  # times are in minutes
MONTHS = 90 * DAY
SESSION = 30.0
PER_LINK, PER_CONTACT, PER_DAY, SHARED_BY = 2, 5, 5, 3

Pair = frozenset[str]


@dataclass
class Attachment:
    """A browser opened links of a contact, or got its clicks at another address.

    Or a user confirmed it for a contact that only chatted there.
    """

    first: float
    last: float
    is_returning: bool = False
    is_elsewhere: bool = False
    has_only_chatted: bool = False
    review: str = ""


@dataclass
class Click:
    """A click of a link, whose token a page may redeem once, for some time."""

    contact: str
    when: float
    is_redeemed: bool = False


@dataclass(frozen=True)
class Evidence:
    """A chat or else an open on which a decision rests, and whose links were opened."""

    browser: str = ""
    chat: str = ""
    opened: frozenset[str] = frozenset()

    @property
    def event(self) -> tuple[str, str]:
        """Identify what causes one merge at most."""
        return self.browser, self.chat


@dataclass
class Suggested:
    """A suggestion, the number of the merge that closed it, and of merges before it."""

    pair: tuple[str, str]
    rule: str
    evidence: Evidence
    after: int
    is_open: bool = True
    closed_by: int = 0


@dataclass
class Merged:
    """A merge; those of rules may be withdrawn, and their events may merge again."""

    loser: str
    into: str
    when: float
    evidence: Evidence
    is_by_rule: bool = False
    is_undone: bool = False
    is_withdrawn: bool = False


Keyed = dict[tuple[str, str], Attachment]


@dataclass
class Facts:
    """Stores each event, and computes the facts of a browser when they are needed."""

    known: set[str]
    mode: str
    anonymous: tuple[str, ...] = ()  # with links
    now: float = 0.0
    parents: dict[str, str] = field(default_factory=dict)
    attached: Keyed = field(default_factory=dict)
    elsewhere: set[tuple[str, str]] = field(default_factory=set)
    opens: list[tuple[str, str, str, float]] = field(default_factory=list)
    redeemed: list[tuple[str, str, float]] = field(default_factory=list)
    chats: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    suggestions: list[Suggested] = field(default_factory=list)
    separate: set[Pair] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    joins: list[tuple[str, float]] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    pages: dict[str, str] = field(default_factory=dict)
    clicks: dict[str, Click] = field(default_factory=dict)
    merges: list[Merged] = field(default_factory=list)

    def root(self, name: str) -> str:
        while name in self.parents:
            name = self.parents[name]
        return name

    def members(self, name: str) -> frozenset[str]:
        """Return the contact and all that are merged with it."""
        return frozenset(n for n in self.names() if self.root(n) == self.root(name))

    def open_suggestions(self) -> list[Suggested]:
        return [each for each in self.suggestions if each.is_open]

    def names(self) -> set[str]:
        visitors = {person for person, _, _ in self.chats.values()}
        return {*self.known, *self.anonymous, *visitors}

    def attachments(self, browser: str, contact: str) -> Keyed:
        """Return the attachments of the contact and of those merged into it."""
        return {
            (where, who): each
            for (where, who), each in self.attached.items()
            if where == browser and self.root(who) == self.root(contact)
        }

    def is_known(self, name: str) -> bool:
        """Return whether the contact or one that is merged into it is known."""
        return any(self.root(each) == self.root(name) for each in self.known)

    def _openers(self, browser: str) -> dict[str, list[Attachment]]:
        found: dict[str, list[Attachment]] = {}
        for (where, contact), attachment in self.attached.items():
            if where == browser:
                found.setdefault(self.root(contact), []).append(attachment)
        return {
            who: attached
            for who, attached in found.items()
            if all(each.review != "rejected" for each in attached)
        }

    def _chatted(self, browser: str) -> dict[str, float]:
        """Return who chatted in the browser, also anonymous contacts, and when."""
        found: dict[str, float] = {}
        for person, where, when in self.chats.values():
            if where == browser:
                root = self.root(person)
                found[root] = max(when, found.get(root, when))
        return found

    def _last_seen(self, browser: str) -> dict[str, float]:
        """Return the known people of the browser, and when they were last seen."""
        people = self._people(browser).items()
        return {who: when for who, when in people if self.is_known(who)}

    def _people(self, browser: str) -> dict[str, float]:
        """Return who opened links there, known or not, and known people who chatted."""
        seen = {
            who: max(each.last for each in attached)
            for who, attached in self._openers(browser).items()
        }
        for who, when in self._chatted(browser).items():
            if who in seen or self.is_known(who):
                seen[who] = max(when, seen.get(who, when))
        return {who: when for who, when in seen.items() if who not in self.deleted}

    def _opened(self, browser: str, *roots: str) -> frozenset[str]:
        """Return whose links among these people were opened here, for the evidence."""
        openers = self._openers(browser)
        found: set[str] = set()
        for root in roots:
            here = {who for where, who, _, _ in self.opens if where == browser}
            elsewhere = {who for where, who in self.elsewhere if where == browser}
            own = {who for who in here if self.root(who) == root and root in openers}
            found |= own or {who for who in elsewhere if self.root(who) == root}
        return frozenset(found)

    def _is_kiosk(self, browser: str) -> bool:
        seen = self._last_seen(browser).values()
        if sum(self.now - when <= MONTHS for when in seen) < SHARED_BY:
            return False
        self.shared.add(browser)
        return True

    def _returning_elsewhere(self, browser: str, who: str) -> dict[str, float]:
        """Return other browsers of the contact that returned, and their first open."""
        found: dict[str, float] = {}
        for (where, contact), each in self.attached.items():
            is_other = where != browser and self.root(contact) == who
            if is_other and each.is_returning and each.review != "rejected":
                found[where] = min(each.first, found.get(where, each.first))
        return found

    def _links(self, browser: str, who: str) -> dict[str, float]:
        """Return the contact's links that the browser opened, and when at first."""
        found: dict[str, float] = {}
        for where, contact, link, when in self.opens:
            attachment = self.attached.get((where, contact))
            # A browser that was detached starts again.
            is_counted = attachment is not None and when >= attachment.first
            if is_counted and where == browser and self.root(contact) == who:
                found.setdefault(f"{contact}{link}", when)
        return found

    def _is_forwarded(self, browser: str, who: str) -> bool:
        others = self._returning_elsewhere(browser, who)
        links = self._links(browser, who)
        first = min(each.first for each in self._openers(browser)[who])
        earlier = [when for when in others.values() if first - 30 * DAY < when < first]
        is_late = [
            sum(self._links(other, who).get(link, when) < when for other in others)
            >= PER_LINK
            for link, when in links.items()
        ]
        return len(earlier) >= PER_CONTACT or (bool(links) and all(is_late))

    def _is_established(self, browser: str, who: str) -> bool:
        attached = self._openers(browser).get(who, [])
        if not attached or self._returning_elsewhere(browser, who):
            return False
        first, last = min(a.first for a in attached), max(a.last for a in attached)
        is_used = len(self._links(browser, who)) > 1 and last - first >= DAY
        return is_used and any(each.is_returning for each in attached)

    def _is_doubtful(self, browser: str, *others: str) -> bool:
        people = {*self._openers(browser), *self._chatted(browser), *others}
        return any(pair <= people for pair in self._separate_roots())

    def _separate_roots(self) -> set[Pair]:
        pairs = {frozenset(map(self.root, pair)) for pair in self.separate}
        return {pair for pair in pairs if len(pair) == 2}

    def _are_separate(self, one: str, other: str) -> bool:
        return frozenset({one, other}) in self._separate_roots()
