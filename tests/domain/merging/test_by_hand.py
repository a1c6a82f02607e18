"""What people do and undo: merging by hand, rejecting, objecting."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import ContactChange
from shortlinks.domain.merging import queue, suggestions, undoing
from shortlinks.domain.merging.undoing import AlreadyUndone, HasLaterMerge
from shortlinks.models import (
    Account,
    AttachmentReview,
    Contact,
    Merge,
    MergeCheck,
    MergeSuggestion,
    Note,
    Pixel,
    PixelAttachment,
    Redemption,
    SeparatePair,
    TrackingConsent,
    User,
)
from tests import factories
from tests.domain.merging import worlds

pytestmark = pytest.mark.django_db


def test_undoing_brings_both_back(admin: User, client: Contact) -> None:
    client.name = ""
    client.save()
    worlds.opens("phone", client)
    chat, _ = worlds.chats_with("phone", admin, title="Ivan")
    merge = Merge.objects.get()
    assert Contact.objects.get(pk=client.pk).name == "Ivan"

    kept = undoing.undo(merge, by=admin)

    chat.contact.refresh_from_db()
    assert kept == []
    assert chat.contact.merged_into is None
    assert Contact.objects.get(pk=client.pk).name == ""
    assert SeparatePair.objects.count() == 1
    assert worlds.attachment("phone", client).review == AttachmentReview.REJECTED
    texts = Note.objects.filter(note_type="service_message")
    assert texts.filter(contact=client).count() == 2
    assert texts.filter(contact=chat.contact).count() == 1


def test_undoing_keeps_what_somebody_changed_since(
    admin: User, client: Contact
) -> None:
    client.name = ""
    client.save()
    worlds.opens("phone", client)
    worlds.chats_with("phone", admin, title="Ivan")
    change = ContactChange(client.entity_id, "Ivan Petrov", None, None, None)
    contacts.update([change], user=admin)

    [kept] = undoing.undo(Merge.objects.get(), by=admin)

    assert (kept.contact_id, kept.column) == (client.pk, "name")
    assert Contact.objects.get(pk=client.pk).name == "Ivan Petrov"


def test_undone_merges_do_not_come_back(admin: User, client: Contact) -> None:
    worlds.opens("phone", client)
    chat, _ = worlds.chats_with("phone", admin)
    undoing.undo(Merge.objects.get(), by=admin)

    MergeCheck.objects.create(chat=chat)
    queue.process_due()
    _, another = worlds.chats_with("phone", admin)

    chat.contact.refresh_from_db()
    assert chat.contact.merged_into is None
    assert another.join is None
    with pytest.raises(AlreadyUndone):
        undoing.undo(Merge.objects.get(), by=admin)


def test_what_came_later_is_undone_first(
    admin: User, client: Contact, other: Contact
) -> None:
    worlds.opens("phone", client)
    chat, _ = worlds.chats_with("phone", admin)
    first = Merge.objects.get()
    second = suggestions.merge_by_hand(
        client.account_id, (client, other), by=admin, into=other.pk
    )
    assert second is not None
    chat.contact.refresh_from_db()
    assert chat.contact.merged_into == other

    with pytest.raises(HasLaterMerge) as refused:
        undoing.undo(first, by=admin)
    assert refused.value.later == second
    undoing.undo(second, by=admin)
    undoing.undo(first, by=admin)

    assert not Contact.objects.exclude(merged_into=None).exists()


def test_the_known_one_survives_then_the_older(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    stranger = factories.contact(
        account,
        is_anonymous=True,
        created_at=timezone.now() - timedelta(days=1),
    )

    first = suggestions.merge_by_hand(account.pk, (other, client), by=admin, into=None)
    second = suggestions.merge_by_hand(
        account.pk, (stranger, client), by=admin, into=None
    )

    assert first is not None
    assert second is not None
    assert (first.survivor, first.loser) == (client, other)
    assert (second.survivor, second.loser) == (client, stranger)


def test_named_survivor_is_known_from_then_on(
    account: Account, admin: User, client: Contact
) -> None:
    stranger = factories.contact(account, is_anonymous=True)

    merge = suggestions.merge_by_hand(
        account.pk, (stranger, client), by=admin, into=stranger.pk
    )

    stranger.refresh_from_db()
    assert merge is not None
    assert merge.loser == client
    assert not stranger.is_anonymous


def test_an_objection_holds_for_both(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    other.tracking_consent = TrackingConsent.DENIED
    other.save()
    worlds.opens("phone", client)

    merge = suggestions.merge_by_hand(
        account.pk, (client, other), by=admin, into=client.pk
    )
    assert merge is not None

    client.refresh_from_db()
    assert client.tracking_consent == TrackingConsent.DENIED
    assert not PixelAttachment.objects.exists()
    undoing.undo(merge, by=admin)
    client.refresh_from_db()
    assert client.tracking_consent == TrackingConsent.UNKNOWN


def test_an_objection_forgets_what_sites_call_the_browser(
    admin: User, client: Contact
) -> None:
    worlds.opens("phone", client)
    worlds.redeems("phone", client)
    chat, _ = worlds.chats_with("phone", admin, contact=client)
    said: dict[str, Any] = {"tracking_consent": TrackingConsent.DENIED}

    change = ContactChange(client.entity_id, None, None, None, None, **said)
    contacts.update([change], user=admin)

    chat.refresh_from_db()
    assert chat.visitor_uid == ""
    assert not Redemption.objects.exists()
    assert not Pixel.objects.exists()


def test_a_word_on_tracking_reaches_what_is_merged(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    suggestions.merge_by_hand(account.pk, (client, other), by=admin, into=client.pk)
    said: dict[str, Any] = {"tracking_consent": TrackingConsent.DENIED}

    change = ContactChange(client.entity_id, None, None, None, None, **said)
    contacts.update([change], user=admin)

    other.refresh_from_db()
    assert other.tracking_consent == TrackingConsent.DENIED


def test_a_suggestion_is_settled_by_a_merge_of_its_pair(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    worlds.opens("phone", client)
    worlds.opens("phone", other)

    merge = suggestions.merge_by_hand(account.pk, (client, other), by=admin, into=None)

    row = MergeSuggestion.objects.get()
    assert (row.state, row.merge) == ("accepted", merge)


def test_rejected_pairs_are_not_suggested_again(
    admin: User, client: Contact, other: Contact
) -> None:
    worlds.opens("phone", client)
    worlds.opens("phone", other)
    suggestions.reject(MergeSuggestion.objects.get(), by=admin)

    worlds.opens("laptop", client)
    worlds.opens("laptop", other)

    assert not MergeSuggestion.objects.filter(state="open").exists()
    with pytest.raises(suggestions.AlreadyDecided):
        suggestions.accept(MergeSuggestion.objects.get(), by=admin)
