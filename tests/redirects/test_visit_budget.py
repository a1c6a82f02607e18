"""Visits of a link from one address beyond the budget are counted, not stored."""

import ipaddress

import httpx
import pytest
from django.db.models import Sum

from shortlinks.models import ShortLink, Visit
from shortlinks.redirects import visit_budget
from shortlinks.redirects.visit_budget import CountedVisits, VisitBudget
from tests import factories, services
from tests.factories import facts

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


def test_counted_visits_are_one_record_for_each_kind() -> None:
    counted = CountedVisits()
    first = facts(user_agent="first", pixel_sha256="ab" * 32, pixel_is_new=True)
    for visit in (first, facts(user_agent="second"), facts(method="HEAD")):
        counted.add(visit, b"abcd")
    counted.add(facts(), b"efgh")

    records = counted.take()

    kinds = [(each.method, each.user_agent, each.visit_count) for each in records]
    assert kinds == [
        ("GET", "first", 2),
        ("HEAD", factories.CHROME, 1),
        ("GET", factories.CHROME, 1),
    ]
    assert {(each.pixel_sha256, each.pixel_is_new) for each in records} == {("", False)}
    assert first.id not in {each.id for each in records}
    assert counted.take() == []


def test_groups_of_counted_visits_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit_budget, "MAX_GROUPS", 2)
    counted = CountedVisits()

    added = [counted.add(facts(link_id=link_id)) for link_id in (1, 2, 3, 1)]

    assert added == [True, True, False, True]


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
