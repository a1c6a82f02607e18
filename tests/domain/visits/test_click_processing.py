"""Redeemed clicks are processed once, in any order."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from shortlinks.domain.pixels import click_redemption
from shortlinks.domain.visits import click_processing, processing
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
from tests.domain.visits import sites
from tests.factories import cookie_sha256


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


@pytest.mark.parametrize(
    "steps",
    list(permutations(["visits", "redeem", "redemptions"])),
    ids=" ".join,
)
def test_result_does_not_depend_on_when_the_click_is_redeemed(
    link: ShortLink, steps: tuple[str, ...]
) -> None:
    visit = sites.open_link(link)
    acts: dict[str, Callable[[], object]] = {
        "visits": sites.process_visits,
        "redeem": lambda: sites.redeem(visit),
        "redemptions": sites.process_redemptions,
    }

    for step in steps:
        acts[step]()
    sites.process_everything()

    assert sites.results() == {
        "visits": [("person", "browser")],
        "notes": [(1, link.url)],
        "pixels": [(sites.visitor_uid(link), link.contact_id, "click_redeemed")],
        "counts": [("person", 1)],
    }


def test_redemption_waits_a_day_for_a_spooled_visit(link: ShortLink) -> None:
    visit = sites.open_link(link)
    sites.redeem(visit)
    Visit.objects.all().delete()

    sites.process_redemptions()

    due_at = Redemption.objects.get().due_at
    assert due_at is not None
    assert due_at > sites.a_minute_ago()
    Redemption.objects.update(redeemed_at=timezone.now() - timedelta(days=2))
    sites.process_redemptions()
    assert Redemption.objects.get().due_at is None


@pytest.mark.parametrize("days", [2, -2], ids=["ahead", "behind"])
def test_wait_for_a_visit_does_not_depend_on_the_clock_of_the_worker(
    link: ShortLink, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    visit = sites.open_link(link)
    sites.redeem(visit)
    Visit.objects.all().delete()
    now = timezone.now()

    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: now + timedelta(days=days))
        click_processing.process_due()

    due_at = Redemption.objects.get().due_at
    assert due_at is not None
    assert timedelta(0) < due_at - now < timedelta(seconds=20)


def test_both_identities_of_a_page_are_attached(link: ShortLink) -> None:
    other = factories.link(factories.contact(link.contact.account))
    sites.open_link(other, pixel_sha256=cookie_sha256("older"))
    sites.process_everything()
    visit = sites.open_link(link)

    kept = sites.redeem(visit, page=sites.visitor_uid(link, "older"))

    sites.process_everything()
    assert kept == sites.visitor_uid(link, "older")
    attached = PixelAttachment.objects.filter(contact=link.contact)
    assert {(a.pixel.visitor_uid, a.evidence) for a in attached} == {
        (sites.visitor_uid(link), "click_redeemed"),
        (sites.visitor_uid(link, "older"), "click_redeemed"),
    }


def test_withdrawn_open_detaches_both_identities(link: ShortLink) -> None:
    other = factories.link(factories.contact(link.contact.account))
    sites.open_link(other, pixel_sha256=cookie_sha256("older"))
    sites.process_everything()
    before = sites.results()["pixels"]
    visit = sites.open_link(link)
    sites.redeem(visit, page=sites.visitor_uid(link, "older"))
    sites.process_everything()
    assert PixelAttachment.objects.count() == 3

    processing.override_verdict([visit.pk], Verdict.BOT)

    assert sites.results()["pixels"] == before
    assert Pixel.objects.get().visitor_uid == sites.visitor_uid(link, "older")
    sites.process_everything()
    assert sites.results()["pixels"] == before


def test_withdrawn_open_keeps_what_another_redemption_attached(
    link: ShortLink,
) -> None:
    other = factories.link(factories.contact(link.contact.account))
    sites.open_link(other, pixel_sha256=cookie_sha256("older"))
    sites.process_everything()
    first, second = (
        sites.open_link(link, pixel_sha256=cookie_sha256(name)) for name in ("a", "b")
    )
    for visit in (first, second):
        sites.redeem(visit, page=sites.visitor_uid(link, "older"))
    sites.process_everything()

    processing.override_verdict([first.pk], Verdict.BOT)

    attached = PixelAttachment.objects.filter(contact=link.contact)
    assert {(a.pixel.visitor_uid, a.evidence) for a in attached} == {
        (sites.visitor_uid(link, "older"), "click_redeemed"),
        (sites.visitor_uid(link, "b"), "click_redeemed"),
    }


def test_evidence_is_only_the_click_without_the_redeemed_visit(
    link: ShortLink,
) -> None:
    sites.open_link(link)
    redeemed = sites.open_link(link)
    sites.redeem(redeemed)
    sites.process_everything()
    assert PixelAttachment.objects.get().evidence == "click_redeemed"

    processing.override_verdict([redeemed.pk], Verdict.BOT)

    assert PixelAttachment.objects.get().evidence == "click"


def test_browser_is_not_attached_if_consent_is_denied_later(link: ShortLink) -> None:
    sites.redeem(sites.open_link(link))
    contact = link.contact
    contact.tracking_consent = "denied"
    contact.save()

    sites.process_everything()

    assert not PixelAttachment.objects.exists()


def test_redemption_statement_may_be_sent_twice(link: ShortLink) -> None:
    """Postgres may have committed although the connection failed."""
    flow = click_redemption.redeem(
        sites.redemption_request(sites.open_link(link)), now=0
    )
    statement, parameters = next(flow)
    found = fetch_all(statement, parameters)
    statement, parameters = flow.send(found)

    first, second = (fetch_all(statement, parameters) for _ in range(2))

    assert first == second != []
    another = {**parameters, "idempotency_key": uuid.uuid4()}
    assert fetch_all(statement, another) == []


def fetch_all(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def test_deadlock_of_one_redemption_is_tried_again_at_once(link: ShortLink) -> None:
    process_then_redeem(link)
    fail_with_deadlocks(2)

    sites.process_redemptions()

    assert Redemption.objects.get().due_at is None
    assert PixelAttachment.objects.get().evidence == "click_redeemed"


def test_redemption_that_always_deadlocks_waits(link: ShortLink) -> None:
    process_then_redeem(link)
    fail_with_deadlocks(1000)

    sites.process_redemptions()

    due_at = Redemption.objects.get().due_at
    assert due_at is not None
    assert due_at > timezone.now() + timedelta(minutes=9)


def process_then_redeem(link: ShortLink) -> None:
    visit = sites.open_link(link)
    sites.process_visits()
    sites.redeem(visit)


def fail_with_deadlocks(count: int) -> None:
    """Let Postgres report deadlocks for the next statements that attach browsers."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            RESET ROLE;
            CREATE SEQUENCE deadlocks;
            CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              IF nextval('deadlocks') <= {count} THEN
                RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01';
              END IF;
              RETURN NEW;
            END $$;
            CREATE TRIGGER deadlock BEFORE UPDATE ON shortlinks_pixelattachment
              FOR EACH ROW EXECUTE FUNCTION deadlock();
            """
        )
