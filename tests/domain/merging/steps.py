"""Steps for merge tests: a browser opens links, chats and redeems clicks."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import ContactChange
from shortlinks.domain.contacts.tracking_consent import ConsentAnswer
from shortlinks.domain.merging import chats, pending, queue, suggestions, undoing
from shortlinks.domain.merging.chats import NewChat, Reporter
from shortlinks.domain.merging.rules import Decision
from shortlinks.domain.pixels import attachments
from shortlinks.domain.visits import click_processing, processing
from shortlinks.models import (
    Account,
    Chat,
    ConsentChannel,
    Contact,
    Merge,
    MergeCheck,
    MergeMode,
    Pixel,
    PixelAttachment,
    Redemption,
    User,
    Visit,
)
from tests import factories


def settled_now() -> datetime:
    """Return the latest time of opens that cannot become a burst any more."""
    return timezone.now() - pending.SETTLING


def click(
    browser: str, contact: Contact, url: str = factories.URL, **visit: Any
) -> Visit:
    """Let the browser open the contact's link; the visit is not processed."""
    link = contact.shortlink_set.filter(url=url).first() or factories.link(contact, url)
    facts = {"pixel_sha256": factories.cookie_sha256(browser), **visit}
    return factories.visit(link, **{"occurred_at": settled_now(), **facts})


def open_link(
    browser: str, contact: Contact, url: str = factories.URL, **visit: Any
) -> Visit:
    """Let the browser open the contact's link, and process the visit."""
    opened = click(browser, contact, url, **visit)
    process()
    return opened


def open_for_days(browser: str, contact: Contact, **visit: Any) -> Visit:
    """Let the browser become one in which rules merge; return its last open."""
    account = contact.account
    account.merge_mode = MergeMode.AUTO
    account.save(update_fields=["merge_mode"])
    before = timezone.now() - timedelta(days=3)
    open_link(browser, contact, "https://shop.example/0", occurred_at=before)
    return open_link(browser, contact, **visit)


def process() -> None:
    """Process visits, redeemed clicks and the merge checks that are due."""
    processing.process_due()
    click_processing.process_due()
    while queue.process_due():
        pass


def uid(browser: str, account: Account) -> str:
    return attachments.visitor_uid(account.pk, factories.cookie_sha256(browser))


def start_chat(
    browser: str, by: User, contact: Contact | None = None, title: str = "A visitor"
) -> tuple[Chat, Decision]:
    """Create a chat in the browser, of `contact` if the channel names one."""
    assert by.account is not None
    new = NewChat(
        source="site",
        external_id=str(uuid.uuid4()),
        title=title,
        visitor_uid=uid(browser, by.account),
        entity_id=contact.entity_id if contact else None,
    )
    return chats.upsert(new, by=Reporter(by))


def pixel(browser: str) -> Pixel:
    return Pixel.objects.get(cookie_sha256=factories.cookie_sha256(browser))


def attachment(browser: str, contact: Contact) -> PixelAttachment:
    return PixelAttachment.objects.get(pixel=pixel(browser), contact=contact)


def redeem(browser: str, contact: Contact, *, page: str = "") -> None:
    """Redeem the browser's last click on the contact's link, and process it."""
    land(browser, contact, page=page)
    process()


def land(browser: str, contact: Contact, *, page: str = "") -> None:
    """Let a connected site redeem the browser's last click on the contact's link.

    `page` names another browser whose `visitor_uid` the page stores already.
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
        redeemed_at=settled_now(),
        due_at=timezone.now(),
    )


def edit(
    by: User, contact: Contact, *, name: str | None = None, consent: str | None = None
) -> None:
    answer = ConsentAnswer(consent, ConsentChannel.API) if consent else None
    change = ContactChange(contact.entity_id, name, None, None, None, answer)
    contacts.update([change], user=by)


def merge(by: User, *pair: Contact) -> Merge:
    """Merge the second contact into the first, as a user."""
    into, loser = (Contact.objects.get(pk=each.pk).root for each in pair)
    merged = suggestions.merge_by_hand(
        into.account_id, (into, loser), by=by, into=into.pk
    )
    assert merged is not None
    return merged


def undo(by: User, *merges: Merge) -> None:
    for each in merges:
        undoing.undo(each, by=by)


def root(contact: Contact) -> Contact:
    return Contact.objects.get(pk=contact.pk).root


def let_time_pass(seconds: float = 10) -> None:
    """Move everything that has happened into the past, and process what is due."""
    by = timedelta(seconds=seconds)
    for rows, columns in (
        (Visit.objects.all(), ["occurred_at"]),
        (Redemption.objects.all(), ["redeemed_at"]),
        (PixelAttachment.objects.all(), ["first_seen_at", "last_seen_at"]),
        (MergeCheck.objects.all(), ["due_at"]),
    ):
        for row in rows:
            for column in columns:
                setattr(row, column, getattr(row, column) - by)
            row.save(update_fields=columns)
    process()
