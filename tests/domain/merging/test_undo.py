"""Merges are undone in any order, with edits, merges and separations between.

A, B and C are known contacts, X and Y those of chats.
"""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from shortlinks.domain.merging import chats, suggestions, undoing
from shortlinks.domain.merging.chats import Reporter
from shortlinks.domain.pixels import attachments
from shortlinks.models import (
    Account,
    AttachmentReview,
    Chat,
    Contact,
    Merge,
    MergeCheck,
    MergeSuggestion,
    Note,
    PixelAttachment,
    SeparatePair,
    User,
)
from tests import factories
from tests.domain.merging import steps

pytestmark = pytest.mark.django_db


# --- undo in any order -------------------------------------------------------------


def test_contact_with_a_known_one_inside_stays_known_after_an_undo(
    account: Account, admin: User, x: Contact, a: Contact, b: Contact
) -> None:
    first, second = steps.merge(admin, x, a), steps.merge(admin, x, b)

    steps.undo(admin, first)

    x.refresh_from_db()
    assert not x.is_anonymous
    steps.undo(admin, second)
    x.refresh_from_db()
    assert x.is_anonymous


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_undo_restores_names_in_any_order(
    admin: User, x: Contact, a: Contact, b: Contact, order: Sequence[int]
) -> None:
    both = [steps.merge(admin, x, a), steps.merge(admin, x, b)]
    x.refresh_from_db()
    assert x.name == "A"

    steps.undo(admin, both[order[0]])

    x.refresh_from_db()
    assert x.name == ("B", "A")[order[0]]
    steps.undo(admin, both[order[1]])
    x.refresh_from_db()
    assert x.name == ""


def test_edited_contact_stays_known_after_an_undo(
    admin: User, x: Contact, a: Contact
) -> None:
    first = steps.merge(admin, x, a)
    steps.edit(admin, x, name="X")

    kept = undoing.undo(first, by=admin)

    x.refresh_from_db()
    assert (x.is_anonymous, x.name) == (False, "X")
    assert {item.column for item in kept} == {"is_anonymous", "name"}


def test_consent_that_was_sent_again_stays_after_an_undo(
    admin: User, a: Contact, b: Contact
) -> None:
    Contact.objects.filter(pk=b.pk).update(tracking_consent="denied")
    first = steps.merge(admin, a, b)
    steps.edit(admin, a, consent="denied")

    steps.undo(admin, first)

    a.refresh_from_db()
    assert a.tracking_consent == "denied"


def test_consent_of_a_merge_after_an_edit_stays_after_an_undo(
    account: Account, admin: User, a: Contact, b: Contact
) -> None:
    granting = factories.contact(account, tracking_consent="granted")
    first = steps.merge(admin, a, granting)
    steps.edit(admin, a, consent="unknown")
    Contact.objects.filter(pk=b.pk).update(tracking_consent="denied")
    steps.merge(admin, a, b)

    steps.undo(admin, first)

    a.refresh_from_db()
    granting.refresh_from_db()
    assert (a.tracking_consent, granting.tracking_consent) == ("denied", "unknown")


def test_inner_merge_is_undone_before_the_outer_one(
    account: Account, admin: User, x: Contact, a: Contact, b: Contact
) -> None:
    inner, _ = steps.merge(admin, a, x), steps.merge(admin, b, a)

    steps.undo(admin, inner)

    assert (steps.root(x), steps.root(a)) == (x, b)


