"""Opens of short links, and the answers that their visitors got."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from systemtests import browsers

PEOPLE_NETWORK = int(IPv4Address("46.0.0.0"))
MACHINE_ADDRESS = "149.154.161.1"
FOUND = 302


class Kind(StrEnum):
    """Kinds of opens, named after the verdict that the worker has to reach."""

    PERSON = "person"
    PREVIEW = "preview"
    BOT = "bot"
    HEAD = "head"
    PREFETCH = "prefetch"


# A prefetch is asked to come again when a person opens the page.
STATUSES = {Kind.PREFETCH: 503}
USER_AGENTS = {Kind.PREVIEW: "TelegramBot (like TwitterBot)", Kind.BOT: "curl/8.5.0"}


@dataclass(slots=True)
class Open:
    """One request for a link; times are monotonic, in seconds."""

    number: int
    person: int  # each has their own browser and address
    code: str
    due: float  # from the start of the load; from its sending on, the moment itself
    server: int = 0  # to which it is sent, or was sent in the end
    kind: Kind = Kind.PERSON
    series: str = "n"
    agent: str = ""  # of a program that sends the other headers of a person
    keeps_connection: bool = True
    begun: float = 0.0
    sent: float = 0.0
    ended: float = 0.0
    status: int = 0  # 0: no answer

    @property
    def referer(self) -> str:
        """The host in the Referer header, which identifies the stored visit."""
        return f"{self.series}{self.number}.mail.example"

    @property
    def is_answered(self) -> bool:
        return self.status == STATUSES.get(self.kind, FOUND)

    @property
    def is_cut(self) -> bool:
        """Return whether the request got no answer: its visit may be stored or not."""
        return self.status == 0 and self.sent > 0

    @property
    def is_refused(self) -> bool:
        """Return whether the answer was wrong, or nobody accepted the connection."""
        return not self.is_answered and not self.is_cut

    @property
    def seconds(self) -> float:
        """The visitor's waiting time, which includes connecting."""
        return self.ended - self.begun


def request(opened: Open, *, host: str, cookie: bytes = b"") -> bytes:
    headers = {"Host": host, **_headers(opened)}
    if cookie:
        headers["Cookie"] = cookie.decode("ascii")
    if not opened.keeps_connection:
        headers["Connection"] = "close"
    method = "HEAD" if opened.kind == Kind.HEAD else "GET"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} /{opened.code} HTTP/1.1\r\n{lines}\r\n".encode("ascii")


def _headers(opened: Open) -> dict[str, str]:
    referer = {"Referer": f"https://{opened.referer}/"}
    if agent := USER_AGENTS.get(opened.kind):
        machine = {"User-Agent": agent, "Accept": "*/*"}
        return {**machine, **referer, "X-Forwarded-For": MACHINE_ADDRESS}
    person = {
        **browsers.headers_of(opened.person),
        **referer,
        "Sec-Fetch-Site": "cross-site",  # which browsers send with such a Referer
        "X-Forwarded-For": str(IPv4Address(PEOPLE_NETWORK + 256 * opened.person)),
    }
    if opened.agent:
        person["User-Agent"] = opened.agent
    if opened.kind == Kind.PREFETCH:
        return {**person, "Sec-Purpose": "prefetch"}
    return person


def percentile(opened: Collection[Open], share: float) -> float | None:
    """Return the waiting time that this share of the opens did not exceed."""
    waits = sorted(each.seconds for each in opened)
    return waits[min(int(len(waits) * share), len(waits) - 1)] if waits else None


def storage_errors(
    opened: Sequence[Open], stored: Counter[str], *, lost: int = 0
) -> Iterator[str]:
    """Compare the answered opens with the stored ones, by their referers.

    `lost` opens are missing, as the redirects themselves report.
    """
    answered = {each.referer for each in opened if each.is_answered}
    if missing := len(answered - stored.keys()) - lost:
        yield f"{missing} answered opens are not stored, besides {lost} reported ones"
    if doubled := sum(times > 1 for times in stored.values()):
        yield f"{doubled} opens are stored twice"
