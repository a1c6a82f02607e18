"""Details of old visits are redacted; verdicts, notes and counts stay."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain.postgres import queries
from shortlinks.domain.visits import (
    partitions,
    processing,
    reclassification,
    retention,
    visit_records,
)
from shortlinks.models import (
    Account,
    DailyVisits,
    Note,
    ShortLink,
    Verdict,
    Visit,
    Watermark,
)
from tests import factories


def old(
    days: float, number: int = 0, link: ShortLink | None = None, **fields: object
) -> Visit:
    """Create a processed visit of a person, this many days ago."""
    at = timezone.now() - timedelta(days=days)
    first = visit_records.id_at(at)
    processed = {"due_at": None, "processed_at": at, "verdict": Verdict.PERSON}
    return factories.visit(
        link or 1,
        id=UUID(int=first.int + number),
        occurred_at=at,
        **{**processed, **fields},
    )


def test_details_of_old_visits_are_redacted_and_the_visit_stays(
    db: None, settings: Settings
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    before, after = old(90.5, accepts_html=False), old(89.5)

    assert sum(retention.redact_details()) == 1

    before.refresh_from_db()
    assert (before.address, before.user_agent) == (None, "")
    assert (before.accept_language, before.sec_fetch) == ("", "")
    assert before.accepts_html
    assert before.verdict == Verdict.PERSON
    after.refresh_from_db()
    assert after.user_agent == factories.CHROME


def test_visit_that_is_not_processed_keeps_its_details(
    db: None, settings: Settings
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    waiting = old(100, due_at=timezone.now(), processed_at=None, verdict="")

    assert sum(retention.redact_details()) == 0

    waiting.refresh_from_db()
    assert waiting.user_agent == factories.CHROME


def test_redacted_visit_is_not_reclassified(db: None, settings: Settings) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    old(100)
    until = timezone.now()
    since = until - timedelta(days=200)
    assert reclassification.count(since, until) == 1

    list(retention.redact_details())

    assert reclassification.count(since, until) == 0


def test_redaction_continues_after_the_last_page(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    for number in range(5):
        old(100, number)

    first = next(retention.redact_details())
    rest = list(retention.redact_details())

    assert (first, rest) == (2, [2, 1])
    assert not Visit.objects.exclude(user_agent="").exists()


@pytest.mark.parametrize(("days", "count"), [(90, 1), (0, 0)], ids=["90", "never"])
def test_count_changes_nothing(
    db: None, settings: Settings, days: int, count: int
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = days
    old(100)

    assert retention.count(retention.DETAILS) == count
    assert Visit.objects.exclude(user_agent="").count() == 1


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


def test_late_visit_changes_no_verdict_of_a_redacted_one(
    account: Account, link: ShortLink, settings: Settings
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    at = timezone.now() - timedelta(days=100)
    browser = {"occurred_at": at, "visitor_hash": bytes(16)}
    other = factories.link(factories.contact(account))
    first = factories.visit(link, **browser)
    dead = {"due_at": None, "attempts": 15, "dead_lettered_at": at}
    late = factories.visit(other, **browser, **dead)
    processing.process_due()
    list(retention.redact_details())

    processing.requeue([late.pk])
    Visit.objects.filter(pk=late.pk).update(due_at=at)  # due before this transaction
    processing.process_due()

    first.refresh_from_db()
    late.refresh_from_db()
    assert (first.verdict, late.verdict) == (Verdict.PERSON, Verdict.PERSON)
    assert Note.objects.count() == 2
    assert (first.user_agent, late.user_agent, late.address) == ("", "", None)


def test_visit_is_redacted_if_it_is_discarded_late(
    db: None, settings: Settings
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    dead: dict[str, Any] = {"due_at": None, "processed_at": None, "verdict": ""}
    discarded, kept = (
        old(100, number, **dead, dead_lettered_at=timezone.now()) for number in (0, 1)
    )
    list(retention.redact_details())

    assert processing.discard_lost([discarded.pk]) == 1

    discarded.refresh_from_db()
    kept.refresh_from_db()
    assert (discarded.user_agent, kept.user_agent) == ("", factories.CHROME)


def link_of(**periods: int) -> ShortLink:
    return factories.link(factories.contact(factories.account(**periods)))


def test_each_account_has_its_own_period(db: None, settings: Settings) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    short, usual = link_of(visit_details_days=7), link_of()
    long = link_of(visit_details_days=365)
    gone = [old(8, 1, short), old(91, 2, usual), old(366, 3, long)]
    kept = [old(6, 4, short), old(89, 5, usual), old(364, 6, long)]

    assert sum(retention.redact_details()) == 3

    assert [_is_redacted(each) for each in [*gone, *kept]] == [True] * 3 + [False] * 3


def test_visits_are_examined_again_after_a_period_was_shortened(
    db: None, settings: Settings
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    other, changed = link_of(visit_details_days=7), link_of(visit_details_days=365)
    visits = [old(20, 1, other), old(20, 2, changed)]
    assert sum(retention.redact_details()) == 1

    Account.objects.update(visit_details_days=7)

    assert sum(retention.redact_details()) == 1
    assert all(map(_is_redacted, visits))
    assert (
        Watermark.objects.filter(name__startswith="visit_details_days 7 ").count() == 1
    )


def test_late_visit_is_redacted_by_the_period_of_its_account(
    db: None, settings: Settings
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    short, usual = link_of(visit_details_days=7), link_of()
    at = timezone.now() - timedelta(days=8)
    late = [
        old(8, n, link, processed_at=None, verdict="", due_at=at)
        for n, link in enumerate((short, usual))
    ]

    list(retention.redact_details())
    processing.process_due()

    assert [_is_redacted(each) for each in late] == [True, False]


def test_late_visit_is_deleted_if_its_month_is_over(db: None) -> None:
    short, usual = link_of(visits_days=30), link_of()
    waits = {"processed_at": None, "verdict": "", "due_at": timezone.now()}
    late, kept = (old(100, n, link, **waits) for n, link in enumerate((short, usual)))
    Visit.objects.update(due_at=timezone.now() - timedelta(minutes=1))

    list(retention.delete_visits())
    processing.process_due()

    assert set(Visit.objects.all()) == {kept}
    assert late != kept


def test_each_visit_is_counted_once(db: None, settings: Settings) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    old(100, 1, link_of(visit_details_days=7))
    old(100, 2, link_of())

    assert retention.count(retention.DETAILS) == 2


def test_visits_are_deleted_by_months_and_counts_stay(db: None) -> None:
    short, all_ = link_of(visits_days=30), link_of()
    month = (timezone.now() - timedelta(days=30)).replace(day=1, hour=0, minute=0)
    days = (timezone.now() - month).days
    gone, kept = old(days + 3, 1, short), old(days - 1, 2, short)
    others = old(days + 3, 3, all_)
    DailyVisits.objects.create(link=short, day=month, verdict="person", visits=1)

    assert retention.count(retention.VISITS) == 1
    assert sum(retention.delete_visits()) == 1

    left = set(Visit.objects.values_list("pk", flat=True))
    assert left == {kept.pk, others.pk}
    assert gone.pk not in left
    assert DailyVisits.objects.get().visits == 1


def test_visit_that_waits_is_not_deleted(db: None) -> None:
    link = link_of(visits_days=30)
    old(100, link=link, processed_at=None, verdict="", due_at=timezone.now())

    assert sum(retention.delete_visits()) == 0
    assert Visit.objects.count() == 1


@pytest.fixture
def month(db: None) -> date:
    """Create the partition of a month that is long past."""
    month = (timezone.now() - timedelta(days=200)).date().replace(day=1)
    partitions.create_partitions(month)
    return month


def _partition(month: date) -> str:
    return f"shortlinks_visit_{month:%Y_%m}"


def test_month_that_no_account_keeps_is_dropped(month: date) -> None:
    link = link_of(visits_days=90)
    old((timezone.now().date() - month).days - 1, link=link)
    young = old(10, link=link)

    assert sum(retention.delete_visits()) == 0  # none row by row
    assert _partition(month) not in _partitions()
    assert list(Visit.objects.all()) == [young]


def test_month_stays_if_an_account_keeps_it(month: date) -> None:
    link_of(visits_days=90)
    link_of()

    assert retention.drop_partitions() == []
    assert _partition(month) in _partitions()


def test_month_stays_while_a_visit_waits(month: date) -> None:
    link = link_of(visits_days=90)
    days = (timezone.now().date() - month).days - 1
    old(days, link=link, processed_at=None, verdict="", due_at=timezone.now())

    assert _partition(month) not in retention.drop_partitions()
    assert _partition(month) in _partitions()


def test_recent_months_are_never_dropped(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            retention.DROP_PARTITION, {"before": timezone.now() + timedelta(900)}
        )
        [(name,)] = cursor.fetchall()

    assert name is None


@pytest.mark.django_db(transaction=True)
def test_partition_in_use_is_dropped_later() -> None:
    month = (timezone.now() - timedelta(days=200)).date().replace(day=1)
    created = partitions.create_partitions(month)
    link_of(visits_days=90)
    with psycopg.connect(queries.conninfo()) as other:
        other.execute("SELECT count(*) FROM shortlinks_visit")
        assert retention.drop_partitions() == []
    assert _partition(created[0]) in retention.drop_partitions()


def _partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE inhparent = 'shortlinks_visit'::regclass"
        )
        return [name for (name,) in cursor.fetchall()]


def _is_redacted(visit: Visit) -> bool:
    visit.refresh_from_db()
    assert visit.is_redacted == (visit.user_agent == "")
    return visit.is_redacted
