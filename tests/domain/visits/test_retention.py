"""Details of old visits are redacted; verdicts, notes and counts stay."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain.visits import (
    processing,
    reclassification,
    retention,
    visit_records,
)
from shortlinks.models import Account, Note, ShortLink, Verdict, Visit
from tests import factories


def old(days: float, number: int = 0, **fields: object) -> Visit:
    """Create a processed visit of a person, this many days ago."""
    at = timezone.now() - timedelta(days=days)
    first = visit_records.id_bounds(at, at)["first"]
    processed = {"due_at": None, "processed_at": at, "verdict": Verdict.PERSON}
    return factories.visit(
        1, id=UUID(int=first.int + number), occurred_at=at, **{**processed, **fields}
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


@pytest.mark.parametrize(("days", "count"), [(90, "1"), (0, "0")], ids=["90", "never"])
def test_dry_run_shows_the_count_and_changes_nothing(
    db: None,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    days: int,
    count: str,
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = days
    old(100)

    call_command("redact_visits", dry_run=True)

    assert capsys.readouterr().out == f"visits to redact: {count}\n"
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
    dead = {"due_at": None, "processed_at": None, "verdict": ""}
    discarded, kept = (
        old(100, number, **dead, dead_lettered_at=timezone.now()) for number in (0, 1)
    )
    list(retention.redact_details())

    assert processing.discard_lost([discarded.pk]) == 1

    discarded.refresh_from_db()
    kept.refresh_from_db()
    assert (discarded.user_agent, kept.user_agent) == ("", factories.CHROME)
