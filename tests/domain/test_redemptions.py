"""What follows from redeemed clicks and from gestures: any order, once (pixel R6)."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain import conclusions, pixels, redeeming, redemptions, visits
from shortlinks.domain.click_tokens import Click
from shortlinks.models import (
    Account,
    DailyVisits,
    Note,
    Pixel,
    PixelAttachment,
    Redemption,
    ShortLink,
    SuspectPolicy,
    Verdict,
    Visit,
)
from tests import factories
from tests.factories import CHROME, cookie_sha256

# What a scanner that imitates a browser leaves out.
IMITATES = {"sec_fetch": "", "accept_language": ""}


@pytest.fixture(autouse=True)
def over_https(settings: Settings) -> Iterator[None]:
    """Only there an imitation is told from a browser."""
    settings.SHORT_BASE_URL = "https://go.example"
    conclusions._is_https.cache_clear()
    yield
    conclusions._is_https.cache_clear()


@pytest.fixture
def account(db: None) -> Account:
    return factories.account(suspect_policy=SuspectPolicy.HOLD)


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


def opens(link: ShortLink, **facts: Any) -> Visit:
    return factories.visit(link, **{"pixel_sha256": cookie_sha256("a"), **facts})


def asked(visit: Visit, **fields: Any) -> redeeming.Request:
    account_id = ShortLink.objects.get(pk=visit.link_id).account_id
    click = Click(visit.pk, 2**32 - 1)
    return redeeming.Request(
        **{
            "account_id": account_id,
            "click": click,
            "user_agent": visit.user_agent,
            **fields,
        }
    )


def redeems(visit: Visit, *, page: str = "") -> str:
    """The site's page, which goes by that uid already, takes the click over."""
    request = asked(visit, visitor_uid=page)
    answer = redemptions.conduct(redeeming.redeem(request, now=0))
    assert answer.visitor_uid is not None
    return answer.visitor_uid


def feels(visit: Visit) -> None:
    """Somebody touches that page."""
    uid = Redemption.objects.get(pk=visit.pk).visitor_uid
    redemptions.conduct(redeeming.feel(asked(visit, visitor_uid=uid)))


def a_minute_ago() -> datetime:
    return timezone.now() - timedelta(minutes=1)


def follow_up_visits() -> None:
    Visit.objects.filter(due_at__isnull=False).update(due_at=a_minute_ago())
    visits.follow_up()


def follow_up_redemptions() -> None:
    Redemption.objects.filter(due_at__isnull=False).update(due_at=a_minute_ago())
    redemptions.follow_up()


def follow_all_up() -> None:
    """Until nothing is left to do."""
    for _ in range(2):
        follow_up_visits()
        follow_up_redemptions()
    assert not Visit.objects.filter(due_at__isnull=False).exists()
    assert not Redemption.objects.filter(due_at__isnull=False).exists()


def rows() -> dict[str, Any]:
    """What visits and redemptions have led to."""
    return {
        "visits": list(Visit.objects.values_list("verdict", "reason")),
        "notes": list(Note.objects.values_list("opens", "url")),
        "pixels": list(
            PixelAttachment.objects.order_by("pixel__visitor_uid").values_list(
                "pixel__visitor_uid", "contact", "evidence"
            )
        ),
        "counts": list(
            DailyVisits.objects.filter(visits__gt=0).values_list("verdict", "visits")
        ),
    }


def uid(link: ShortLink, name: str = "a") -> str:
    return pixels.visitor_uid(link.account_id, cookie_sha256(name))


# --- redemptions -----------------------------------------------------------------


@pytest.mark.parametrize(
    "steps",
    list(permutations(["visits", "redeem", "redemptions"])),
    ids=" ".join,
)
def test_whenever_a_click_is_redeemed_the_rows_are_the_same(
    link: ShortLink, steps: tuple[str, ...]
) -> None:
    visit = opens(link)
    acts = {
        "visits": follow_up_visits,
        "redeem": lambda: redeems(visit),
        "redemptions": follow_up_redemptions,
    }

    for step in steps:
        acts[step]()
    follow_all_up()

    assert rows() == {
        "visits": [("person", "browser")],
        "notes": [(1, link.url)],
        "pixels": [(uid(link), link.contact_id, "click_redeemed")],
        "counts": [("person", 1)],
    }


def test_a_redemption_waits_for_its_visit_that_is_in_the_spool(link: ShortLink) -> None:
    visit = opens(link)
    redeems(visit)
    Visit.objects.all().delete()

    follow_up_redemptions()

    due_at = Redemption.objects.get().due_at
    assert due_at is not None
    assert due_at > a_minute_ago()
    Redemption.objects.update(redeemed_at=timezone.now() - timedelta(days=2))
    follow_up_redemptions()
    assert Redemption.objects.get().due_at is None


def test_both_browsers_that_a_page_joins_are_the_contacts(link: ShortLink) -> None:
    other = factories.link(factories.contact(link.contact.account))
    opens(other, pixel_sha256=cookie_sha256("older"))
    follow_all_up()
    visit = opens(link)

    kept = redeems(visit, page=uid(link, "older"))

    follow_all_up()
    assert kept == uid(link, "older")
    attached = PixelAttachment.objects.filter(contact=link.contact)
    assert {(a.pixel.visitor_uid, a.evidence) for a in attached} == {
        (uid(link), "click_redeemed"),
        (uid(link, "older"), "click_redeemed"),
    }


