"""One open each: what is asked for, and what its visitor saw of the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from benchmarks.visitors import BROWSERS

HOST = "go.faults.example"
PEOPLES_NETWORK = int(IPv4Address("46.0.0.0"))
MACHINES_ADDRESS = "149.154.161.1"
FOUND = 302


class Kind(StrEnum):
    """Who opens, by the verdict that the follow-up has to reach."""

    PERSON = "person"
    PREVIEW = "preview"
    BOT = "bot"
    HEAD = "head"
    PREFETCH = "prefetch"


# Of twenty opens; the others are people's.
OTHERS = {5: Kind.PREVIEW, 10: Kind.BOT, 15: Kind.HEAD, 18: Kind.PREFETCH}
# A prefetch is told to come again later (visits §2.1).
STATUSES = {Kind.PREFETCH: 503}
AGENTS = {Kind.PREVIEW: "TelegramBot (like TwitterBot)", Kind.BOT: "curl/8.5.0"}


@dataclass(slots=True)
class Open:
    """Times are of one monotonic clock, in seconds; `status` 0 is no answer."""

    number: int
    person: int  # whose link it is: the same browser at the same address
    code: str
    door: int  # where it is sent to, or was in the end
    due: float
    begun: float = 0.0
    sent: float = 0.0
    ended: float = 0.0
    status: int = 0

    @property
    def kind(self) -> Kind:
        return OTHERS.get(self.number % 20, Kind.PERSON)

    @property
    def mark(self) -> str:
        """The host it comes from, which is stored: its own."""
        return f"n{self.number}.mail.example"

    @property
    def is_answered(self) -> bool:
        return self.status == STATUSES.get(self.kind, FOUND)

    @property
    def is_refused(self) -> bool:
        """Answered, but not with what the link leads to; or no door was open."""
        return not self.is_answered and not self.is_cut

    @property
    def is_cut(self) -> bool:
        """Sent, and no answer came: whether it was stored nobody can tell."""
        return self.status == 0 and self.sent > 0

    @property
    def seconds(self) -> float:
        """From when its visitor set out, who waits for no other visitor.

        Finding an open door counts, and what the load is late by itself does not.
        """
        return self.ended - self.begun


def request(opened: Open, cookie: bytes) -> bytes:
    headers = {"Host": HOST, **_headers(opened)}
    if cookie:
        headers["Cookie"] = cookie.decode("ascii")
    method = "HEAD" if opened.kind == Kind.HEAD else "GET"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} /{opened.code} HTTP/1.1\r\n{lines}\r\n".encode("ascii")


def _headers(opened: Open) -> dict[str, str]:
    referer = {"Referer": f"https://{opened.mark}/"}
    if opened.kind in AGENTS:
        agent = {"User-Agent": AGENTS[opened.kind], "Accept": "*/*"}
        return {**agent, **referer, "X-Forwarded-For": MACHINES_ADDRESS}
    person = {
        **BROWSERS[opened.person % len(BROWSERS)],
        **referer,
        "Sec-Fetch-Site": "cross-site",  # as a browser says that names a referer
        "X-Forwarded-For": str(IPv4Address(PEOPLES_NETWORK + 256 * opened.person)),
    }
    if opened.kind == Kind.PREFETCH:
        return {**person, "Sec-Purpose": "prefetch"}
    return person


@dataclass(frozen=True, kw_only=True)
class Links:
    """Codes of links whose opens make one note, and of those that make several."""

    steady: Sequence[str]
    bursts: Sequence[Sequence[str]]  # opened for a second each, in turns


def planned(links: Links, count: int, *, rate: float, doors: int) -> list[Open]:
    """`count` opens, evenly over the time, from zero; first each link at each door."""
    codes = [*links.steady, *(code for group in links.bursts for code in group)]
    person = {code: number for number, code in enumerate(codes)}
    first = [(code, door) for code in codes for door in range(doors)]
    made = []
    for number in range(count):
        due = number / rate
        if number < len(first):
            code, door = first[number]
        else:
            code, door = _turn(links, number, int(due)), number // 2 % doors
        made.append(Open(number, person[code], code, door, due))
    return made


def _turn(links: Links, number: int, second: int) -> str:
    if number % 2:
        group = links.bursts[second % len(links.bursts)]
        return group[number // 2 % len(group)]
    return links.steady[number // 2 % len(links.steady)]
