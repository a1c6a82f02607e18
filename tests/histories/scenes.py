"""Scenes that lead to a rule's limits, with random details on either side of them.

Uniform steps reach few limits: six merges of a day need one browser and many visitors,
a forwarded link many browsers of one contact.
"""

from tests.histories.steps import VISITORS, RandomSteps

HOURS = "pass 22 hours", *["pass 25 hours"] * 3
MONTHS = "pass 89 days", "pass 91 days", "pass 91 days"


class Scenes(RandomSteps):
    """Several steps about one browser or one contact; each method plays one scene."""

    def settle_in(self) -> None:
        """A browser is used for days, or nearly so, perhaps beside another one."""
        browser, other, *_ = self._browsers()
        contact = self._contact()
        if self._chance(0.5):
            self._visit(other, contact, hows=("", "opens", " without gesture"))
        first, second = self.dice.sample("123", 2)
        self._visit(browser, contact, first)
        if self._chance(0.9):
            self._play(self.dice.choice(HOURS))
        if is_detached := self._chance(0.25):
            self._detach(browser, contact)
        self._visit(browser, contact, second if self._chance(0.7) else first)
        if is_detached or self._chance(0.2):
            self._play(self.dice.choice(HOURS))
            self._visit(browser, contact, second)
        self._chat(self._visitor(), browser)

    def forward(self) -> None:
        """A link was opened in other browsers before, but for one detail perhaps."""
        contact = self._contact()
        *others, last = self._browsers()[: self.dice.choice([3, 3, 4])]
        links = self.dice.choice(["1", "12"])
        details = ["", "opens", "reject", "confirm", "confirm", *["miss"] * 3]
        detail = self.dice.choice(details)
        for other in others:
            hows = ("opens",) if detail == "opens" and other == others[0] else ("",)
            is_missing = detail == "miss" and other == others[0]
            for link in links[:-1] if is_missing else links:
                self._visit(other, contact, link, hows)
        if detail == "reject":
            self._review("reject", others[0], contact)
        for link in links:
            self._visit(last, contact, link, ("", "opens"))
        if detail == "confirm":
            self._review("confirm", last, contact)
        self._chat(self._visitor(), self.dice.choice([last, last, last, *others]))

    def spread(self) -> None:
        """A contact has many browsers, perhaps not within a month."""
        contact = self._contact()
        browsers = self._browsers()
        pause = self.dice.randrange(len(browsers) + 2)
        for number, browser in enumerate(browsers):
            link = "123"[number % 3]
            self._visit(browser, contact, link, (*[""] * 9, "opens"))
            if number == pause:
                self._play(self.dice.choice(["pass 28 days", "pass 32 days"]))
        self._chat(self._visitor(), self.dice.choice(browsers[-2:]))

    def crowd(self) -> None:
        """Many visitors chat in a browser that is believed."""
        browser, contact = self._browsers()[0], self._contact()
        self._visit(browser, contact)
        self._review("confirm", browser, contact)
        pause = self.dice.randint(4, 7)
        people = self.dice.sample(VISITORS, self.dice.randint(5, len(VISITORS)))
        for number, visitor in enumerate(people):
            if number == pause:
                self._play(self.dice.choice(("pass 1 hour", *HOURS)))
            self._chat(visitor, browser)

    def return_late(self) -> None:
        """Somebody was seen here long ago, perhaps in a chat since."""
        browser, contact = self._browsers()[0], self._contact()
        self._visit(browser, contact)
        is_confirmed = self._chance(0.6)
        if is_confirmed:
            self._review("confirm", browser, contact)
        else:
            self._chat(self._visitor(), browser)
        if self._chance(0.5):
            self._play("pass 50 days")
            self._chat(self.dice.choice([contact, self._visitor()]), browser)
            self._play("pass 50 days")
        else:
            self._play(self.dice.choice(MONTHS))
        if not is_confirmed or self._chance(0.2):
            self._visit(browser, self._contact())
            self._review("confirm", browser, contact)
        self._chat(self._visitor(), browser)

    def share(self) -> None:
        """Two people use a browser; one clicks, and somebody chats."""
        browser, visitor = self._browsers()[0], self._visitor()
        people = self._contacts(2)
        for each in people:
            self._visit(browser, each, hows=("opens", ""))
            if self._chance(0.7):
                self._review("confirm", browser, each)
        self._perhaps_play(0.8, "pass 40 minutes", "pass 2 days")
        if self._chance(0.4):
            self._chat(visitor, browser)
        self.dice.shuffle(people)
        for each in people[: self.dice.choice([1, 1, 1, 2])]:
            self._visit(browser, each)
        self._chat_later([*people, self._contact()], visitor, browser)

    def _chat_later(self, people: list[str], visitor: str, browser: str) -> None:
        if self._chance(0.2):
            self._chat(self.dice.choice(people), browser)
        self._perhaps_play(0.6, "pass 12 minutes", "pass 40 minutes")
        self._chat(self.dice.choice([visitor, self._visitor()]), browser)

    def gather(self) -> None:
        """Three people are seen in a browser, perhaps not within 90 days."""
        browser = self._browsers()[0]
        for each in self._contacts(3):
            if self._chance(0.6):
                self._visit(browser, each, hows=("opens",))
            else:
                self._chat(each, browser)
            if self._chance(0.3):
                self._play(self.dice.choice(MONTHS))
        if self._chance(0.3):
            self.delete()
        if self._chance(0.3):
            self._play("pass 91 days")
            self._visit(browser, self._contact())
        self._chat(self._visitor(), browser)

    def gather_anonymous(self) -> None:
        """Links of anonymous contacts are opened beside those of known ones.

        Some of the anonymous ones chat there, or in another browser.
        """
        browser, other, *_ = self._browsers()
        people = [*self.anonymous, *self._contacts(2)]
        if self._chance(0.25):
            self._return_anonymously(browser)
        if self._chance(0.6):
            self.dice.shuffle(people)
        for each in people[: self.dice.choice([2, 3, 3, 4])]:
            if self._chance(0.4):
                self._chat_anonymously(self.dice.choice([browser, browser, other]))
            self._visit(browser, each, hows=("opens",))
            if self._chance(0.4):
                self._review("confirm", browser, each)

    def _return_anonymously(self, browser: str) -> None:
        """An anonymous contact's link is opened long after its chat there."""
        first, *others = self._contacts(2)
        self._visit(browser, first, hows=("opens",))
        self._chat_anonymously(browser)
        self._play(self.dice.choice(MONTHS))
        for each in (*others, *self.anonymous):
            self._visit(browser, each, hows=("opens",))

    def _chat_anonymously(self, browser: str) -> None:
        """Let an anonymous contact chat that also has links."""
        person = self.dice.choice(self.anonymous)
        if self.oracle.root(person) == person:
            self._chat(person, browser)

    def leave(self) -> None:
        """A browser is detached or rejected, and somebody has chatted there."""
        browser, contact = self._browsers()[0], self._contact()
        self._visit(browser, contact)
        if self._chance(0.6):
            self._chat(self._contact(), browser)
        if self._chance(0.7):
            self._detach(browser, contact)
        else:
            self._review("reject", browser, contact)
        if self._chance(0.4):
            self._chat(self._contact(), browser)
        self._chat(self._visitor(), browser)
        if self._chance(0.6):
            self.accept()
            self._chat(self._visitor(), browser)

    def move(self) -> None:
        """A click's page is opened from another address, or it is ignored."""
        browser, contact = self._browsers()[0], self._contact()
        if self._chance(0.3):
            self._visit(browser, self._contact())
        self._visit(browser, contact, hows=("opens",))
        how = self.dice.choice(["from elsewhere", "from elsewhere", "as another agent"])
        if self._is_present(contact):
            self._play(f"{browser} lands {how}")
        self._chat(self._visitor(), browser)
        if self._chance(0.5):
            self.dice.choice([self.accept, self.reject, self.confirm])()
            self._chat(self._visitor(), browser)

    def lure_twice(self) -> None:
        """A page gets clicks of two people, and somebody chats there."""
        browser, lured = self._browsers()[0], self.dice.choice("st")
        for number, each in enumerate(self._contacts(2)):
            if number and self._chance(0.7):
                self._play("pass 40 minutes")
            self._visit(browser, each, hows=("opens",))
            self._receive(lured, browser, odds=0.3)
            if self._chance(0.4):
                self._review("confirm", lured, each)
        self._chat(self._visitor(), lured)

    def answer(self) -> None:
        """Users answer some of the questions about a browser of two people."""
        browser, visitor = self._browsers()[0], self._visitor()
        for each in self._contacts(2):
            self._visit(browser, each, hows=("opens",))
        self._chat(visitor, browser)
        for _ in range(self.dice.randint(1, 3)):
            self.dice.choice([self.accept, self.reject, self.merge, self.edit])()
        if self._chance(0.6):
            self.undo()
        self._chat(self.dice.choice([visitor, self._visitor()]), browser)

    def quarrel(self) -> None:
        """A visitor's chat is answered wrongly, and others chat there afterwards."""
        browser, contact = self._browsers()[0], self._contact()
        self._visit(browser, contact)
        if self._chance(0.5):
            self._review("confirm", browser, contact)
        visitor = self._visitor()
        self._chat(visitor, browser)
        self.dice.choice([self.undo, self.reject])()
        if self._chance(0.3):
            self._visit(browser, self._contact())
        self._chat(self.dice.choice([visitor, self._visitor()]), browser)

    def part(self) -> None:
        """Two known contacts were one person while somebody chatted."""
        browser, other, *_ = self._browsers()
        one, two = self._contact(), self._contact()
        self._visit(browser, two)
        if self._chance(0.4):
            self._visit(self.dice.choice([browser, other]), one, hows=("opens",))
        if self._chance(0.8):
            self._merge(two, one)
        if self._chance(0.6):
            self._review("confirm", browser, two)
        self._chat(self._visitor(), browser)
        self.dice.choice([self.merge, self.accept, self.wait, self.reject])()
        self.dice.choice([self.undo_first, self.undo, self.undo_everything])()
        self._chat(self._visitor(), browser)