def test_merge_by_a_rule_moves_with_the_contact_whose_link_was_opened(
    admin: User, a: Contact, b: Contact
) -> None:
    outer = steps.merge(admin, b, a)
    steps.open_for_days("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    assert steps.root(chat.contact) == b

    steps.undo(admin, outer)
    steps.process()

    assert steps.root(chat.contact) == a


def test_suggestion_moves_with_the_contact_whose_link_was_opened(
    admin: User, a: Contact, b: Contact
) -> None:
    outer = steps.merge(admin, b, a)
    steps.open_link("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    assert MergeSuggestion.objects.get().one == b

    steps.undo(admin, outer)
    steps.process()

    moved = MergeSuggestion.objects.get(state="open")
    assert (moved.one, moved.other) == (a, chat.contact)


def test_consent_that_was_given_while_merged_holds_for_both_after_an_undo(
    admin: User, a: Contact, b: Contact
) -> None:
    first = steps.merge(admin, a, b)
    steps.edit(admin, b, consent="denied")

    steps.undo(admin, first)

    a.refresh_from_db()
    b.refresh_from_db()
    assert (a.tracking_consent, b.tracking_consent) == ("denied", "denied")


def test_merge_is_undone_within_a_year(admin: User, a: Contact, b: Contact) -> None:
    merge = steps.merge(admin, a, b)
    Merge.objects.update(created_at=timezone.now() - timedelta(days=366))

    with pytest.raises(undoing.TooOld):
        undoing.undo(merge, by=admin)

    assert steps.root(b) == a


# --- separate pairs ----------------------------------------------------------------


def test_separate_pair_survives_merges_and_their_undo(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_for_days("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    steps.undo(admin, Merge.objects.get())
    both = [steps.merge(admin, b, a), steps.merge(admin, b, chat.contact)]
    steps.undo(admin, *reversed(both))

    steps.open_link("laptop", a)
    steps.open_link("laptop", a, "https://shop.example/2")
    uid = steps.uid("laptop", a.account)
    chats.set_visitor(Chat.objects.get(), uid, by=Reporter(admin))

    assert steps.root(chat.contact) == chat.contact
    assert not MergeSuggestion.objects.filter(state="open").exists()


def test_separate_pair_holds_for_merged_contacts(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_for_days("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    steps.undo(admin, Merge.objects.get())

    steps.merge(admin, b, a)
    _, decision = steps.start_chat("phone", admin)
    MergeCheck.objects.create(chat=chat)
    steps.process()

    assert steps.root(chat.contact) == chat.contact
    assert not MergeSuggestion.objects.filter(other=chat.contact).exists()
    assert decision.merge is None  # a user undid a merge in this browser


def test_separate_contacts_make_no_browser_doubtful_while_a_user_merges_them(
    admin: User, a: Contact
) -> None:
    steps.open_for_days("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    steps.undo(admin, Merge.objects.get())

    steps.merge(admin, a, chat.contact)
    later, decision = steps.start_chat("phone", admin)

    assert decision.merge is not None
    assert steps.root(later.contact) == a


def test_undo_separates_from_the_contact_whose_link_was_opened(
    admin: User, a: Contact, b: Contact
) -> None:
    outer = steps.merge(admin, b, a)
    steps.open_for_days("phone", a)
    chat, _ = steps.start_chat("phone", admin)

    steps.undo(admin, Merge.objects.get(created_by=None), outer)
    steps.process()

    assert steps.root(chat.contact) == chat.contact


def test_rejecting_closes_all_suggestions_of_the_pair(
    admin: User, x: Contact, a: Contact, b: Contact
) -> None:
    rows = [
        MergeSuggestion.objects.create(account=a.account, one=x, other=each, rule="R3")
        for each in (a, b)
    ]
    steps.merge(admin, b, a)

    suggestions.reject(rows[0], by=admin)

    assert set(MergeSuggestion.objects.values_list("state", flat=True)) == {"rejected"}
    assert SeparatePair.objects.filter(one=x).count() == 2


# --- after an undo -----------------------------------------------------------------


def test_chat_is_suggested_to_another_contact_after_an_undo(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_for_days("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    steps.undo(admin, Merge.objects.get())
    steps.open_link("phone", b)

    _, decision = chats.set_visitor(
        Chat.objects.get(), steps.uid("phone", a.account), by=Reporter(admin)
    )

    assert (decision.merge, steps.root(chat.contact)) == (None, chat.contact)
    assert [pair.one.id for pair in decision.suggestions] == [b.pk]


def test_undo_makes_the_browser_doubtful_even_if_it_is_confirmed(
    admin: User, a: Contact
) -> None:
    steps.open_for_days("phone", a)
    steps.start_chat("phone", admin)
    steps.undo(admin, Merge.objects.get())

    chat, doubtful = steps.start_chat("phone", admin)
    attachments.review(PixelAttachment.objects.all(), AttachmentReview.CONFIRMED)
    steps.process()

    assert [pair.rule for pair in doubtful.suggestions] == ["R10"]
    assert steps.root(chat.contact) == chat.contact


def test_notes_of_a_merge_and_its_undo_name_no_other_contact(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.undo(admin, steps.merge(admin, a, b))

    texts = Note.objects.filter(note_type="service_message")

    assert texts.count() == 3
    for note in texts:
        # Whole numbers: the merge's own number may contain the contact's.
        assert {str(a.entity_id), str(b.entity_id)}.isdisjoint(
            re.findall(r"\d+", note.text)
        )
