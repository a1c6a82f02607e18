"""What was sent, answered and stored, and whether it adds up."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db import connection

from faults import oracle
from faults.opens import Open
from faults.oracle import Stored
from faults.seed import World
from shortlinks.domain.reports import rollups
from shortlinks.models import (
    AccountDailyVisits,
    DailyVisits,
    Note,
    PixelAttachment,
    ShortLink,
)

VISITS = """
SELECT visit.referer, visit.link_id, link.contact_id, visit.verdict, visit.occurred_at,
       visit.processed_at, coalesce(visit.pixel_sha256, ''),
       account.note_window * interval '1 s', account.time_zone
FROM shortlinks_visit AS visit
JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
JOIN shortlinks_account AS account ON account.id = link.account_id
WHERE account.id = ANY(%s) AND visit.referer <> ''
"""
SUM_SECONDS = 60.0

Notes = dict[int, list[oracle.Note]]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The numbers of one fault, and each promise that was broken, in words."""

    sent: int
    answered: int
    stored: int
    cut: int
    lost: int  # as the redirects report it
    followed_up: int
    notes_expected: int
    notes_found: int
    broken: list[str] = field(default_factory=list)


def count(opened: Sequence[Open], world: World, *, lost: int) -> Tally:
    stored = _stored(world)
    expected, found = oracle.notes(stored), _notes(world)
    broken = [*_opens(opened, stored, lost), *_follow_ups(opened, stored)]
    if expected != found:
        broken.append(f"notes: {_difference(expected, found)} links differ")
    broken += _sums(stored, world)
    return Tally(
        sent=sum(each.sent > 0 for each in opened),
        answered=sum(each.is_answered for each in opened),
        stored=len(stored),
        cut=sum(each.is_cut for each in opened),
        lost=lost,
        followed_up=sum(visit.processed_at is not None for visit in stored),
        notes_expected=sum(map(len, expected.values())),
        notes_found=sum(map(len, found.values())),
        broken=broken,
    )


def _stored(world: World) -> list[Stored]:
    with connection.cursor() as cursor:
        cursor.execute(VISITS, [world.accounts])
        return [Stored(*row) for row in cursor]


def _opens(opened: Sequence[Open], stored: list[Stored], lost: int) -> Iterator[str]:
    marks = Counter(visit.mark for visit in stored)
    doubled = sum(times > 1 for times in marks.values())
    answered = {each.mark for each in opened if each.is_answered}
    cut = {each.mark for each in opened if each.is_cut}
    refused = Counter(each.status for each in opened if each.is_refused)
    if doubled:
        yield f"{doubled} opens are stored twice"
    if len(answered - marks.keys()) != lost:
        missing = len(answered - marks.keys())
        yield f"{missing} answered opens are not stored, {lost} are reported as lost"
    if surplus := marks.keys() - answered - cut:
        yield f"{len(surplus)} opens are stored that were neither answered nor cut"
    if refused:
        yield f"opens refused while a redirects' process lived: {dict(refused)}"


def _follow_ups(opened: Sequence[Open], stored: list[Stored]) -> Iterator[str]:
    kinds = {each.mark: each.kind.value for each in opened}
    waiting = sum(visit.processed_at is None for visit in stored)
    wrong = Counter(
        f"{kinds.get(visit.mark)} as {visit.verdict}"
        for visit in stored
        if visit.processed_at and visit.verdict != kinds.get(visit.mark)
    )
    if waiting:
        yield f"{waiting} stored visits are not followed up"
    if wrong:
        yield f"verdicts: {dict(wrong)}"


def _notes(world: World) -> Notes:
    found: Notes = {}
    rows = Note.objects.filter(account_id__in=world.accounts).order_by("period")
    for link_id, period, opens in rows.values_list("link_id", "period", "opens"):
        if period is not None:
            note = (period.lower, period.upper, opens)
            found.setdefault(link_id, []).append(note)
    return found


def _difference(expected: Notes, found: Notes) -> int:
    links = expected.keys() | found.keys()
    return sum(expected.get(link) != found.get(link) for link in links)


def _by_account(days: dict[tuple[int, date, str], int], world: World) -> Iterator[str]:
    """What beat or the worker had no time for is summed now."""
    rollups.update(time.monotonic() + SUM_SECONDS)
    links = ShortLink.objects.filter(account_id__in=world.accounts)
    accounts = dict(links.values_list("pk", "account_id"))
    expected = Counter[tuple[int, date, str]]()
    for (link, day, verdict), visits in days.items():
        expected[accounts[link], day, verdict] += visits
    rows = AccountDailyVisits.objects.filter(account_id__in=world.accounts)
    told = rows.values_list("account_id", "day", "verdict", "visits")
    found = +Counter({(account, day, verdict): n for account, day, verdict, n in told})
    if found != expected:
        yield f"sums: {found.total()} visits of {expected.total()}"


def _sums(stored: list[Stored], world: World) -> Iterator[str]:
    rows = DailyVisits.objects.filter(link__account_id__in=world.accounts)
    days = {
        (link, day, verdict): visits
        for link, day, verdict, visits in rows.values_list(
            "link_id", "day", "verdict", "visits"
        )
        if visits  # none are left of a verdict that was revised
    }
    if days != oracle.days(stored):
        yield f"daily visits: {sum(days.values())} for {len(stored)} stored"
    yield from _by_account(days, world)
    attached = PixelAttachment.objects.filter(contact__account_id__in=world.accounts)
    found = {
        (bytes(cookie), contact)
        for cookie, contact in attached.values_list("pixel__cookie_sha256", "contact")
    }
    if found != oracle.attachments(stored):
        yield f"pixels: {len(found)} attached, {len(oracle.attachments(stored))} seen"
