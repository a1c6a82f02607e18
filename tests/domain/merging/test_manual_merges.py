"""Merges by users, undoing, rejected suggestions and denied consent."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shortlinks.domain.merging import queue, suggestions, undoing
from shortlinks.domain.merging.undoing import AlreadyUndone
from shortlinks.models import (
    Account,
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
from tests.domain.merging import steps

pytestmark = pytest.mark.django_db


def test_undo_restores_both_contacts(admin: User, client: Contact) -> None:
    client.name = ""
    client.save()
    steps.open_for_days("phone", client)
    chat, _ = steps.start_chat("phone", admin, title="Ivan")
    merge = Merge.objects.get()
    assert Contact.objects.get(pk=client.pk).name == "Ivan"

    kept = undoing.undo(merge, by=admin)

    chat.contact.refresh_from_db()
    assert kept == []
    assert chat.contact.merged_into is None
    assert Contact.objects.get(pk=client.pk).name == ""
    assert SeparatePair.objects.count() == 1
    texts = Note.objects.filter(note_type="service_message")
    assert texts.filter(contact=client).count() == 2
    assert texts.filter(contact=chat.contact).count() == 1


def test_undo_keeps_later_changes(admin: User, client: Contact) -> None:
    client.name = ""
    client.save()
    steps.open_for_days("phone", client)
    steps.start_chat("phone", admin, title="Ivan")
    steps.edit(admin, client, name="Ivan Petrov")

    [kept] = undoing.undo(Merge.objects.get(), by=admin)

    assert (kept.contact_id, kept.column) == (client.pk, "name")
    assert Contact.objects.get(pk=client.pk).name == "Ivan Petrov"


def test_undone_merge_is_not_repeated(admin: User, client: Contact) -> None:
    steps.open_for_days("phone", client)
    chat, _ = steps.start_chat("phone", admin)
    undoing.undo(Merge.objects.get(), by=admin)

    MergeCheck.objects.create(chat=chat)
    queue.process_due()
    _, another = steps.start_chat("phone", admin)

    chat.contact.refresh_from_db()
    assert chat.contact.merged_into is None
    assert another.merge is None
    with pytest.raises(AlreadyUndone):
        undoing.undo(Merge.objects.get(), by=admin)


def test_merges_are_undone_in_any_order(
    admin: User, client: Contact, other: Contact
) -> None:
    steps.open_for_days("phone", client)
    chat, _ = steps.start_chat("phone", admin)
    first = Merge.objects.get()
    second = suggestions.merge_by_hand(
        client.account_id, (client, other), by=admin, into=other.pk
    )
    assert second is not None
    chat.contact.refresh_from_db()
    assert chat.contact.merged_into == other

    undoing.undo(first, by=admin)

    chat.contact.refresh_from_db()
    client.refresh_from_db()
    assert (chat.contact.root, client.root) == (chat.contact, other)
    undoing.undo(second, by=admin)
    assert not Contact.objects.exclude(merged_into=None).exists()


def test_survivor_is_the_known_contact_or_the_older(
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


def test_number_of_queries_does_not_depend_on_the_merged_contacts(
    account: Account, admin: User
) -> None:
    counts = []
    for merged in (1, 10):
        into, loser = factories.contact(account), factories.contact(account)
        for _ in range(merged):
            factories.contact(account, merged_into=loser)
        with CaptureQueriesContext(connection) as queries:
            suggestions.merge_by_hand(account.pk, (into, loser), by=admin, into=into.pk)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_chosen_survivor_becomes_known(
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


def test_denied_consent_of_one_holds_for_both(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    other.tracking_consent = TrackingConsent.DENIED
    other.save()
    steps.open_link("phone", client)

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


def test_denied_consent_deletes_redemptions_and_pixels(
    admin: User, client: Contact
) -> None:
    steps.open_link("phone", client)
    steps.redeem("phone", client)
    chat, _ = steps.start_chat("phone", admin, contact=client)

    steps.edit(admin, client, consent=TrackingConsent.DENIED)

    chat.refresh_from_db()
    assert chat.visitor_uid == ""
    assert not Redemption.objects.exists()
    assert not Pixel.objects.exists()


def test_consent_change_applies_to_merged_contacts(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    suggestions.merge_by_hand(account.pk, (client, other), by=admin, into=client.pk)

    steps.edit(admin, client, consent=TrackingConsent.DENIED)

    other.refresh_from_db()
    assert other.tracking_consent == TrackingConsent.DENIED


def test_merge_by_hand_accepts_the_suggestion_of_its_pair(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    steps.open_link("phone", client)
    steps.open_link("phone", other)

    merge = suggestions.merge_by_hand(account.pk, (client, other), by=admin, into=None)

    row = MergeSuggestion.objects.get()
    assert (row.state, row.merge) == ("accepted", merge)


def test_rejected_pair_is_not_suggested_again(
    admin: User, client: Contact, other: Contact
) -> None:
    steps.open_link("phone", client)
    steps.open_link("phone", other)
    suggestions.reject(MergeSuggestion.objects.get(), by=admin)

    steps.open_link("laptop", client)
    steps.open_link("laptop", other)

    assert not MergeSuggestion.objects.filter(state="open").exists()
    with pytest.raises(suggestions.AlreadyDecided):
        suggestions.accept(MergeSuggestion.objects.get(), by=admin)
