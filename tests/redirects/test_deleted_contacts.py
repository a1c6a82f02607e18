"""Links of deleted contacts redirect, and nothing is recorded."""

from typing import Any

import httpx
import pytest

from shortlinks.domain import redis_client
from shortlinks.domain.contacts import contacts
from shortlinks.domain.links import redis_cache
from shortlinks.domain.pixels import click_redemption
from shortlinks.domain.visits import click_processing, processing
from shortlinks.models import (
    Account,
    Contact,
    DailyVisits,
    Note,
    Pixel,
    Redemption,
    ShortLink,
    Visit,
)
from tests import factories
from tests.domain.visits import sites
from tests.factories import cookie_sha256


def set_deleted(link: ShortLink, *, is_deleted: bool) -> None:
    user = factories.admin(link.account)
    contacts.set_deleted([link.contact_id], is_deleted=is_deleted, by=user)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_redirect_of_a_deleted_contact_records_nothing(
    visitor: httpx.Client, link: ShortLink, method: str
) -> None:
    factories.site(link.account)
    set_deleted(link, is_deleted=True)

    response = visitor.request(method, f"/{link.code}?utm=1")

    assert response.status_code == 302
    assert response.headers["location"] == f"{link.target}?utm=1"
    assert "set-cookie" not in response.headers
    assert not Visit.objects.exists()


def cached(link: ShortLink) -> Any:
    return redis_client.client().get(redis_cache.link_key(link.code))


def test_cached_link_stops_recording_when_its_contact_is_deleted(
    link: ShortLink,
) -> None:
    redis_cache.refresh([ShortLink.objects.select_related("contact").get(pk=link.pk)])
    before = cached(link)

    set_deleted(link, is_deleted=True)
    deleted = cached(link)
    set_deleted(link, is_deleted=False)

    assert before != deleted
    assert cached(link) == before


def test_link_created_during_the_deletion_records_nothing(
    visitor: httpx.Client, account: Account
) -> None:
    """Permission was checked before the deletion, and the link inserted after it."""
    contact = factories.contact(account)
    Contact.objects.filter(pk=contact.pk).update(is_deleted=True)
    link = factories.link(contact)

    response = visitor.get(f"/{link.code}")

    assert response.status_code == 302
    assert "set-cookie" not in response.headers
    assert not Visit.objects.exists()


def test_restored_contact_is_recorded_again(
    visitor: httpx.Client, link: ShortLink
) -> None:
    set_deleted(link, is_deleted=True)
    set_deleted(link, is_deleted=False)

    response = visitor.get(f"/{link.code}")

    assert "set-cookie" in response.headers
    assert Visit.objects.count() == 1


def test_prefetch_for_a_deleted_contact_is_503(
    visitor: httpx.Client, link: ShortLink
) -> None:
    set_deleted(link, is_deleted=True)

    response = visitor.get(f"/{link.code}", headers={"Sec-Purpose": "prefetch"})

    assert response.status_code == 503
    assert not Visit.objects.exists()


def test_visit_that_arrives_after_the_deletion_is_deleted(link: ShortLink) -> None:
    other = factories.link(factories.contact(link.account))
    factories.visit(link, pixel_sha256=cookie_sha256("a"))
    kept = factories.visit(other, pixel_sha256=cookie_sha256("b"))
    sites.redeem(sites.open_link(link))
    set_deleted(link, is_deleted=True)

    sites.process_everything()

    assert list(Visit.objects.all()) == [kept]
    assert not Redemption.objects.exists()
    assert list(Note.objects.values_list("contact", flat=True)) == [other.contact_id]
    assert Pixel.objects.count() == 1
    assert {row.link_id for row in DailyVisits.objects.all()} == {other.id}


def test_click_is_not_redeemed_after_the_deletion(link: ShortLink) -> None:
    visit = sites.open_link(link)
    processing.process_due()
    set_deleted(link, is_deleted=True)

    flow = click_redemption.redeem(sites.redemption_request(visit), now=0)

    assert click_processing.run_queries(flow).visitor_uid is None
    assert not Redemption.objects.exists()


def test_merged_contacts_are_deleted_and_restored_together(account: Account) -> None:
    survivor, merged = factories.contact(account), factories.contact(account)
    Contact.objects.filter(pk=merged.pk).update(merged_into=survivor)
    by = factories.admin(account)

    contacts.delete(Contact.objects.filter(pk=survivor.pk), by=by)
    deleted = set(Contact.objects.values_list("is_deleted", flat=True))
    contacts.set_deleted([survivor.pk], is_deleted=False, by=by)

    assert deleted == {True}
    assert set(Contact.objects.values_list("is_deleted", flat=True)) == {False}
