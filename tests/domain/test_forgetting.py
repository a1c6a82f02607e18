"""Details of old visits are forgotten; what they led to stays."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain.visits import reclassification, retention, visit_records
from shortlinks.models import Verdict, Visit
from tests import factories


def old(days: float, number: int = 0, **fields: object) -> Visit:
    """A visit of a person's that was followed up, so many days ago."""
    at = timezone.now() - timedelta(days=days)
    first = visit_records.id_bounds(at, at)["first"]
    followed_up = {"due_at": None, "processed_at": at, "verdict": Verdict.PERSON}
    return factories.visit(
        1, id=UUID(int=first.int + number), occurred_at=at, **{**followed_up, **fields}
    )


def test_details_go_when_they_are_old_and_the_visit_stays(
    db: None, settings: Settings
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    before, after = old(90.5), old(89.5)

    assert sum(retention.redact_details()) == 1

    before.refresh_from_db()
    said = (before.address, before.user_agent, before.accept_language, before.sec_fetch)
    assert said == (None, "", "", "")
    assert before.verdict == Verdict.PERSON
    after.refresh_from_db()
    assert after.user_agent == factories.CHROME


def test_what_still_waits_for_its_verdict_keeps_what_it_is_judged_by(
    db: None, settings: Settings
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    waiting = old(100, due_at=timezone.now(), processed_at=None, verdict="")

    assert sum(retention.redact_details()) == 0

    waiting.refresh_from_db()
    assert waiting.user_agent == factories.CHROME


def test_nobody_is_judged_by_what_is_forgotten(db: None, settings: Settings) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    old(100)
    until = timezone.now()
    since = until - timedelta(days=200)
    assert reclassification.count(since, until) == 1

    list(retention.redact_details())

    assert reclassification.count(since, until) == 0


def test_pages_go_on_where_the_last_ended(
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


@pytest.mark.parametrize(("days", "said"), [(90, "1"), (0, "0")], ids=["90", "never"])
def test_a_dry_run_says_how_many_and_changes_none(
    db: None,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    days: int,
    said: str,
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = days
    old(100)

    call_command("redact_visits", dry_run=True)

    assert capsys.readouterr().out == f"would be changed: {said}\n"
    assert Visit.objects.exclude(user_agent="").count() == 1
