"""What follows from redeemed clicks: in any order, once (pixel R6)."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from shortlinks.domain.pixels import click_redemption
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    Pixel,
    PixelAttachment,
    Redemption,
    ShortLink,
    Verdict,
    Visit,
)
from tests import factories
from tests.domain import sites
from tests.factories import cookie_sha256


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


@pytest.mark.parametrize(
    "steps",
    list(permutations(["visits", "redeem", "redemptions"])),
    ids=" ".join,
)
def test_whenever_a_click_is_redeemed_the_rows_are_the_same(
    link: ShortLink, steps: tuple[str, ...]
) -> None:
    visit = sites.opens(link)
    acts: dict[str, Callable[[], object]] = {
        "visits": sites.process_visits,
        "redeem": lambda: sites.redeems(visit),
        "redemptions": sites.follow_up_redemptions,
    }

    for step in steps:
        acts[step]()
    sites.follow_all_up()

    assert sites.rows() == {
        "visits": [("person", "browser")],
        "notes": [(1, link.url)],
        "pixels": [(sites.uid(link), link.contact_id, "click_redeemed")],
        "counts": [("person", 1)],
    }


def test_a_redemption_waits_for_its_visit_that_is_in_the_spool(link: ShortLink) -> None:
    visit = sites.opens(link)
    sites.redeems(visit)
    Visit.objects.all().delete()

    sites.follow_up_redemptions()

    due_at = Redemption.objects.get().due_at
    assert due_at is not None
    assert due_at > sites.a_minute_ago()
    Redemption.objects.update(redeemed_at=timezone.now() - timedelta(days=2))
    sites.follow_up_redemptions()
    assert Redemption.objects.get().due_at is None


def test_both_browsers_that_a_page_joins_are_the_contacts(link: ShortLink) -> None:
    other = factories.link(factories.contact(link.contact.account))
    sites.opens(other, pixel_sha256=cookie_sha256("older"))
    sites.follow_all_up()
    visit = sites.opens(link)

    kept = sites.redeems(visit, page=sites.uid(link, "older"))

    sites.follow_all_up()
    assert kept == sites.uid(link, "older")
    attached = PixelAttachment.objects.filter(contact=link.contact)
    assert {(a.pixel.visitor_uid, a.evidence) for a in attached} == {
        (sites.uid(link), "click_redeemed"),
        (sites.uid(link, "older"), "click_redeemed"),
    }


def test_a_manual_attachment_stays_one(link: ShortLink) -> None:
    sites.opens(link)
    sites.follow_all_up()
    PixelAttachment.objects.update(evidence="manual")

    sites.redeems(sites.opens(link))
    sites.follow_all_up()

    assert PixelAttachment.objects.get().evidence == "manual"


def test_what_is_withdrawn_takes_both_browsers_along(link: ShortLink) -> None:
    other = factories.link(factories.contact(link.contact.account))
    sites.opens(other, pixel_sha256=cookie_sha256("older"))
    sites.follow_all_up()
    before = sites.rows()["pixels"]
    visit = sites.opens(link)
    sites.redeems(visit, page=sites.uid(link, "older"))
    sites.follow_all_up()
    assert PixelAttachment.objects.count() == 3

    processing.override_verdict([visit.pk], Verdict.BOT)

    assert sites.rows()["pixels"] == before
    assert Pixel.objects.get().visitor_uid == sites.uid(link, "older")
    sites.follow_all_up()
    assert sites.rows()["pixels"] == before


def test_what_another_redemption_says_of_the_pages_browser_stays(
    link: ShortLink,
) -> None:
    other = factories.link(factories.contact(link.contact.account))
    sites.opens(other, pixel_sha256=cookie_sha256("older"))
    sites.follow_all_up()
    first, second = (
        sites.opens(link, pixel_sha256=cookie_sha256(name)) for name in ("a", "b")
    )
    for visit in (first, second):
        sites.redeems(visit, page=sites.uid(link, "older"))
    sites.follow_all_up()

    processing.override_verdict([first.pk], Verdict.BOT)

    attached = PixelAttachment.objects.filter(contact=link.contact)
    assert {(a.pixel.visitor_uid, a.evidence) for a in attached} == {
        (sites.uid(link, "older"), "click_redeemed"),
        (sites.uid(link, "b"), "click_redeemed"),
    }


def test_without_the_redeemed_visit_an_opened_link_is_all_the_evidence(
    link: ShortLink,
) -> None:
    sites.opens(link)
    redeemed = sites.opens(link)
    sites.redeems(redeemed)
    sites.follow_all_up()
    assert PixelAttachment.objects.get().evidence == "click_redeemed"

    processing.override_verdict([redeemed.pk], Verdict.BOT)

    assert PixelAttachment.objects.get().evidence == "click"


def test_who_objects_after_the_redemption_is_not_attached(link: ShortLink) -> None:
    sites.redeems(sites.opens(link))
    contact = link.contact
    contact.tracking_consent = "denied"
    contact.save()

    sites.follow_all_up()

    assert not PixelAttachment.objects.exists()


def test_one_that_is_sent_twice_is_one(link: ShortLink) -> None:
    """A connection that breaks may have told Postgres, though not us."""
    dialogue = click_redemption.redeem(sites.asked(sites.opens(link)), now=0)
    statement, parameters = next(dialogue)
    found = asked_of_postgres(statement, parameters)
    statement, parameters = dialogue.send(found)

    first, second = (asked_of_postgres(statement, parameters) for _ in range(2))

    assert first == second != []
    another = {**parameters, "idempotency_key": uuid.uuid4()}
    assert asked_of_postgres(statement, another) == []


def asked_of_postgres(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
