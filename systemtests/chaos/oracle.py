"""An independent computation of notes, daily visits and pixels from stored visits.

Written from docs/what-counts-as-an-open.md and docs/adr/0012, not from the code.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

PERSON = "person"


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored visit with its account's settings."""

    referer: str
    link_id: int
    contact_id: int
    verdict: str
    occurred_at: datetime
    processed_at: datetime | None
    pixel_sha256: bytes
    window: timedelta
    time_zone: str
    reason: str = ""


# A link's note: since, until, opens.
Note = tuple[datetime, datetime, int]


def notes(visits: Sequence[Stored]) -> dict[int, list[Note]]:
    """Return each link's notes in the order of the opens, not of their processing."""
    links: defaultdict[int, list[Stored]] = defaultdict(list)
    for visit in visits:
        if visit.verdict == PERSON and visit.processed_at is not None:
            links[visit.link_id].append(visit)
    return {link_id: _windows(opened) for link_id, opened in links.items()}


def _windows(opened: list[Stored]) -> list[Note]:
    made: list[Note] = []
    for visit in sorted(opened, key=lambda visit: visit.occurred_at):
        at = visit.occurred_at
        if made and at < made[-1][1]:
            since, until, opens = made[-1]
            made[-1] = (since, until, opens + 1)
        else:
            made.append((at, at + visit.window, 1))
    return made


def days(visits: Sequence[Stored]) -> dict[tuple[int, date, str], int]:
    """Count the visits by link, day in the account's time zone, and verdict."""
    return Counter(
        (
            visit.link_id,
            visit.occurred_at.astimezone(ZoneInfo(visit.time_zone)).date(),
            visit.verdict,
        )
        for visit in visits
        if visit.processed_at is not None
    )


def attachments(visits: Sequence[Stored]) -> set[tuple[bytes, int]]:
    """Return the browsers of people with the contacts whose links they opened."""
    return {
        (visit.pixel_sha256, visit.contact_id)
        for visit in visits
        if visit.verdict == PERSON and visit.processed_at and visit.pixel_sha256
    }
