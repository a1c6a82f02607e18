"""Rollups equal the daily visits after any changes (docs/adr/0028)."""

import time
from collections import Counter
from datetime import date, timedelta
from random import Random
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.db.models import F

from shortlinks import tasks
from shortlinks.domain.reports import rollups
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    AccountDailyVisits,
    DailyVisits,
    DailyVisitsDelta,
    ShortLink,
    UrlDailyOpens,
    Verdict,
)
from tests import factories

TODAY = date(2026, 11, 23)
DAYS = [TODAY - timedelta(days=ago) for ago in range(4)]
VERDICTS = ("person", "bot")


def update_rollups() -> int:
    return rollups.update(time.monotonic() + 60)


@pytest.fixture
def links(account: Account) -> list[ShortLink]:
    """Links to two URLs of one account, and to one of them in another account."""
    contacts = [factories.contact(account) for _ in range(3)]
    other = factories.contact(factories.account())
    urls = ("https://shop.example/a", "https://shop.example/b")
    own = [factories.link(contact, url) for contact in contacts for url in urls]
    return [*own, factories.link(other, urls[0])]


def _change(random: Random, links: list[ShortLink]) -> None:
    """Insert, increase or reset a count, as processing does."""
    cell = {
        "link": random.choice(links),
        "day": random.choice(DAYS),
        "verdict": random.choice(VERDICTS),
    }
    existing = DailyVisits.objects.filter(**cell)
    if not existing:
        DailyVisits.objects.create(**cell, visits=random.randint(1, 3))
    elif random.random() < 0.5:
        existing.update(visits=F("visits") + 2)
    else:
        existing.update(visits=0)


def _rolled_up() -> tuple[Counter[object], Counter[object], Counter[object]]:
    days = AccountDailyVisits.objects.values_list("account", "day", "verdict", "visits")
    rows = UrlDailyOpens.objects.values_list(
        "account", "day", "url_sha256", "opens", "last_opened_links"
    )
    by_day, opens, last_opened_links = (
        Counter[object](),
        Counter[object](),
        Counter[object](),
    )
    for *cell, count in days:
        by_day[tuple(cell)] += count
    for account, day, sha256, opened, last in rows:
        opens[account, day, bytes(sha256)] += opened
        last_opened_links[account, day, bytes(sha256)] += last
    return +by_day, +opens, +last_opened_links


def _expected() -> tuple[Counter[object], Counter[object], Counter[object]]:
    by_day, opens, last_opened_links = (
        Counter[object](),
        Counter[object](),
        Counter[object](),
    )
    latest: dict[tuple[int, int, bytes], date] = {}
    for row in DailyVisits.objects.filter(visits__gt=0).select_related("link"):
        link = row.link
        by_day[link.account_id, row.day, row.verdict] += row.visits
        if row.verdict == Verdict.PERSON:
            sha256 = bytes(link.url_sha256)
            opens[link.account_id, row.day, sha256] += row.visits
            key = (link.pk, link.account_id, sha256)
            latest[key] = max(row.day, latest.get(key, row.day))
    for (_, account, sha256), day in latest.items():
        last_opened_links[account, day, sha256] += 1
    return by_day, opens, last_opened_links


@pytest.mark.parametrize("seed", range(5))
def test_rollups_equal_the_daily_visits(links: list[ShortLink], seed: int) -> None:
    random = Random(seed)
    for _ in range(60):
        _change(random, links)
        if random.random() < 0.2:
            update_rollups()

    update_rollups()

    assert _rolled_up() == _expected()
    assert not DailyVisitsDelta.objects.exists()


def test_processed_and_overridden_visits_are_rolled_up(links: list[ShortLink]) -> None:
    visit = factories.visit(links[0])
    processing.process_due()
    update_rollups()
    before = _rolled_up()

    processing.override_verdict([visit.pk], Verdict.BOT)
    tasks.update_rollups()

    assert sum(before[1].values()) == 1
    assert _rolled_up() == _expected()
    assert _rolled_up()[1] == Counter()


def test_many_deltas_are_rolled_up_in_batches(
    links: list[ShortLink], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollups, "BATCH_SIZE", 7)
    random = Random(7)
    for _ in range(30):
        _change(random, links)

    assert update_rollups() == 30

    assert _rolled_up() == _expected()


@pytest.mark.django_db(transaction=True)
def test_concurrent_updates_add_each_delta_once(links: list[ShortLink]) -> None:
    random = Random(2)
    for _ in range(60):
        _change(random, links)
    together = Barrier(2, timeout=30)

    def add() -> None:
        together.wait()
        update_rollups()
        connection.close()

    threads = [Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert _rolled_up() == _expected()
