"""Steps for webhook tests: cause events, deliver, let time pass."""

from datetime import timedelta
from typing import Any

from django.db.models import F

from shortlinks.domain.visits import processing
from shortlinks.domain.webhooks.sender import Sender
from shortlinks.models import Contact, Note, ShortLink, Webhook, WebhookDelivery
from tests import factories
from tests.receivers import Answer

FAILURE: Answer = (500, {})


def write_note(to: Contact) -> ShortLink:
    """Create a new link's note, which enqueues deliveries."""
    number = Note.objects.count()
    link = factories.link(to, f"https://shop.example/{number}")
    factories.visit(link)
    processing.process_due()
    return link


def deliver() -> None:
    """Send what is due, as the worker does."""
    with Sender() as sender:
        while sender.step():
            pass


def advance_time(**times: Any) -> None:
    """Move due deliveries and pauses back, as if this time had passed."""
    passed = timedelta(**times)
    WebhookDelivery.objects.filter(due_at__isnull=False).update(
        due_at=F("due_at") - passed
    )
    Webhook.objects.filter(paused_until__isnull=False).update(
        paused_until=F("paused_until") - passed
    )


def states() -> list[str]:
    return list(WebhookDelivery.objects.order_by("id").values_list("state", flat=True))
