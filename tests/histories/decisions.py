"""The rules of docs/merge-rules.md, applied to the facts of a history."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tests.histories.facts import (
    DAY,
    MONTHS,
    PER_DAY,
    SESSION,
    Attachment,
    Evidence,
    Facts,
    Merged,
    Suggested,
)


@dataclass
class Decisions(Facts):
    """Facts, and the rules that decide when one is added."""

    def _attach(
        self,
        browser: str,
        contact: str,
        *,
        is_returning: bool = False,
        is_elsewhere: bool = False,
    ) -> None:
        is_new = (browser, contact) not in self.attached
        attachment = self.attached.setdefault(
            (browser, contact),
            Attachment(self.now, self.now, is_elsewhere=is_elsewhere),
        )
        attachment.last = self.now
        attachment.is_returning |= is_returning
        attachment.is_elsewhere &= is_elsewhere
        attachment.has_only_chatted = False
        if is_new:
            self._examine([(browser, contact)])
        else:
            self._examine_chats(browser)

    def _examine(self, attached: Iterable[tuple[str, str]]) -> None:
        """Decide again about these opens, and about the chats in their browsers."""
        browsers = []
        for key in attached:
            attachment = self.attached.get(key)
            if attachment is not None and attachment.review != "rejected":
                if not attachment.has_only_chatted:
                    self._decide_open(*key)
                browsers.append(key[0])
        for browser in browsers:
            self._examine_chats(browser)

    def _examine_chats(self, browser: str) -> None:
        """Decide again about chats whose contact is still anonymous."""
        chats = sorted(self.chats, key=lambda name: self.chats[name][2], reverse=True)
        for name in chats:
            person, where, when = self.chats[name]
            is_recent = self.now - when < MONTHS
            if where == browser and is_recent and not self.is_known(person):
                self._decide_chat(name)

    def _decide_open(self, browser: str, contact: str) -> None:
        """An open merges nothing. An anonymous chat here is decided as a chat."""
        opened = self.root(contact)
        is_decided = self.mode == "off" or browser in self.shared
        if is_decided or self._is_kiosk(browser):
            return
        chatted = {who for who in self._chatted(browser) if not self.is_known(who)}
        people = [
            who
            for who in self._people(browser)
            if who not in {opened, *chatted} and not self._are_separate(who, opened)
        ]
        known = [who for who in people if self.is_known(who)]
        event = Evidence(browser)
        if known and opened not in chatted:
            self._suggest_each(known, opened, "R5", event)
        elif self.is_known(opened):
            self._suggest_each(people, opened, "R5", event)

    def _decide_chat(self, name: str) -> None:
        person, browser, chatted = self.chats[name]
        who = self.root(person)
        event = Evidence(browser, chat=name)
        opened = any(where == browser for where, _ in self.attached)
        if self.mode == "off" or not opened or browser in self.shared:
            return
        others = [other for other in self._last_seen(browser) if other != who]
        if not others or self._is_kiosk(browser):
            return
        allowed = [other for other in others if not self._are_separate(other, who)]
        clicked = self._clicked(browser, chatted)
        if self.is_known(who):
            self._suggest_each(allowed, who, "R4", event)
        elif len(others) == 1:
            self._join_each(allowed, who, "R3", event)
        elif clicked in allowed:
            self._join(str(clicked), who, "R6", event)
        else:
            self._suggest_each(allowed, who, "R6", event)

    def _join_each(
        self, people: Iterable[str], who: str, rule: str, event: Evidence
    ) -> None:
        for other in people:
            self._join(other, who, rule, event)

    def _clicked(self, browser: str, chatted: float) -> str | None:
        clicks = [
            (self.root(who), when)
            for where, who, when in self.redeemed
            if where == browser and 0 <= chatted - when <= SESSION
        ]
        if len({who for who, _ in clicks}) != 1:
            return None
        clicked, last = clicks[-1]
        seen = self._people(browser)
        later = [w for w, when in seen.items() if w != clicked and when > last]
        return None if later else clicked

    def _join(self, known: str, person: str, rule: str, event: Evidence) -> None:
        if doubt := self._doubt(known, person, rule, event):
            self._suggest(known, person, doubt, event)
        elif not self._caused_by(event):
            self._merge(
                known, person, self._rest(event, known, person), is_by_rule=True
            )
            self.joins.append((known, self.now))

    def _caused_by(self, event: Evidence) -> list[Merged]:
        """Return the merges that this event caused, unless the rules withdrew them."""
        caused = [m for m in self.merges if m.is_by_rule and not m.is_withdrawn]
        return [m for m in caused if m.evidence.event == event.event]

    def _rest(self, event: Evidence, one: str, other: str) -> Evidence:
        roots = [one] if event.chat else [one, other]
        return replace(event, opened=self._opened(event.browser, *roots))

    def _merge(
        self, into: str, loser: str, evidence: Evidence, *, is_by_rule: bool = False
    ) -> None:
        """Answer the questions about the anonymous one of the two: who it is."""
        is_known, is_loser_known = self.is_known(into), self.is_known(loser)
        anonymous = {loser: is_loser_known, into: is_known}
        answered = {n for n, known in anonymous.items() if not known}
        number = len(self.merges) + 1
        for each in self.open_suggestions():
            pair = {self.root(name) for name in each.pair}
            if pair == {into, loser}:
                each.is_open = False
            elif is_known != is_loser_known and answered & pair:
                each.is_open, each.closed_by = False, number
        self.parents[loser] = into
        self.merges.append(Merged(loser, into, self.now, evidence, is_by_rule))

    def _doubt(self, known: str, person: str, rule: str, event: Evidence) -> str:
        browser = event.browser
        attached = self._openers(browser).get(known, [])
        today = [w for w, when in self.joins if w == known and self.now - when < DAY]
        is_confirmed = any(each.review == "confirmed" for each in attached)
        is_undone = any(each.is_undone for each in self._caused_by(event))
        if self._is_doubtful(browser, person) or is_undone:
            return "R10"
        if not is_confirmed and attached and all(a.is_elsewhere for a in attached):
            return "R11"
        if not is_confirmed and attached and self._is_forwarded(browser, known):
            return "R7"
        is_enough = self.mode == "auto" and self._is_established(browser, known)
        if not is_confirmed and not is_enough:
            return "R9"
        if len(today) >= PER_DAY:
            return "R8"
        is_old = self.now - self._last_seen(browser)[known] > MONTHS
        return rule if is_old else ""

    def _suggest_each(
        self, people: Iterable[str], who: str, rule: str, event: Evidence
    ) -> None:
        for other in people:
            self._suggest(other, who, rule, event)

    def _suggest(self, one: str, other: str, rule: str, event: Evidence) -> None:
        """Suggest the pair, unless a suggestion of it is open."""
        pair = {one, other}
        if not any(
            set(map(self.root, e.pair)) == pair for e in self.open_suggestions()
        ):
            evidence = self._rest(event, one, other)
            made = Suggested((one, other), rule, evidence, len(self.merges))
            self.suggestions.append(made)
