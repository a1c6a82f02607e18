"""Browsers that open links and chat, as the worker and the API see them."""

import uuid
from datetime import datetime
from typing import Any

from django.utils import timezone

from shortlinks.domain.merging import chats, queue
from shortlinks.domain.merging.chats import NewChat
from shortlinks.domain.merging.rules import Decision
from shortlinks.domain.pixels import attachments
from shortlinks.domain.visits import click_processing, processing
from shortlinks.models import (
    Account,
    Chat,
    Contact,
    Pixel,
    PixelAttachment,
    Redemption,
    User,
    Visit,
)
from tests import factories


def opens(
    browser: str, contact: Contact, url: str = factories.URL, **visit: Any
) -> None:
    """The browser opens the contact's link, and the worker follows it up."""
    link = contact.shortlink_set.filter(url=url).first() or factories.link(contact, url)
    factories.visit(link, pixel_sha256=factories.cookie_sha256(browser), **visit)
    processing.process_due()
    while queue.process_due():
        pass


def uid(browser: str, account: Account) -> str:
    return attachments.visitor_uid(account.pk, factories.cookie_sha256(browser))


def chats_with(
    browser: str, by: User, contact: Contact | None = None, title: str = "A visitor"
) -> tuple[Chat, Decision]:
    """A new chat out of the browser; `contact` is whose the channel says it is."""
    assert by.account is not None
    new = NewChat(
        source="site",
        external_id=str(uuid.uuid4()),
        title=title,
        visitor_uid=uid(browser, by.account),
        entity_id=contact.entity_id if contact else None,
    )
    return chats.upsert(new, user=by)


def pixel(browser: str) -> Pixel:
    return Pixel.objects.get(cookie_sha256=factories.cookie_sha256(browser))


def attachment(browser: str, contact: Contact) -> PixelAttachment:
    return PixelAttachment.objects.get(pixel=pixel(browser), contact=contact)


def days_ago(browser: str, contact: Contact, at: datetime) -> None:
    row = attachment(browser, contact)
    row.first_seen_at = row.last_seen_at = at
    row.save()


def redeems(browser: str, contact: Contact, *, page: str = "") -> None:
    """A connected site takes over the browser's last click on the contact's link.

    The page goes by the `page`'s uid already, if it is another than the browser's.
    """
    visit = Visit.objects.filter(
        link__contact=contact, pixel_sha256=factories.cookie_sha256(browser)
    ).latest("id")
    Redemption.objects.create(
        visit_id=visit.pk,
        account=contact.account,
        contact=contact,
        visitor_uid=uid(page or browser, contact.account),
        previous_cookie_sha256=factories.cookie_sha256(page) if page else None,
        idempotency_key=uuid.uuid4(),
        due_at=timezone.now(),
    )
    click_processing.process_due()
    while queue.process_due():
        pass
