"""A visit that stands for many is counted as many (docs/adr/0051)."""

from datetime import date

from shortlinks.domain.visits import processing
from shortlinks.models import Account, DailyVisits, Note, Verdict
from tests import factories
from tests.factories import at

DAY = date(2026, 11, 23)


def counts() -> dict[tuple[date, str], int]:
    return {(row.day, row.verdict): row.visits for row in DailyVisits.objects.all()}


def test_counted_visits_are_added_to_note_and_counter(account: Account) -> None:
    link = factories.link(factories.contact(account))
    factories.visit(link, occurred_at=at("12:00"))
    factories.visit(link, occurred_at=at("12:01"), visit_count=1900)

    done = processing.process_due()

    assert Note.objects.get().opens == 1901
    assert counts() == {(DAY, "person"): 1901}
    assert done.verdicts == {"person": 1901}


def test_counted_visits_follow_their_verdict(account: Account) -> None:
    link = factories.link(factories.contact(account))
    factories.visit(link, occurred_at=at("12:00"))
    flood = factories.visit(link, occurred_at=at("12:01"), visit_count=1900)
    processing.process_due()

    processing.override_verdict([flood.pk], Verdict.BOT)
    as_bot = (Note.objects.get().opens, counts())
    processing.override_verdict([flood.pk], Verdict.PERSON)

    assert as_bot == (1, {(DAY, "person"): 1, (DAY, "bot"): 1900})
    assert Note.objects.get().opens == 1901
    assert counts() == {(DAY, "person"): 1901, (DAY, "bot"): 0}
