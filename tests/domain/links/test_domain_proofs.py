"""Proofs of short domains: rules, and checks by a real name server on loopback."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from shortlinks.domain.links import domain_proofs, short_domains
from shortlinks.domain.links.domain_proofs import Answer, Proof
from shortlinks.models import Account, SecurityEvent, ShortDomain
from tests import factories, name_servers
from tests.domain.links.short_domain_claims import (
    HOST,
    Texts,
    ask,
    is_verified,
    prove,
)
from tests.name_servers import Address

pytestmark = pytest.mark.usefixtures("name_server")

NOW = datetime(2026, 11, 27, tzinfo=UTC)
OLD = NOW - timedelta(days=100)
LATE = NOW - timedelta(days=27)
OVER = NOW - timedelta(days=28)
CLAIM = Proof(None, None)


@pytest.mark.parametrize(
    ("proof", "answer", "after"),
    [
        (CLAIM, Answer.FOUND, Proof(NOW, None)),
        (CLAIM, Answer.MISSING, CLAIM),
        (CLAIM, Answer.UNCLEAR, CLAIM),
        (Proof(OLD, None), Answer.FOUND, Proof(OLD, None)),
        (Proof(OLD, None), Answer.UNCLEAR, Proof(OLD, None)),
        (Proof(OLD, None), Answer.MISSING, Proof(OLD, NOW)),
        (Proof(OLD, LATE), Answer.FOUND, Proof(OLD, None)),
        (Proof(OLD, LATE), Answer.MISSING, Proof(OLD, LATE)),
        (Proof(OLD, OVER), Answer.UNCLEAR, Proof(OLD, OVER)),
        (Proof(OLD, OVER), Answer.MISSING, Proof(None, OVER)),
        (Proof(None, OVER), Answer.MISSING, Proof(None, OVER)),
        (Proof(None, OVER), Answer.UNCLEAR, Proof(None, OVER)),
        (Proof(None, OVER), Answer.FOUND, Proof(NOW, None)),
    ],
)
def test_only_a_clear_answer_changes_a_proof(
    proof: Proof, answer: Answer, after: Proof
) -> None:
    assert domain_proofs.next_proof(proof, answer, NOW) == after


# --- checks ------------------------------------------------------------------


def test_domain_moves_to_the_account_whose_record_replaced_the_other(
    domain: ShortDomain, texts: Texts
) -> None:
    other = ShortDomain.objects.create(account=factories.account(), host=HOST)
    prove(texts, domain)
    short_domains.verify(domain)
    texts.clear()
    prove(texts, other)

    assert short_domains.verify(other).is_verified

    assert (is_verified(domain), is_verified(other)) == (False, True)
    assert security_events() == [
        (domain.account_id, "domain_stopped"),
        (domain.account_id, "domain_verified"),
        (other.account_id, "domain_verified"),
    ]


def test_concurrent_accounts_verify_a_domain_once(
    account: Account, texts: Texts, transactional_db: None
) -> None:
    rows = [
        ShortDomain.objects.create(account=of, host=HOST)
        for of in (account, *(factories.account() for _ in range(3)))
    ]
    prove(texts, *rows)

    def verify(domain: ShortDomain) -> bool:
        with contextlib.closing(connection):
            return short_domains.verify(domain).is_verified

    with ThreadPoolExecutor(len(rows)) as threads:
        verified = list(threads.map(verify, rows))

    assert sorted(verified) == [False, False, False, True]
    assert [is_verified(row) for row in rows] == verified


def test_older_answer_does_not_take_a_domain_back(
    transactional_db: None, domain: ShortDomain, texts: Texts
) -> None:
    other = ShortDomain.objects.create(account=factories.account(), host=HOST)
    prove(texts, domain)
    verified: list[bool] = []

    def verify_other() -> bool:
        texts.clear()
        prove(texts, other)
        with contextlib.closing(connection):
            return short_domains.verify(other).is_verified

    def interfere(execute: Any, sql: str, *arguments: Any) -> Any:
        if "FOR UPDATE" in sql and not verified:
            with ThreadPoolExecutor(1) as thread:
                verified.append(thread.submit(verify_other).result())
        return execute(sql, *arguments)

    with connection.execute_wrapper(interfere):
        assert not short_domains.verify(domain).is_verified

    assert verified == [True]
    assert (is_verified(domain), is_verified(other)) == (False, True)


def test_check_ends_if_others_check_the_domain_all_the_time(
    domain: ShortDomain, texts: Texts
) -> None:
    prove(texts, domain)
    ShortDomain.objects.create(
        account=factories.account(),
        host=HOST,
        checked_at=timezone.now() + timedelta(minutes=1),
    )

    assert short_domains.verify(domain).detail == short_domains.OUTDATED
    assert not is_verified(domain)


def security_events() -> list[tuple[int | None, str]]:
    rows = SecurityEvent.objects.filter(detail=HOST).order_by("account", "kind")
    return list(rows.values_list("account", "kind"))


# --- repeated checks ---------------------------------------------------------


def set_back(domain: ShortDomain, days: float) -> None:
    """Move the domain's times into the past, as if so much time had passed."""
    ShortDomain.objects.filter(pk=domain.pk).update(
        **{
            name: F(name) - timedelta(days=days)
            for name in ("verified_at", "checked_at", "proof_lost_at")
        }
    )
    domain.refresh_from_db()


