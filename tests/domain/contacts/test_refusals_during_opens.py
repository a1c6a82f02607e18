"""A refusal while an open is processed leaves no browser attached."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from shortlinks.domain.contacts import tracking_consent
from shortlinks.domain.contacts.tracking_consent import ConsentAnswer
from shortlinks.domain.pixels import attachments, consent
from shortlinks.models import (
    Account,
    ConsentChannel,
    Contact,
    Note,
    PixelAttachment,
    ShortLink,
    TrackingConsent,
    User,
)
from tests import factories
from tests.domain.merging import steps

BLOCKED_SECONDS = 0.5  # a refusal that does not wait takes less


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
    with ThreadPoolExecutor(1) as thread:
        refusals: list[Future[None]] = []

        def refuse_first(execute: Any, text: str, *arguments: Any) -> Any:
            if text == sql and not refusals:
                act = partial(refuse, person, admin)
                refusals.append(thread.submit(steps.in_own_connection, act))
                wait(refusals, BLOCKED_SECONDS)
            return execute(text, *arguments)

        with connection.execute_wrapper(refuse_first):
            steps.process()

    assert [refusal.result() for refusal in refusals] == [None]
    assert Note.objects.filter(contact=person).exists()
    assert not PixelAttachment.objects.exists()
