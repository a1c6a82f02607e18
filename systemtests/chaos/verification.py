"""Comparison of what was sent, answered and stored with what must be stored."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db import connection

from shortlinks.domain.reports import rollups
from shortlinks.models import (
    AccountDailyVisits,
    DailyVisits,
    Note,
    PixelAttachment,
    ShortLink,
)
from systemtests import integration, traffic
from systemtests.chaos import oracle
from systemtests.chaos.oracle import Stored
from systemtests.chaos.schedule import Seeded
from systemtests.integration import Integration
from systemtests.traffic import Open

VISITS = """
SELECT visit.referer, visit.link_id, link.contact_id, visit.verdict, visit.occurred_at,
       visit.processed_at, coalesce(visit.pixel_sha256, ''),
       account.note_window * interval '1 s', account.time_zone,
       visit.reason
FROM shortlinks_visit AS visit
JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
JOIN shortlinks_account AS account ON account.id = link.account_id
WHERE account.id = ANY(%s) AND visit.referer <> ''
"""
ROLLUP_SECONDS = 60.0

Notes = dict[int, list[oracle.Note]]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """The numbers of one fault, and a sentence for each broken promise."""

    sent: int
    answered: int
    stored: int
    cut: int
    lost: int  # as the redirects report
    processed: int
    notes_expected: int
    notes_found: int
    broken: list[str] = field(default_factory=list)


def count(opened: Sequence[Open], seeded: Seeded, *, lost: int) -> Counts:
    stored = _stored(seeded)
    expected, found = oracle.notes(stored), _notes(seeded)
    broken = [*_opens(opened, stored, lost), *_processing(opened, stored)]
    if expected != found:
        broken.append(f"notes: {_difference(expected, found)} links differ")
    broken += _daily_visits(stored, seeded)
    broken += _pixels(stored, seeded)
    return Counts(
        sent=sum(each.sent > 0 for each in opened),
        answered=sum(each.is_answered for each in opened),
        stored=len(stored),
        cut=sum(each.is_cut for each in opened),
        lost=lost,
        processed=sum(visit.processed_at is not None for visit in stored),
        notes_expected=sum(map(len, expected.values())),
        notes_found=sum(map(len, found.values())),
        broken=broken,
    )


def _stored(seeded: Seeded) -> list[Stored]:
    with connection.cursor() as cursor:
        cursor.execute(VISITS, [seeded.account_ids])
        return [Stored(*row) for row in cursor]


def _opens(opened: Sequence[Open], stored: list[Stored], lost: int) -> Iterator[str]:
    referers = Counter(visit.referer for visit in stored)
    yield from traffic.storage_errors(opened, referers, lost=lost)
    sent = {each.referer for each in opened if each.is_answered or each.is_cut}
    if surplus := referers.keys() - sent:
        yield f"{len(surplus)} stored opens were neither answered nor cut"
    if refused := Counter(each.status for each in opened if each.is_refused):
        yield f"opens were refused while a redirect process lived: {dict(refused)}"


def _processing(opened: Sequence[Open], stored: list[Stored]) -> Iterator[str]:
    kinds = {each.referer: each.kind.value for each in opened}
    waiting = sum(visit.processed_at is None for visit in stored)
    wrong = Counter(
        f"{kinds.get(visit.referer)} as {visit.verdict}: {visit.reason}"
        for visit in stored
        if visit.processed_at and visit.verdict != kinds.get(visit.referer)
    )
    if waiting:
        yield f"{waiting} stored visits are not processed"
    if wrong:
        yield f"verdicts: {dict(wrong)}"


def _notes(seeded: Seeded) -> Notes:
    found: Notes = {}
    rows = Note.objects.filter(account_id__in=seeded.account_ids).order_by("period")
    for link_id, period, opens in rows.values_list("link_id", "period", "opens"):
        if period is not None:
            note = (period.lower, period.upper, opens)
            found.setdefault(link_id, []).append(note)
    return found


def _difference(expected: Notes, found: Notes) -> int:
    links = expected.keys() | found.keys()
    return sum(expected.get(link) != found.get(link) for link in links)


def _daily_visits(stored: list[Stored], seeded: Seeded) -> Iterator[str]:
    expected = oracle.days(stored)
    rows = DailyVisits.objects.filter(link__account_id__in=seeded.account_ids)
    found = {
        (link, day, verdict): visits
        for link, day, verdict, visits in rows.values_list(
            "link_id", "day", "verdict", "visits"
        )
        if visits  # zero after all verdicts of a row were changed
    }
    if found != expected:
        yield f"daily visits: {sum(found.values())} for {len(stored)} stored"
    yield from _rollups(expected, seeded)


def _rollups(days: dict[tuple[int, date, str], int], seeded: Seeded) -> Iterator[str]:
    """Update the rollups, which the worker does not do at once, and compare them."""
    rollups.update(time.monotonic() + ROLLUP_SECONDS)
    links = ShortLink.objects.filter(account_id__in=seeded.account_ids)
    accounts = dict(links.values_list("pk", "account_id"))
    expected = Counter[tuple[int, date, str]]()
    for (link, day, verdict), visits in days.items():
        expected[accounts[link], day, verdict] += visits
    rows = AccountDailyVisits.objects.filter(account_id__in=seeded.account_ids)
    counted = rows.values_list("account_id", "day", "verdict", "visits")
    found = +Counter(
        {(account, day, verdict): n for account, day, verdict, n in counted}
    )
    if found != expected:
        yield f"rollups: {found.total()} visits of {expected.total()}"


def _pixels(stored: list[Stored], seeded: Seeded) -> Iterator[str]:
    expected = oracle.attachments(stored)
    rows = PixelAttachment.objects.filter(
        contact__account_id__in=seeded.account_ids
    ).values_list("pixel__cookie_sha256", "contact")
    found = {(bytes(cookie), contact) for cookie, contact in rows}
    if found != expected:
        yield f"pixels: {len(found)} attachments, {len(expected)} expected"


def links(requests: Integration) -> Iterator[str]:
    """Compare the links that the integration got with the stored ones."""
    rows = ShortLink.objects.filter(
        contact__entity_id__in={entity_id for entity_id, _ in requests.created},
        url__startswith=integration.URLS,
    )
    yield from requests.errors(
        list(rows.values_list("contact__entity_id", "url", "code"))
    )
