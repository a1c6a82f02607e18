"""A mailing through each kind of mail gateway: no machine is noted, and people are."""

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from shortlinks.domain.visits import processing
from shortlinks.models import Account, Note, ShortLink, Visit
from tests import factories
from tests.domain.visits import gateways
from tests.domain.visits.gateways import GATEWAYS, Gateway
from tests.factories import CHROME

SIZE, PEOPLE = 1000, 300
SLICE = timedelta(seconds=60)  # the time in which an open must be noted
MAILING = timedelta(minutes=40)
BROWSERS = [
    (CHROME, gateways.CLICKED),
    (f"{CHROME} Edg/140.0.0.0", gateways.BY_SCRIPT),
    ("Mozilla/5.0 (Windows NT 10.0; rv:145.0) Gecko/20100101 Firefox/145.0",
     gateways.CLICKED),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
     " (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1", gateways.CLICKED),
    ("Mozilla/5.0 (Linux; Android 14; SM-A536E) AppleWebKit/537.36 (KHTML, like Gecko)"
     " Chrome/140.0.0.0 Mobile Safari/537.36", gateways.CLICKED),
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("over_https")


@dataclass(slots=True)
class Mailing:
    """The visits of a mailing, and the reasons that their verdicts must have."""

    links: Sequence[ShortLink]
    gateway: Gateway
    dice: random.Random
    sent_at: datetime
    visits: list[Visit]
    reasons: dict[UUID, str]

    def scan(self) -> None:
        for link in self.links:
            for machine in self.gateway.machines:
                if not machine.before_clicks:
                    after = self.dice.uniform(*machine.seconds)
                    self._fetch(link, self.sent_at + timedelta(seconds=after), machine)

    def read(self, links: Sequence[ShortLink]) -> None:
        """Let people of forty companies click, each company behind one address."""
        for number, link in enumerate(links):
            after = timedelta(seconds=self.dice.uniform(20, 2000))
            at, page = self.sent_at + after, self.dice.choice(self.gateway.pages)
            agent, headers = self.dice.choice(BROWSERS)
            facts = {**headers, "user_agent": agent, "referer": page}
            reason = "gateway page" if page else "browser"
            self._add(link, at, f"203.0.{number % 40}.7", facts, reason)
            for machine in self.gateway.machines:
                if machine.before_clicks:
                    before = timedelta(seconds=self.dice.uniform(*machine.seconds))
                    self._fetch(link, at - before, machine)

    def scan_by_appliance(self, links: Sequence[ShortLink]) -> None:
        """Open many links within seconds from an office, as an appliance does."""
        for link in links:
            after = timedelta(seconds=2 + self.dice.uniform(0, 4))
            facts = {**gateways.COMPLETE, "user_agent": CHROME, "referer": ""}
            at = self.sent_at + after
            self._add(link, at, "198.51.100.9", facts, "part of a burst")

    def read_behind_vpn(self, link: ShortLink, *seconds: int) -> None:
        """Open a link at home first, and then from a cloud, with the cookie."""
        facts = {**gateways.CLICKED, "user_agent": CHROME, "referer": ""}
        places = ["203.0.113.9", *["52.29.8.7"] * (len(seconds) - 1)]
        reasons = ["browser", *["data center: aws"] * (len(seconds) - 1)]
        for after, address, reason in zip(seconds, places, reasons, strict=True):
            at = self.sent_at + timedelta(seconds=after)
            self._add(link, at, address, facts, reason)
            self.visits[-1].pixel_sha256 = factories.cookie_sha256("vpn")
            self.visits[-1].pixel_is_new = after == seconds[0]

    def scan_with_cookies(self, links: Sequence[ShortLink]) -> None:
        """Open each link three times in a sandbox that keeps its cookies."""
        facts = {**gateways.COMPLETE, "user_agent": CHROME, "referer": ""}
        for number, link in enumerate(links):
            for after in (60, 70, 100):
                at = self.sent_at + timedelta(seconds=number + after)
                self._add(link, at, f"3.91.5.{number}", facts, "data center: aws")
                self.visits[-1].pixel_sha256 = factories.cookie_sha256(str(number))
                self.visits[-1].pixel_is_new = after == 60

    def _fetch(self, link: ShortLink, at: datetime, machine: gateways.Machine) -> None:
        address = f"{self.dice.choice(machine.networks)}.{self.dice.randint(1, 250)}"
        facts = {"referer": "", "user_agent": machine.user_agent, **machine.facts}
        self._add(link, at, address, facts, machine.reason)

    def _add(
        self,
        link: ShortLink,
        at: datetime,
        address: str,
        facts: dict[str, str],
        reason: str,
    ) -> None:
        source = f"{address} {facts['user_agent']}".encode()
        visit = Visit(
            id=factories.visit_id(at), link_id=link.id, occurred_at=at, method="GET",
            purpose="", address=address.rpartition(".")[0] + ".0", pixel_is_new=False,
            visitor_hash=hashlib.sha256(source).digest()[:16], due_at=at, **facts,
        )  # fmt: skip
        self.visits.append(visit)
        self.reasons[visit.id] = reason


@pytest.mark.parametrize("kind", GATEWAYS)
def test_mailing_through_a_gateway_notes_people_only(
    account: Account, kind: str
) -> None:
    links = factories.links([factories.contact(account) for _ in range(SIZE)])
    dice = random.Random(kind)
    sent_at = timezone.now() - MAILING
    mailing = Mailing(links, GATEWAYS[kind], dice, sent_at, [], {})
    readers = dice.sample(links, PEOPLE)
    mailing.scan()
    mailing.scan_by_appliance(links[:50])
    mailing.scan_with_cookies(links[50:80])
    mailing.read(readers[:-1])
    mailing.read_behind_vpn(readers[-1], 700, 725)

    late = _process(mailing, {link.id for link in readers})

    noted = Counter(dict(Note.objects.values_list("link", "opens")))
    assert not set(noted) - {link.id for link in readers}  # no machine
    assert len(noted) >= PEOPLE - 1
    assert late <= 1
    assert noted[readers[-1].id] == 2
    assert sum(noted.values()) == len(noted) + 1
    reasons = dict(Visit.objects.values_list("id", "reason"))
    wrong = [
        (reason, reasons[id_])
        for id_, reason in mailing.reasons.items()
        if not reasons[id_].startswith(reason)
    ]
    assert wrong == []


def _process(mailing: Mailing, readers: set[int]) -> int:
    """Process minute by minute; return how many opens were not noted a minute later."""
    ordered = sorted(mailing.visits, key=lambda visit: visit.occurred_at)
    late, done = 0, 0
    while done < len(ordered):
        end = ordered[done].occurred_at + SLICE
        part = [visit for visit in ordered[done:] if visit.occurred_at < end]
        Visit.objects.bulk_create(part)
        while processing.process_due().has_more:
            pass
        done += len(part)
        people = {
            visit.link_id
            for visit in part
            if mailing.reasons[visit.id] in {"browser", "gateway page"}
        }
        assert people <= readers
        late += len(people) - Note.objects.filter(link__in=people).count()
    return late
