"""Browsers that open links and chat, as the worker and the API see them."""

import uuid
from datetime import datetime
from typing import Any

from shortlinks.domain import chats, pixels, visits
from shortlinks.domain.chats import NewChat
from shortlinks.domain.merging import checks
from shortlinks.domain.merging.rules import Decision
from shortlinks.models import Account, Chat, Contact, Pixel, PixelAttachment, User
from tests import factories


def opens(
    browser: str, contact: Contact, url: str = factories.URL, **visit: Any
) -> None:
    """The browser opens the contact's link, and the worker follows it up."""
    link = contact.shortlink_set.filter(url=url).first() or factories.link(contact, url)
    factories.visit(link, pixel_sha256=factories.cookie_sha256(browser), **visit)
    visits.follow_up()
    while checks.look():
        pass


def uid(browser: str, account: Account) -> str:
    return pixels.visitor_uid(account.pk, factories.cookie_sha256(browser))


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
    return chats.report(new, user=by)


def pixel(browser: str) -> Pixel:
    return Pixel.objects.get(cookie_sha256=factories.cookie_sha256(browser))


def attachment(browser: str, contact: Contact) -> PixelAttachment:
    return PixelAttachment.objects.get(pixel=pixel(browser), contact=contact)


def days_ago(browser: str, contact: Contact, at: datetime) -> None:
    row = attachment(browser, contact)
    row.first_seen_at = row.last_seen_at = at
    row.save()
