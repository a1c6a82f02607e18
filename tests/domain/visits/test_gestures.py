"""A gesture on a site's page confirms a suspect as a person."""

from collections.abc import Callable

import pytest

from shortlinks.domain.visits import click_processing, processing
from shortlinks.models import (
    Account,
    Contact,
    Note,
    Redemption,
    ShortLink,
    SuspectPolicy,
    Verdict,
)
from tests import factories
from tests.domain.visits import sites
from tests.factories import CHROME

# Headers that a scanner which imitates a browser does not send.
IMITATION = {"sec_fetch": "", "accept_language": ""}

pytestmark = pytest.mark.usefixtures("over_https")


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
def test_suspect_is_a_person_after_a_gesture_in_any_order(
    link: ShortLink, steps: list[str]
) -> None:
    visit = sites.open_link(link, **IMITATION)
    acts: dict[str, Callable[[], object]] = {
        "visits": sites.process_visits,
        "redeem": lambda: sites.redeem(visit),
        "redemptions": sites.process_redemptions,
        "gesture": lambda: sites.record_gesture(visit),
    }

    for step in steps:
        acts[step]()
    sites.process_everything()

    assert sites.results() == {
        "visits": [("person", "gesture on the site")],
        "notes": [(1, link.url)],
        "pixels": [(sites.visitor_uid(link), link.contact_id, "click_redeemed")],
        "counts": [("person", 1)],
    }


def test_suspect_stays_one_without_a_gesture(link: ShortLink) -> None:
    sites.redeem(sites.open_link(link, **IMITATION))

    sites.process_everything()

    assert sites.results() == {
        "visits": [("suspect", "browser headers missing")],
        "notes": [],
        "pixels": [],
        "counts": [("suspect", 1)],
    }


def test_gesture_at_another_address_confirms_nobody(link: ShortLink) -> None:
    visit = sites.open_link(link, **IMITATION)
    sites.redeem(visit, address=b"copy")
    sites.record_gesture(visit)

    sites.process_everything()

    assert sites.results()["counts"] == [("suspect", 1)]
    assert sites.results()["notes"] == []


@pytest.mark.parametrize("deleted_after", ["the click", "the gesture"])
def test_gesture_is_not_recorded_for_a_deleted_contact(
    link: ShortLink, deleted_after: str
) -> None:
    visit = sites.open_link(link, **IMITATION)
    sites.redeem(visit)
    sites.process_visits()
    steps: dict[str, Callable[[], object]] = {
        "the click": lambda: Contact.objects.update(is_deleted=True),
        "the gesture": lambda: sites.record_gesture(visit),
    }
    for name in sorted(steps, key=lambda name: name == deleted_after):
        steps[name]()

    sites.process_everything()

    assert sites.results() == {
        "visits": [("suspect", "browser headers missing")],
        "notes": [],
        "pixels": [],
        "counts": [("suspect", 1)],
    }


def test_gesture_is_processed_in_one_run(link: ShortLink) -> None:
    visit = sites.open_link(link, **IMITATION)
    sites.redeem(visit)
    sites.process_everything()
    sites.record_gesture(visit)

    done = click_processing.process_due()

    assert done.reclassified == {"person": 1}
    assert Note.objects.get().opens == 1
    assert Redemption.objects.get().due_at is None


def test_second_gesture_changes_nothing(link: ShortLink) -> None:
    visit = sites.open_link(link, **IMITATION)
    sites.redeem(visit)
    sites.record_gesture(visit)
    sites.process_everything()
    before = sites.results(), list(Redemption.objects.values())

    sites.record_gesture(visit)
    for _ in range(2):
        sites.process_everything()

    assert (sites.results(), list(Redemption.objects.values())) == before
    Redemption.objects.update(due_at=sites.a_minute_ago())
    sites.process_everything()
    assert (sites.results(), list(Redemption.objects.values())) == before


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"user_agent": f"{CHROME} Googlebot/2.1"}, "bot"),
        ({"user_agent": "TelegramBot (like TwitterBot)"}, "preview"),
        ({"staff": "office"}, "staff"),
        ({"method": "HEAD"}, "head"),
        ({"purpose": "sec-purpose=prefetch"}, "prefetch"),
        ({"address": "91.220.42.0"}, "bot"),
    ],
    ids=["bot", "preview", "staff", "head", "prefetch", "scanner network"],
)
def test_gesture_changes_no_other_verdict(
    link: ShortLink, facts: dict[str, str], verdict: str
) -> None:
    visit = sites.open_link(link, **facts)
    sites.redeem(visit)
    sites.record_gesture(visit)

    sites.process_everything()

    assert sites.results()["counts"] == [(verdict, 1)]
    assert (sites.results()["notes"], sites.results()["pixels"]) == ([], [])


def test_gesture_does_not_change_an_overridden_verdict(link: ShortLink) -> None:
    visit = sites.open_link(link, **IMITATION)
    sites.redeem(visit)
    sites.process_everything()
    processing.override_verdict([visit.pk], Verdict.SUSPECT)

    sites.record_gesture(visit)

    sites.process_everything()
    assert sites.results()["counts"] == [("suspect", 1)]
    assert sites.results()["notes"] == []


def test_gesture_has_no_effect_if_the_policy_is_ignore(
    link: ShortLink,
) -> None:
    Account.objects.update(suspect_policy=SuspectPolicy.IGNORE)
    visit = sites.open_link(link, **IMITATION)
    sites.redeem(visit)
    sites.record_gesture(visit)

    sites.process_everything()

    assert sites.results()["counts"] == [("suspect", 1)]
    assert sites.results()["notes"] == []


def test_gesture_still_counts_when_reevaluated(link: ShortLink) -> None:
    visit = sites.open_link(link, **IMITATION)
    sites.redeem(visit)
    sites.record_gesture(visit)
    sites.process_everything()
    before = sites.results()

    processing.reevaluate([visit.pk])

    assert sites.results() == before
