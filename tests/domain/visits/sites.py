"""Opens of links to connected sites, and the requests of these sites' pages."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address
from typing import Any

from django.utils import timezone

from shortlinks.domain.pixels import attachments, click_redemption, visitor_hashes
from shortlinks.domain.pixels.click_tokens import Click
from shortlinks.domain.visits import click_processing, processing
from shortlinks.models import (
    DailySalt,
    DailyVisits,
    Note,
    PixelAttachment,
    Redemption,
    ShortLink,
    Visit,
)
from tests import factories
from tests.factories import cookie_sha256


def open_link(link: ShortLink, **facts: Any) -> Visit:
    """Open the link in browser `a`, at an address that is the visit's id."""
    occurred_at = facts.get("occurred_at", timezone.now())
    id_ = factories.visit_id(occurred_at)
    salt, _ = DailySalt.objects.get_or_create(
        day=occurred_at.astimezone(UTC).date(), defaults={"key": b"s" * 32}
    )
    agent = facts.get("user_agent", factories.CHROME)
    visitor_hash = visitor_hashes.compute(bytes(salt.key), id_.bytes, agent)
    defaults = {"id": id_, "occurred_at": occurred_at, "visitor_hash": visitor_hash}
    browser = {"pixel_sha256": cookie_sha256("a")}
    return factories.visit(link, **{**defaults, **browser, **facts})


def address(visit: Visit) -> str:
    """Return the address from which `open_link` opened."""
    return str(IPv6Address(visit.pk.bytes))


def redemption_request(
    visit: Visit, **fields: Any
) -> click_redemption.RedemptionRequest:
    account_id = ShortLink.objects.get(pk=visit.link_id).account_id
    click = Click(visit.pk, 2**32 - 1)
    return click_redemption.RedemptionRequest(
        **{
            "account_id": account_id,
            "click": click,
            "user_agent": visit.user_agent,
            "address": visit.pk.bytes,
            **fields,
        }
    )


def redeem(visit: Visit, *, page: str = "", **fields: Any) -> str:
    """Redeem the visit's click; `page` is the visitor uid that the page has already."""
    request = redemption_request(visit, visitor_uid=page, **fields)
    result = click_processing.run_queries(click_redemption.redeem(request, now=0))
    assert result.visitor_uid is not None
    return result.visitor_uid


def record_gesture(visit: Visit) -> None:
    """Record a gesture on the page that redeemed the click."""
    uid = Redemption.objects.get(pk=visit.pk).visitor_uid
    click_processing.run_queries(
        click_redemption.record_gesture(redemption_request(visit, visitor_uid=uid))
    )


def a_minute_ago() -> datetime:
    return timezone.now() - timedelta(minutes=1)


def process_visits() -> None:
    Visit.objects.filter(due_at__isnull=False).update(due_at=a_minute_ago())
    processing.process_due()


def process_redemptions() -> None:
    Redemption.objects.filter(due_at__isnull=False).update(due_at=a_minute_ago())
    click_processing.process_due()


def process_everything() -> None:
    """Process visits and redemptions until nothing is due."""
    for _ in range(2):
        process_visits()
        process_redemptions()
    assert not Visit.objects.filter(due_at__isnull=False).exists()
    assert not Redemption.objects.filter(due_at__isnull=False).exists()


def results() -> dict[str, Any]:
    """Return the rows that result from visits and redemptions."""
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


def visitor_uid(link: ShortLink, name: str = "a") -> str:
    return attachments.visitor_uid(link.account_id, cookie_sha256(name))
