"""People of a browser, with their chats and suggestions."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shortlinks.domain.contacts import contacts
from shortlinks.domain.merging import suggestions
from shortlinks.domain.pixels import attachments
from shortlinks.models import (
    AttachmentReview,
    Chat,
    Contact,
    Evidence,
    MergeSuggestion,
    PixelAttachment,
    User,
)
from tests import factories
from tests.domain.merging import steps

pytestmark = pytest.mark.django_db


def confirm(browser: str, contact: Contact) -> None:
    attached = PixelAttachment.objects.filter(pk=steps.attachment(browser, contact).pk)
    attachments.review(attached, AttachmentReview.CONFIRMED)


def test_chat_before_any_open_makes_nobody_a_person_of_the_browser(
    admin: User, a: Contact
) -> None:
    steps.start_chat("phone", admin, contact=a)

    _, decision = steps.start_chat("phone", admin)

    assert (decision.merge, decision.suggestions) == (None, ())


def test_deleted_contact_counts_again_when_it_is_restored(
    admin: User, a: Contact
) -> None:
    steps.open_link("phone", a)
    confirm("phone", a)

    contacts.set_deleted([a.pk], is_deleted=True, by=admin)
    _, meanwhile = steps.start_chat("phone", admin)
    contacts.set_deleted([a.pk], is_deleted=False, by=admin)
    _, after = steps.start_chat("phone", admin)

    assert (meanwhile.merge, meanwhile.suggestions) == (None, ())
    assert after.merge is not None


def test_click_of_another_address_is_an_open_of_the_contact(
    a: Contact, b: Contact
) -> None:
    steps.open_link("phone", a)
    cookie = factories.cookie_sha256("phone")
    lured = attachments.Sighting(
        b.account_id, b.pk, cookie, steps.settled_now(), Evidence.OTHER_ADDRESS
    )

    attachments.attach([lured])
    steps.process()

    suggested = MergeSuggestion.objects.get()
    assert (suggested.one, suggested.other, suggested.rule) == (a, b, "R5")


def test_joined_chat_counts_as_seeing_the_client(admin: User, a: Contact) -> None:
    long_ago = timezone.now() - timedelta(days=91)
    steps.open_link("phone", a, occurred_at=long_ago)
    confirm("phone", a)
    steps.start_chat("phone", admin)
    suggestions.accept(MergeSuggestion.objects.get(rule="R3"), by=admin)

    _, decision = steps.start_chat("phone", admin)

    assert decision.merge is not None


def test_confirmation_joins_the_latest_chats_first(admin: User, a: Contact) -> None:
    steps.open_link("phone", a)
    waiting = [steps.start_chat("phone", admin)[0] for _ in range(6)]

    confirm("phone", a)
    steps.process()

    joined = Chat.objects.filter(contact__merged_into=a)
    assert set(joined) == set(waiting[1:])


def test_denied_consent_leaves_earlier_suggestions_to_a_user(
    admin: User, a: Contact
) -> None:
    steps.open_link("phone", a)
    steps.start_chat("phone", admin)
    suggested = MergeSuggestion.objects.get()

    steps.edit(admin, a, consent="denied")

    assert suggestions.accept(suggested, by=admin) is not None
    assert not PixelAttachment.objects.exists()


def test_suggestion_of_a_deleted_contact_is_hidden_until_it_is_restored(
    admin: User, a: Contact
) -> None:
    steps.open_link("phone", a)
    steps.start_chat("phone", admin)
    visible = MergeSuggestion.objects.visible_to(admin)

    contacts.set_deleted([a.pk], is_deleted=True, by=admin)
    assert not visible.exists()

    contacts.set_deleted([a.pk], is_deleted=False, by=admin)
    assert visible.all().exists()


def test_consent_alone_makes_an_anonymous_contact_known(
    admin: User, x: Contact
) -> None:

    steps.edit(admin, x, consent="granted")

    x.refresh_from_db()
    assert not x.is_anonymous


def test_edit_of_a_merged_contact_changes_the_survivor(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.merge(admin, a, b)

    steps.edit(admin, b, name="New")

    a.refresh_from_db()
    assert (a.name, a.merged_into) == ("New", None)
