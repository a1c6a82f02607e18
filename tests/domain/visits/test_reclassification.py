"""Past visits are reclassified, with their notes, pixels and counters."""

from datetime import timedelta
from io import StringIO
from ipaddress import ip_network

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain import known_networks
from shortlinks.domain.visits import processing, reclassification
from shortlinks.models import (
    Account,
    DailyVisits,
    Note,
    PixelAttachment,
    ShortLink,
    Verdict,
    Visit,
)
from tests import factories
from tests.factories import CHROME, at, cookie_sha256


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


@pytest.fixture
def past(link: ShortLink) -> Visit:
    """A bot that earlier rules classified as a person."""
    visit = factories.visit(link, pixel_sha256=cookie_sha256("a"))
    processing.process_due()
    Visit.objects.filter(pk=visit.pk).update(user_agent="curl/8.5.0")
    return visit


def reclassify_visits(*arguments: str) -> str:
    output = StringIO()
    day = f"{timezone.now() - timedelta(days=1):%Y-%m-%d}"
    call_command("reclassify_visits", "--since", day, *arguments, stdout=output)
    return output.getvalue()


def state() -> tuple[int, int, dict[str, int]]:
    counted = dict(DailyVisits.objects.values_list("verdict", "visits"))
    return Note.objects.count(), PixelAttachment.objects.count(), counted


def test_new_verdict_updates_notes_pixels_and_counters(past: Visit) -> None:
    assert reclassify_visits() == "person -> bot: 1\n1 visits classified, 1 changed.\n"

    assert state() == (0, 0, {"person": 0, "bot": 1})


def test_dry_run_shows_changes_without_making_them(past: Visit) -> None:
    before = state()

    output = reclassify_visits("--dry-run")

    assert output == "person -> bot: 1\n1 visits classified, 1 would change.\n"
    assert state() == before


def test_second_run_changes_nothing(past: Visit) -> None:
    reclassify_visits()

    assert reclassify_visits() == "1 visits classified, 0 changed.\n"


def test_verdict_may_change_back_to_person(past: Visit, link: ShortLink) -> None:
    reclassify_visits()
    Visit.objects.update(user_agent=CHROME)

    reclassify_visits()

    assert state() == (1, 1, {"person": 1, "bot": 0})


def test_overridden_verdict_stays(past: Visit) -> None:
    processing.override_verdict([past.pk], Verdict.PERSON)

    assert reclassify_visits() == "0 visits classified, 0 changed.\n"
    assert Note.objects.count() == 1


def test_all_pages_are_reclassified(
    link: ShortLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassification, "BATCH_SIZE", 2)
    for _ in range(5):
        factories.visit(link)
    processing.process_due()
    Visit.objects.update(user_agent="")

    assert reclassify_visits().endswith("5 visits classified, 5 changed.\n")
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [["--since", "yesterday"], ["--since", "2026-02-30"], [],
     ["--since", "2026-11-02", "--until", "2026-11-01"]],
)  # fmt: skip
def test_invalid_times_are_rejected(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("reclassify_visits", *arguments)


@pytest.mark.parametrize(
    ("mask", "listed", "verdict"),
    [
        ("full", "192.0.2.7/32", "bot"),
        ("full", "192.0.2.8/32", "person"),
        ("truncated", "192.0.2.0/24", "bot"),
        ("truncated", "192.0.2.0/32", "person"),
        ("truncated", "192.0.0.0/16", "bot"),
    ],
)
def test_address_in_a_bot_network_is_a_bot(
    link: ShortLink,
    settings: Settings,
    mask: str,
    listed: str,
    verdict: str,
) -> None:
    """A network narrower than the masked address would match its neighbors, too."""
    settings.BOT_NETWORKS_PATH = [(ip_network(listed), "opens", "certain", "own")]
    known_networks.clear_caches()
    Account.objects.update(address_mask=mask)
    factories.visit(link, address="192.0.2.7" if mask == "full" else "192.0.2.0")

    processing.process_due()

    assert Visit.objects.get().verdict == verdict
    known_networks.clear_caches()


def test_counted_day_stays_when_the_time_zone_changes(
    link: ShortLink, account: Account
) -> None:
    opened = factories.visit(link, occurred_at=at("22:30"))
    processing.process_due()
    account.time_zone = "UTC"
    account.save()

    processing.override_verdict([opened.pk], Verdict.BOT)

    rows = DailyVisits.objects.values_list("day", "verdict", "visits")
    days, counts = {day for day, _, _ in rows}, {v: n for _, v, n in rows if n}
    assert (counts, len(days)) == ({"bot": 1}, 1)
