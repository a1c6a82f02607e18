"""Visits of a link from one address beyond the budget are counted, not stored."""

import ipaddress
from typing import Any

import httpx
import pytest
from django.db import connection
from django.db.models import Sum

from shortlinks.domain.visits import processing, visit_records
from shortlinks.domain.visits.visit_records import VisitRecord
from shortlinks.models import Note, ShortLink, Visit
from shortlinks.redirects import visit_budget
from shortlinks.redirects.visit_budget import (
    MAX_GROUPS_PER_ADDRESS,
    MAX_GROUPS_PER_LINK,
    CountedVisits,
    VisitBudget,
)
from tests import factories, services
from tests.factories import facts

ADDRESS = b"abcd"
LIMIT = 100  # the default of MAX_VISITS_PER_LINK_AND_ADDRESS


def packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


@pytest.mark.parametrize(
    ("link_id", "address", "is_within"),
    [
        pytest.param(1, "192.0.2.1", False, id="the same"),
        pytest.param(2, "192.0.2.1", True, id="another link"),
        pytest.param(1, "192.0.2.2", True, id="another address"),
        pytest.param(1, "2001:db8:0:1::1", True, id="IPv6"),
    ],
)
def test_budget_is_for_a_link_and_an_address(
    link_id: int, address: str, *, is_within: bool
) -> None:
    budget = VisitBudget(2)
    spent = [budget.spend(1, packed("192.0.2.1")) for _ in range(3)]

    assert spent == [True, True, False]
    assert budget.spend(link_id, packed(address)) == is_within


def test_budget_of_an_ipv6_network_is_one() -> None:
    budget = VisitBudget(2)
    addresses = ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")

    spent = [budget.spend(1, packed(address)) for address in addresses]

    assert spent == [True, True, False, True]


def test_budget_is_renewed_after_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit_budget, "WINDOW_SECONDS", 0)
    budget = VisitBudget(1)

    assert all(budget.spend(1, b"abcd") for _ in range(3))


def test_budget_of_a_flood_is_not_renewed_by_many_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(visit_budget, "MAX_COUNTED_KEYS", 10)
    budget = VisitBudget(2)
    for _ in range(2):
        budget.spend(1, b"abcd")

    others = [budget.spend(1, bytes([0, 0, 0, n])) for n in range(50)]

    assert all(others)
    assert not budget.spend(1, b"abcd")


def test_no_limit() -> None:
    assert all(VisitBudget(0).spend(1, b"abcd") for _ in range(1000))


def added(counted: CountedVisits, *visits: VisitRecord) -> list[VisitRecord]:
    for visit in visits:
        assert counted.add(visit, ADDRESS)
    return counted.take()


def test_counted_visits_are_one_record_for_each_visitor() -> None:
    click = facts(visitor_hash="cc" * 16, user_agent=factories.CHROME)
    flood = [facts(visitor_hash="ee" * 16, user_agent="curl/8.5.0") for _ in range(400)]

    records = added(CountedVisits(), *flood[:200], click, *flood[200:])

    counts = {each.user_agent: each.visit_count for each in records}
    assert counts == {"curl/8.5.0": 400, factories.CHROME: 1}


@pytest.mark.parametrize(
    "other",
    [
        {"visitor_hash": "cd" * 16},
        {"link_id": 8},
        {"method": "HEAD"},
        {"purpose": "sec-purpose=prefetch"},
        {"staff": "user 7"},
        {"sec_fetch": "cross-site no-cors image ?0"},
        {"accept_language": ""},
        {"accepts_html": False},
        {"referer": "urldefense.com"},
        {"pixel_sha256": "ab" * 32},
    ],
    ids=lambda other: next(iter(other)),
)
def test_visits_that_a_verdict_may_tell_apart_are_counted_apart(
    other: dict[str, Any],
) -> None:
    records = added(CountedVisits(), facts(), facts(**other), facts(), facts(**other))

    assert [each.visit_count for each in records] == [2, 2]
    assert [each.is_mixed for each in records] == [False, False]


@pytest.mark.parametrize(
    "other",
    [
        {"accept_language": "en"},
        {"referer": "web.telegram.org"},
        {"pixel_sha256": "ab" * 32, "pixel_is_new": True},
        {"occurred_at": 1_795_000_001.0},
    ],
    ids=lambda other: next(iter(other)),
)
def test_visits_with_the_same_verdict_are_counted_together(
    other: dict[str, Any],
) -> None:
    visits = facts(), facts(**other)

    records = added(CountedVisits(), *visits)

    assert [each.visit_count for each in records] == [2]
    assert records[0].id not in {each.id for each in visits}


def test_record_keeps_a_known_cookie_and_no_new_one() -> None:
    known = facts(pixel_sha256="ab" * 32)
    new = facts(pixel_sha256="cd" * 32, pixel_is_new=True)

    records = added(CountedVisits(), known, new)

    cookies = [(each.pixel_sha256, each.pixel_is_new) for each in records]
    assert cookies == [("ab" * 32, False), ("", False)]