def check_again() -> int:
    return short_domains.verify_due(lambda: True)


@pytest.fixture
def proven(domain: ShortDomain, texts: Texts) -> ShortDomain:
    """A domain that was verified a week ago."""
    prove(texts, domain)
    short_domains.verify(domain)
    set_back(domain, 7.01)
    return domain


def test_proof_is_checked_once_a_week(proven: ShortDomain) -> None:
    claimed = ShortDomain.objects.create(account=proven.account, host=f"s.{HOST}")

    assert [check_again(), check_again()] == [1, 0]
    set_back(proven, 6.9)
    assert check_again() == 0

    claimed.refresh_from_db()
    assert claimed.checked_at is None


def test_lost_proof_is_an_event_and_stops_the_domain_after_its_grace(
    proven: ShortDomain, texts: Texts
) -> None:
    record = texts.pop(proven.txt_name)

    for _ in range(28):
        assert check_again() == 1
        assert is_verified(proven)
        set_back(proven, 1.001)
    assert check_again() == 1
    assert not is_verified(proven)
    assert security_events() == [
        (proven.account_id, "domain_lost"),
        (proven.account_id, "domain_stopped"),
        (proven.account_id, "domain_verified"),
    ]

    texts[proven.txt_name] = record
    set_back(proven, 1.001)
    assert check_again() == 1
    assert is_verified(proven)
    assert not ShortDomain.objects.without_proof().exists()


@pytest.mark.parametrize("server", [name_servers.silent, name_servers.broken])
def test_unclear_answers_never_stop_a_domain(
    proven: ShortDomain,
    monkeypatch: pytest.MonkeyPatch,
    server: Callable[[], AbstractContextManager[Address]],
) -> None:
    monkeypatch.setattr(short_domains, "DNS_TIMEOUT_SECONDS", 0.2)
    ShortDomain.objects.update(proof_lost_at=F("checked_at") - timedelta(days=90))
    with server() as address:
        ask(monkeypatch, address)

        assert check_again() == 1

    assert is_verified(proven)


def test_checks_end_when_the_time_is_up(proven: ShortDomain) -> None:
    assert short_domains.verify_due(lambda: False) == 0


def test_default_domain_is_the_default_again_when_its_record_is_back(
    proven: ShortDomain, texts: Texts
) -> None:
    short_domains.set_default(proven)
    record = texts.pop(proven.txt_name)
    check_again()
    set_back(proven, 29)
    check_again()
    assert not ShortDomain.objects.verified().filter(is_default=True)

    texts[proven.txt_name] = record
    set_back(proven, 1.001)
    check_again()

    assert ShortDomain.objects.verified().get(is_default=True) == proven