def test_a_manual_attachment_stays_one(link: ShortLink) -> None:
    opens(link)
    follow_all_up()
    PixelAttachment.objects.update(evidence="manual")

    redeems(opens(link))
    follow_all_up()

    assert PixelAttachment.objects.get().evidence == "manual"


def test_what_is_withdrawn_takes_both_browsers_along(link: ShortLink) -> None:
    other = factories.link(factories.contact(link.contact.account))
    opens(other, pixel_sha256=cookie_sha256("older"))
    follow_all_up()
    before = rows()["pixels"]
    visit = opens(link)
    redeems(visit, page=uid(link, "older"))
    follow_all_up()
    assert PixelAttachment.objects.count() == 3

    visits.overrule([visit.pk], Verdict.BOT)

    assert rows()["pixels"] == before
    assert Pixel.objects.get().visitor_uid == uid(link, "older")
    follow_all_up()
    assert rows()["pixels"] == before


def test_without_the_redeemed_visit_an_opened_link_is_all_the_evidence(
    link: ShortLink,
) -> None:
    opens(link)
    redeemed = opens(link)
    redeems(redeemed)
    follow_all_up()
    assert PixelAttachment.objects.get().evidence == "click_redeemed"

    visits.overrule([redeemed.pk], Verdict.BOT)

    assert PixelAttachment.objects.get().evidence == "click"


def test_who_objects_after_the_redemption_is_not_attached(link: ShortLink) -> None:
    redeems(opens(link))
    contact = link.contact
    contact.tracking_consent = "denied"
    contact.save()

    follow_all_up()

    assert not PixelAttachment.objects.exists()


def test_one_that_is_sent_twice_is_one(link: ShortLink) -> None:
    """A connection that breaks may have told Postgres, though not us."""
    dialogue = redeeming.redeem(asked(opens(link)), now=0)
    statement, parameters = next(dialogue)
    found = redeemed(statement, parameters)
    statement, parameters = dialogue.send(found)

    first, second = (redeemed(statement, parameters) for _ in range(2))

    assert first == second != []
    another = {**parameters, "attempt": uuid.uuid4()}
    assert redeemed(statement, another) == []


def redeemed(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


# --- gestures --------------------------------------------------------------------


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
    visit = opens(link, **IMITATES)
    acts = {
        "visits": follow_up_visits,
        "redeem": lambda: redeems(visit),
        "redemptions": follow_up_redemptions,
        "gesture": lambda: feels(visit),
    }

    for step in steps:
        acts[step]()
    follow_all_up()

    assert rows() == {
        "visits": [("person", "a gesture on the site")],
        "notes": [(1, link.url)],
        "pixels": [(uid(link), link.contact_id, "click_redeemed")],
        "counts": [("person", 1)],
    }


def test_a_suspect_whose_page_felt_nothing_stays_one(link: ShortLink) -> None:
    redeems(opens(link, **IMITATES))

    follow_all_up()

    assert rows() == {
        "visits": [("suspect", "lacks what its browser sends")],
        "notes": [],
        "pixels": [],
        "counts": [("suspect", 1)],
    }


def test_a_gesture_follows_up_within_one_run(link: ShortLink) -> None:
    visit = opens(link, **IMITATES)
    redeems(visit)
    follow_all_up()
    feels(visit)

    done = redemptions.follow_up()

    assert done.revised == {"person": 1}
    assert Note.objects.get().opens == 1
    assert Redemption.objects.get().due_at is None


def test_twice_changes_nothing(link: ShortLink) -> None:
    visit = opens(link, **IMITATES)
    redeems(visit)
    feels(visit)
    follow_all_up()
    before = rows(), list(Redemption.objects.values())

    feels(visit)
    for _ in range(2):
        follow_all_up()

    assert (rows(), list(Redemption.objects.values())) == before
    Redemption.objects.update(due_at=a_minute_ago())
    follow_all_up()
    assert (rows(), list(Redemption.objects.values())) == before


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
    visit = opens(link, **facts)
    redeems(visit)
    feels(visit)

    follow_all_up()

    assert rows()["counts"] == [(verdict, 1)]
    assert (rows()["notes"], rows()["pixels"]) == ([], [])


def test_an_administrators_word_outweighs_a_gesture(link: ShortLink) -> None:
    visit = opens(link, **IMITATES)
    redeems(visit)
    follow_all_up()
    visits.overrule([visit.pk], Verdict.SUSPECT)

    feels(visit)

    follow_all_up()
    assert rows()["counts"] == [("suspect", 1)]
    assert rows()["notes"] == []


def test_an_account_that_ignores_suspects_ignores_their_gestures(
    link: ShortLink,
) -> None:
    Account.objects.update(suspect_policy=SuspectPolicy.IGNORE)
    visit = opens(link, **IMITATES)
    redeems(visit)
    feels(visit)

    follow_all_up()

    assert rows()["counts"] == [("suspect", 1)]
    assert rows()["notes"] == []


def test_judged_anew_a_gesture_still_counts(link: ShortLink) -> None:
    visit = opens(link, **IMITATES)
    redeems(visit)
    feels(visit)
    follow_all_up()
    before = rows()

    visits.reconsider([visit.pk])

    assert rows() == before
