"""Opens that lead to connected sites, and what the sites' pages tell of them."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from shortlinks.domain.pixels import attachments, click_redemption
from shortlinks.domain.pixels.click_tokens import Click
from shortlinks.domain.visits import click_processing, processing
from shortlinks.models import (
    DailyVisits,
    Note,
    PixelAttachment,
    Redemption,
    ShortLink,
    Visit,
)
from tests import factories
from tests.factories import cookie_sha256


def opens(link: ShortLink, **facts: Any) -> Visit:
    return factories.visit(link, **{"pixel_sha256": cookie_sha256("a"), **facts})


def asked(visit: Visit, **fields: Any) -> click_redemption.RedemptionRequest:
    account_id = ShortLink.objects.get(pk=visit.link_id).account_id
    click = Click(visit.pk, 2**32 - 1)
    return click_redemption.RedemptionRequest(
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
    answer = click_processing.run_queries(click_redemption.redeem(request, now=0))
    assert answer.visitor_uid is not None
    return answer.visitor_uid


def feels(visit: Visit) -> None:
    """Somebody touches that page."""
    uid = Redemption.objects.get(pk=visit.pk).visitor_uid
    click_processing.run_queries(
        click_redemption.record_gesture(asked(visit, visitor_uid=uid))
    )


def a_minute_ago() -> datetime:
    return timezone.now() - timedelta(minutes=1)


def process_visits() -> None:
    Visit.objects.filter(due_at__isnull=False).update(due_at=a_minute_ago())
    processing.process_due()


def follow_up_redemptions() -> None:
    Redemption.objects.filter(due_at__isnull=False).update(due_at=a_minute_ago())
    click_processing.process_due()


def follow_all_up() -> None:
    """Until nothing is left to do."""
    for _ in range(2):
        process_visits()
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
    return attachments.visitor_uid(link.account_id, cookie_sha256(name))
