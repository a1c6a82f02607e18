"""A refusal during an open, a chat or a redemption leaves no browser."""

from collections.abc import Callable
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from shortlinks.domain.contacts import tracking_consent
from shortlinks.domain.contacts.tracking_consent import ConsentAnswer
from shortlinks.domain.merging import chats
from shortlinks.domain.merging.chats import NewChat, Reporter
from shortlinks.domain.pixels import attachments, click_redemption, consent
from shortlinks.domain.visits import click_processing
from shortlinks.models import (
    Account,
    Chat,
    ConsentChannel,
    Contact,
    Note,
    PixelAttachment,
    Redemption,
    ShortLink,
    TrackingConsent,
    User,
)
from tests import factories
from tests.concurrency import during
from tests.domain.merging import steps
from tests.domain.visits import sites


def refuse_in_the_api(person: Contact, by: User) -> None:
    steps.edit(by, person, consent="denied")


def refuse_in_the_admin(person: Contact, by: User) -> None:
    """The admin has a weaker lock."""
    refusal = ConsentAnswer(TrackingConsent.DENIED, ConsentChannel.ADMIN)
    with transaction.atomic():
        row = Contact.objects.select_for_update(no_key=True).get(pk=person.pk)
        tracking_consent.answer([(row, refusal)], by=by)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refuse", [refuse_in_the_api, refuse_in_the_admin])
@pytest.mark.parametrize(
    "sql",
    [consent.LOCK, attachments.UPSERT_PIXELS, attachments.UPSERT_ATTACHMENTS],
    ids=["before the lock", "before the browser", "before the attachment"],
)
def test_browser_is_not_attached_after_a_refusal(
    account: Account, admin: User, refuse: Callable[[Contact, User], None], sql: str
) -> None:
    person = factories.contact(account)
    steps.click("phone", person)
    # Otherwise a refusal would also wait for the link.
    ShortLink.objects.update(disabled_at=timezone.now())
    refusals = during(sql, partial(refuse, person, admin), steps.process)

    assert [refusal.result() for refusal in refusals] == [None]
    assert Note.objects.filter(contact=person).exists()
    assert not PixelAttachment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_refusal_leaves_what_another_contact_opens_meanwhile(
    account: Account, admin: User
) -> None:
    person, other = (factories.contact(account) for _ in range(2))
    steps.open_link("phone", person)
    steps.click("phone", other)

    refusals = during(
        attachments.UPSERT_ATTACHMENTS,
        partial(steps.edit, admin, person, consent="denied"),
        steps.process,
    )

    assert [refusal.result() for refusal in refusals] == [None]
    assert [row.contact for row in PixelAttachment.objects.all()] == [other]


@pytest.mark.django_db(transaction=True)
def test_click_is_not_redeemed_after_a_refusal(account: Account, admin: User) -> None:
    person = factories.contact(account)
    visit = sites.open_link(factories.link(person))

    during(
        click_redemption.REDEEM,
        partial(steps.edit, admin, person, consent="denied"),
        lambda: click_processing.run_queries(
            click_redemption.redeem(sites.redemption_request(visit), now=0)
        ),
    )

    assert not Redemption.objects.exists()


@pytest.mark.django_db
def test_chat_of_a_person_who_refused_keeps_no_browser(
    account: Account, admin: User
) -> None:
    person = factories.contact(account)
    steps.edit(admin, person, consent="denied")
    chat, _ = steps.start_chat("phone", admin)
    new = NewChat(
        source=chat.source,
        external_id=chat.external_id,
        title="",
        visitor_uid=chat.visitor_uid,
        entity_id=person.entity_id,
    )

    named, decision = chats.upsert(new, by=Reporter(admin))
    assert (named.visitor_uid, decision.merge) == ("", None)
    chats.set_visitor(named, chat.visitor_uid, by=Reporter(admin))

    assert list(Chat.objects.values_list("visitor_uid", flat=True)) == [""]
