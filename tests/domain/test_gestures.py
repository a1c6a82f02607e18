"""A hand on a site's page makes a person of a suspect (pixel, amendments)."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from shortlinks.domain.visits import classifier, click_processing, processing
from shortlinks.models import (
    Account,
    Note,
    Redemption,
    ShortLink,
    SuspectPolicy,
    Verdict,
)
from tests import factories
from tests.domain import sites
from tests.factories import CHROME

# What a scanner that imitates a browser leaves out.
IMITATES = {"sec_fetch": "", "accept_language": ""}


@pytest.fixture(autouse=True)
def over_https(settings: Settings) -> Iterator[None]:
    """Only there an imitation is told from a browser."""
    settings.SHORT_BASE_URL = "https://go.example"
    classifier._is_https.cache_clear()
    yield
    classifier._is_https.cache_clear()


@pytest.fixture
def account(db: None) -> Account:
    return factories.account(suspect_policy=SuspectPolicy.HOLD)


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


@pytest.mark.parametrize(
    "steps",
    [
        ["visits", "redeem", "redemptions", "gesture", "redemptions"],
        ["redeem", "visits", "gesture", "redemptions"],
        ["redeem", "gesture", "visits", "redemptions"],
        ["redeem", "gesture", "redemptions", "visits"],
        ["redeem", "redemptions", "gesture", "visits"],
    ],
    ids=" ".join,
)
def test_whenever_a_hand_is_felt_a_suspect_is_a_person(
    link: ShortLink, steps: list[str]
) -> None:
    visit = sites.opens(link, **IMITATES)
    acts: dict[str, Callable[[], object]] = {
        "visits": sites.process_visits,
        "redeem": lambda: sites.redeems(visit),
        "redemptions": sites.follow_up_redemptions,
        "gesture": lambda: sites.feels(visit),
    }

    for step in steps:
        acts[step]()
    sites.follow_all_up()

    assert sites.rows() == {
        "visits": [("person", "a gesture on the site")],
        "notes": [(1, link.url)],
        "pixels": [(sites.uid(link), link.contact_id, "click_redeemed")],
        "counts": [("person", 1)],
    }


def test_a_suspect_whose_page_felt_nothing_stays_one(link: ShortLink) -> None:
    sites.redeems(sites.opens(link, **IMITATES))

    sites.follow_all_up()

    assert sites.rows() == {
        "visits": [("suspect", "lacks what its browser sends")],
        "notes": [],
        "pixels": [],
        "counts": [("suspect", 1)],
    }


def test_a_gesture_follows_up_within_one_run(link: ShortLink) -> None:
    visit = sites.opens(link, **IMITATES)
    sites.redeems(visit)
    sites.follow_all_up()
    sites.feels(visit)

    done = click_processing.process_due()

    assert done.reclassified == {"person": 1}
    assert Note.objects.get().opens == 1
    assert Redemption.objects.get().due_at is None


def test_twice_changes_nothing(link: ShortLink) -> None:
    visit = sites.opens(link, **IMITATES)
    sites.redeems(visit)
    sites.feels(visit)
    sites.follow_all_up()
    before = sites.rows(), list(Redemption.objects.values())

    sites.feels(visit)
    for _ in range(2):
        sites.follow_all_up()

    assert (sites.rows(), list(Redemption.objects.values())) == before
    Redemption.objects.update(due_at=sites.a_minute_ago())
    sites.follow_all_up()
    assert (sites.rows(), list(Redemption.objects.values())) == before


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"user_agent": f"{CHROME} Googlebot/2.1"}, "bot"),
        ({"user_agent": "TelegramBot (like TwitterBot)"}, "preview"),
        ({"staff": "office"}, "staff"),
        ({"method": "HEAD"}, "head"),
        ({"purpose": "sec-purpose=prefetch"}, "prefetch"),
        ({"referer": "eur01.safelinks.protection.outlook.com"}, "scanner"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_gesture_makes_a_person_of_suspects_alone(
    link: ShortLink, facts: dict[str, str], verdict: str
) -> None:
    visit = sites.opens(link, **facts)
    sites.redeems(visit)
    sites.feels(visit)

    sites.follow_all_up()

    assert sites.rows()["counts"] == [(verdict, 1)]
    assert (sites.rows()["notes"], sites.rows()["pixels"]) == ([], [])


def test_an_administrators_word_outweighs_a_gesture(link: ShortLink) -> None:
    visit = sites.opens(link, **IMITATES)
    sites.redeems(visit)
    sites.follow_all_up()
    processing.override_verdict([visit.pk], Verdict.SUSPECT)

    sites.feels(visit)

    sites.follow_all_up()
    assert sites.rows()["counts"] == [("suspect", 1)]
    assert sites.rows()["notes"] == []


def test_an_account_that_ignores_suspects_ignores_their_gestures(
    link: ShortLink,
) -> None:
    Account.objects.update(suspect_policy=SuspectPolicy.IGNORE)
    visit = sites.opens(link, **IMITATES)
    sites.redeems(visit)
    sites.feels(visit)

    sites.follow_all_up()

    assert sites.rows()["counts"] == [("suspect", 1)]
    assert sites.rows()["notes"] == []


def test_judged_anew_a_gesture_still_counts(link: ShortLink) -> None:
    visit = sites.opens(link, **IMITATES)
    sites.redeems(visit)
    sites.feels(visit)
    sites.follow_all_up()
    before = sites.rows()

    processing.reevaluate([visit.pk])

    assert sites.rows() == before