def test_visits_of_varied_headers_are_mixed_beyond_a_limit() -> None:
    counted = CountedVisits()
    varied = [facts(visitor_hash=f"{n:032x}") for n in range(400)]
    head = facts(visitor_hash="ee" * 16, method="HEAD")

    records = added(counted, *varied, varied[0], head)

    alone, mixed = records[:MAX_GROUPS_PER_ADDRESS], records[MAX_GROUPS_PER_ADDRESS:]
    assert [each.visit_count for each in alone] == [2] + [1] * (len(alone) - 1)
    assert [(each.method, each.is_mixed, each.visit_count) for each in mixed] == [
        ("GET", True, 400 - len(alone)),
        ("HEAD", True, 1),
    ]


def test_mixed_record_has_facts_of_no_visitor() -> None:
    varied = [
        facts(visitor_hash=f"{n:032x}", pixel_sha256="ab" * 32, referer="a.example")
        for n in range(MAX_GROUPS_PER_ADDRESS + 2)
    ]

    mixed = added(CountedVisits(), *varied)[-1]

    assert mixed.visitor_hash not in {each.visitor_hash for each in varied}
    assert mixed == facts(
        id=mixed.id,
        user_agent="",
        accept_language="",
        referer="",
        address="",
        visitor_hash=mixed.visitor_hash,
        visit_count=2,
        is_mixed=True,
    )


def test_another_address_is_not_mixed_by_a_flood() -> None:
    counted = CountedVisits()
    for n in range(400):
        counted.add(facts(visitor_hash=f"{n:032x}"), ADDRESS)

    counted.add(facts(visitor_hash="ee" * 16), b"efgh")

    last = counted.take()[-1]
    assert (last.visitor_hash, last.visit_count) == ("ee" * 16, 1)


def test_records_of_a_link_are_limited_from_many_addresses() -> None:
    counted = CountedVisits()
    for n in range(4000):
        visit = facts(visitor_hash=f"{n:032x}")
        assert counted.add(visit, (n // 10).to_bytes(4))

    records = counted.take()

    assert len(records) == MAX_GROUPS_PER_LINK + 1
    assert sum(each.visit_count for each in records) == 4000


CLICK = {"visitor_hash": "cc" * 16, "sec_fetch": "none navigate document ?1"}
FLOOD = [{"visitor_hash": "ee" * 16, "user_agent": "curl/8.5.0"}] * 400
VARIED = [
    {"visitor_hash": f"{n:032x}", "user_agent": f"curl/8.5.{n}"} for n in range(400)
]


@pytest.mark.parametrize(
    ("visits", "noted", "counts"),
    [
        pytest.param([CLICK, *FLOOD], [1], {"person": 1, "bot": 400}, id="before"),
        pytest.param([*FLOOD, CLICK], [1], {"person": 1, "bot": 400}, id="after"),
        pytest.param(
            [*VARIED, CLICK],
            [],
            {"bot": MAX_GROUPS_PER_ADDRESS, "suspect": 401 - MAX_GROUPS_PER_ADDRESS},
            id="after varied headers",
        ),
    ],
)
def test_click_in_a_flood_is_noted_once_or_held(
    link: ShortLink,
    visits: list[dict[str, Any]],
    noted: list[int],
    counts: dict[str, int],
) -> None:
    records = added(
        CountedVisits(), *[facts(link_id=link.id, **each) for each in visits]
    )
    with connection.cursor() as cursor:
        cursor.execute(*visit_records.insert_statement(records, delay=0))

    verdicts = processing.process_due().verdicts

    assert list(Note.objects.values_list("opens", flat=True)) == noted
    assert verdicts == counts


def test_groups_of_counted_visits_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit_budget, "MAX_GROUPS", 2)
    counted = CountedVisits()

    links = [counted.add(facts(link_id=link_id), ADDRESS) for link_id in (1, 2, 3, 1)]

    assert links == [True, True, False, True]
    assert len(counted.take()) == 2
    assert counted.add(facts(link_id=3), ADDRESS)


def test_flood_is_redirected_and_counted(
    visitor: httpx.Client, link: ShortLink
) -> None:
    flood = {"X-Forwarded-For": "203.0.113.9"}
    opens = LIMIT + 60

    answers = [visitor.get(f"/{link.code}", headers=flood) for _ in range(opens)]
    other = {"X-Forwarded-For": "198.51.100.9", "User-Agent": "Mozilla/5.0 other"}
    visitor.get(f"/{link.code}", headers=other)
    stored_at_once = Visit.objects.filter(user_agent="Mozilla/5.0 other").count()

    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert stored_at_once == 1
    services.wait_for(
        lambda: Visit.objects.aggregate(n=Sum("visit_count"))["n"] == opens + 1,
        seconds=15,
    )
    assert Visit.objects.count() <= LIMIT + 5


def test_click_in_a_flood_of_its_address_is_stored_as_one(
    visitor: httpx.Client, link: ShortLink
) -> None:
    address = {"X-Forwarded-For": "203.0.113.9"}
    flood = {**address, "User-Agent": "curl/8.5.0", "Accept": "*/*"}

    for _ in range(LIMIT + 10):
        visitor.get(f"/{link.code}", headers=flood)
    visitor.get(f"/{link.code}", headers=address)
    for _ in range(50):
        visitor.get(f"/{link.code}", headers=flood)

    services.wait_for(
        lambda: Visit.objects.aggregate(n=Sum("visit_count"))["n"] == LIMIT + 61,
        seconds=15,
    )
    click = Visit.objects.get(user_agent=factories.CHROME)
    assert (click.visit_count, click.is_mixed) == (1, False)
