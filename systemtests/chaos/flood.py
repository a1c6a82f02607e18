"""Thousands of opens of one link by a program, with the default budget.

A person at the same address opens the flooded link during the flood, and others open
other links.
"""

import contextlib
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from django.db.models import Sum

from deploy.roles import LOOPBACK
from shortlinks.models import DailyVisits, Note, Visit
from systemtests import InvalidRun, seed, traffic
from systemtests.chaos.faults import Fault
from systemtests.chaos.service import REDIRECTS, Service
from systemtests.load import Load, Server
from systemtests.polling import wait_for
from systemtests.traffic import Open

HOST = "go.chaos.example"
OPENS = 2_000
RATE = 400
BUDGET = 100
# Each process stores one row for further opens every 5 seconds (docs/adr/0051).
MAX_ROWS = len(REDIRECTS) * (BUDGET + 4)
OTHERS = 5  # visitors whose notes are timed, before the flood and during it
MAX_NOTE_SECONDS = 5.0
COUNTED_SECONDS = 15.0
POLL_SECONDS = 0.02
PROGRAM = "curl/8.5.0"
CLICK_SECONDS = 1.0  # both budgets are spent after half of this time
# Beyond the persons of the load, and even, so that no cookie is kept.
PERSON = 100_000


@dataclass
class Flood(Fault):
    name: str = "a flood of one link"
    _codes: list[str] = field(default_factory=list)  # the first is flooded
    _alone: list[float] = field(default_factory=list)
    _during: list[float] = field(default_factory=list)

    def prepare(self, service: Service) -> None:
        user = seed.new_user()
        self._codes = seed.new_links(user, seed.new_contacts(user, 1 + 2 * OTHERS))
        limit = {"MAX_VISITS_PER_LINK_AND_ADDRESS": str(BUDGET)}
        service.restart(*REDIRECTS, environment=limit)

    def inject(self, service: Service) -> None:
        others = iter(enumerate(self._codes[1:], start=1))
        port = service.redirect_ports[0]
        self._alone = [_time_note(port, *next(others)) for _ in range(OTHERS)]
        servers = [Server(LOOPBACK, each) for each in service.redirect_ports]
        with Load(servers, self._opens(len(servers)), host=HOST) as flood:
            flood.wait_until(CLICK_SECONDS)
            _send(port, Open(0, PERSON, self._codes[0], 0.0, series="inside"))
            self._during = [_time_note(port, *next(others)) for _ in range(OTHERS)]
        if not all(opened.is_answered for opened in flood.opened):
            raise InvalidRun("not every open of the flood was redirected")

    def lift(self, service: Service) -> None:
        with contextlib.suppress(InvalidRun):  # `broken` compares
            wait_for(
                lambda: (self._counted(), self._noted()) == (OPENS, [1]),
                "the flood is counted, and the click in it is noted",
                seconds=COUNTED_SECONDS,
            )

    def clear(self, service: Service) -> None:
        service.restart(*REDIRECTS)

    def broken(self) -> Sequence[str]:
        broken = []
        if self._rows() > MAX_ROWS:
            broken.append(f"the flood stored {self._rows()} rows, above {MAX_ROWS}")
        if (counted := (self._counted(), self._by_day())) != (OPENS, OPENS + 1):
            broken.append(f"visits and days count {counted} opens of {OPENS}")
        if (noted := self._noted()) != [1]:
            broken.append(f"the notes of one click within the flood count {noted}")
        if (slowest := max(self._during)) > MAX_NOTE_SECONDS:
            broken.append(f"the note of another visitor took {slowest:.1f} s")
        return broken

    def figures(self) -> Sequence[str]:
        return (
            f"{OPENS} opens: {self._rows()} rows, visit_count {self._counted()},"
            f" daily visits {self._by_day()}; opens in notes: {self._noted()}",
            f"note of another visitor: {_seconds(self._alone)} alone,"
            f" {_seconds(self._during)} during the flood",
        )

    def _opens(self, servers: int) -> Iterator[Open]:
        for number in range(OPENS):
            yield Open(
                number,
                PERSON,
                self._codes[0],
                number / RATE,
                server=number % servers,
                series="flood",
                agent=PROGRAM,
            )

    def _rows(self) -> int:
        return Visit.objects.filter(referer__startswith="flood").count()

    def _counted(self) -> int:
        rows = Visit.objects.filter(referer__startswith="flood")
        return rows.aggregate(sum=Sum("visit_count"))["sum"] or 0

    def _noted(self) -> list[int]:
        notes = Note.objects.filter(link__code=self._codes[0])
        return list(notes.values_list("opens", flat=True))

    def _by_day(self) -> int:
        rows = DailyVisits.objects.filter(link__code=self._codes[0])
        return rows.aggregate(sum=Sum("visits"))["sum"] or 0


def _time_note(port: int, number: int, code: str) -> float:
    """Open the link, and return after how many seconds its note was stored."""
    opened = Open(number, PERSON + 2 * number, code, 0.0, series="beside")
    _send(port, opened)
    notes = Note.objects.filter(link__code=code)
    return wait_for(notes.exists, "another visitor's note", pause=POLL_SECONDS)


def _send(port: int, opened: Open) -> None:
    with socket.create_connection((LOOPBACK, port), MAX_NOTE_SECONDS) as visitor:
        visitor.sendall(traffic.request(opened, host=HOST))
        visitor.recv(1024)


def _seconds(times: Sequence[float]) -> str:
    return f"median {median(times):.2f} s, longest {max(times):.2f} s"
