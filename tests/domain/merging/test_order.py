"""The order and time of events do not change what merges with what.

Histories of opens, redeemed clicks and chats, on the real tables. A, B and C are known
contacts, X and Y those of chats.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shortlinks.domain.merging import pending, queue, suggestions
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    Contact,
    Merge,
    MergeSuggestion,
    Note,
    PixelAttachment,
    SeparatePair,
    User,
    Verdict,
    Visit,
)
from tests import factories
from tests.domain.merging import steps

pytestmark = pytest.mark.django_db


# --- clicks that are not processed yet -----------------------------------------


def test_chat_waits_for_a_redeemed_click_that_is_not_processed(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_link("phone", a)
    steps.click("phone", b)
    steps.land("phone", b)

    chat, decision = steps.start_chat("phone", admin)

    assert decision is queue.PENDING
    assert steps.root(chat.contact) == chat.contact
    steps.let_time_pass()
    assert steps.root(chat.contact) != a


def test_chat_waits_for_an_open_that_is_not_processed(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_link("phone", a)
    steps.click("phone", b)

    chat, decision = steps.start_chat("phone", admin)

    assert decision is queue.PENDING
    steps.let_time_pass()
    assert steps.root(chat.contact) == chat.contact
    assert MergeSuggestion.objects.filter(other=chat.contact).count() == 2


def test_chat_waits_for_the_first_open_of_its_browser(admin: User, a: Contact) -> None:
    steps.click("phone", a)

    chat, decision = steps.start_chat("phone", admin)

    assert decision is queue.PENDING
    steps.let_time_pass()
    assert MergeSuggestion.objects.filter(other=chat.contact).exists()


def test_wait_for_an_open_is_limited(admin: User, a: Contact, b: Contact) -> None:
    steps.open_for_days("phone", a)
    old = timezone.now() - pending.MAX_WAIT
    steps.click("phone", b, occurred_at=old)

    chat, _ = steps.start_chat("phone", admin)

    assert steps.root(chat.contact) == chat.contact
    suggested = MergeSuggestion.objects.filter(other=chat.contact, rule="R6")
    assert set(suggested.values_list("one", flat=True)) == {a.pk, b.pk}


def test_pending_click_of_another_browser_is_not_waited_for(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_link("phone", a)
    steps.click("laptop", b)

    _, decision = steps.start_chat("phone", admin)

    assert decision is not queue.PENDING


def test_second_link_lets_the_rules_decide_again(admin: User, a: Contact) -> None:
    chat, before = steps.start_chat("phone", admin)
    assert before.merge is None

    steps.open_for_days("phone", a)

    assert steps.root(chat.contact) == a


# --- bursts ----------------------------------------------------------------------


def test_nothing_is_decided_while_an_open_may_be_part_of_a_burst(
    admin: User, a: Contact
) -> None:
    steps.open_for_days("phone", a, occurred_at=timezone.now())

    chat, decision = steps.start_chat("phone", admin)

    assert decision is queue.PENDING
    assert steps.root(chat.contact) == chat.contact
    steps.let_time_pass()
    assert steps.root(chat.contact) == a


def test_users_test_of_new_links_is_waited_for_longer(admin: User, a: Contact) -> None:
    link = factories.link(a, created_from="192.0.2.0")
    steps.open_link("phone", a, link.url, occurred_at=timezone.now())

    steps.let_time_pass(30)
    _, decision = steps.start_chat("phone", admin)

    assert decision is queue.PENDING


def test_scan_of_a_mailing_leaves_nothing(account: Account, x: Contact) -> None:
    mailing = factories.links([x, *(factories.contact(account) for _ in range(2))])
    now = timezone.now()

    for number, link in enumerate(mailing):
        factories.visit(
            link,
            visitor_hash=b"gateway".ljust(16),
            pixel_sha256=factories.cookie_sha256("gateway"),
            occurred_at=now + timedelta(seconds=1.3 * number - 2.6),
        )
        steps.process()
    steps.let_time_pass()

    assert set(Visit.objects.values_list("verdict", flat=True)) == {Verdict.SUSPECT}
    assert not Merge.objects.exists()
    assert not MergeSuggestion.objects.exists()


# --- held opens ------------------------------------------------------------------

VISITOR = b"v" * 16
HELD: dict[str, Any] = {
    "referer": "eur02.safelinks.protection.outlook.com",
    "accept_language": "",
}


def test_held_open_is_no_evidence_and_is_not_waited_for(
    admin: User, a: Contact
) -> None:
    visit = steps.open_link("phone", a, **HELD)

    chat, decision = steps.start_chat("phone", admin)

    visit.refresh_from_db()
    assert visit.verdict == Verdict.SUSPECT
    assert decision is not queue.PENDING
    assert not MergeSuggestion.objects.exists()
    assert steps.root(chat.contact) == chat.contact


def test_rules_decide_again_once_a_held_open_counts(admin: User, a: Contact) -> None:
    visit = steps.open_link("phone", a, visitor_hash=VISITOR, **HELD)
    chat, _ = steps.start_chat("phone", admin)

    steps.open_link("phone", a, visitor_hash=VISITOR)

    visit.refresh_from_db()
    assert visit.verdict == Verdict.PERSON
    assert MergeSuggestion.objects.get().other == chat.contact


def test_chat_that_was_joined_is_questioned_once_a_held_open_counts(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_for_days("phone", a)
    held = steps.open_link("phone", b, visitor_hash=VISITOR, **HELD)
    chat, _ = steps.start_chat("phone", admin)
    assert steps.root(chat.contact) == a

    processing.override_verdict([held.pk], Verdict.PERSON)
    steps.process()

    suggested = MergeSuggestion.objects.get()
    assert {suggested.one_id, suggested.other_id} == {a.pk, b.pk}


# --- withdrawn opens ---------------------------------------------------------------


def test_withdrawn_open_undoes_the_merge_that_rests_on_it(
    admin: User, a: Contact
) -> None:
    visit = steps.open_for_days("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    assert steps.root(chat.contact) == a

    processing.override_verdict([visit.pk], Verdict.BOT)
    steps.process()

    merged = Merge.objects.get()
    assert steps.root(chat.contact) == chat.contact
    assert (merged.state, merged.undone_by) == ("undone", None)
    assert not SeparatePair.objects.exists()
    assert Note.objects.filter(contact=a, text__contains=f"{merged.pk}").exists()


def test_rules_decide_again_after_a_withdrawal(admin: User, a: Contact) -> None:
    visit = steps.open_for_days("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    steps.open_link("phone", a, "https://shop.example/2")

    processing.override_verdict([visit.pk], Verdict.BOT)
    steps.process()

    assert steps.root(chat.contact) == a
    assert Merge.objects.filter(state="applied").count() == 1


def test_withdrawn_open_closes_the_suggestions_that_rest_on_it(
    a: Contact, b: Contact
) -> None:
    steps.open_link("phone", a)
    visit = steps.open_link("phone", b)
    assert MergeSuggestion.objects.get().state == "open"

    processing.override_verdict([visit.pk], Verdict.BOT)
    steps.process()

    assert MergeSuggestion.objects.get().state == "closed"


def test_withdrawn_open_keeps_what_a_user_confirmed(admin: User, a: Contact) -> None:
    visit = steps.open_for_days("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    PixelAttachment.objects.update(review="confirmed")

    processing.override_verdict([visit.pk], Verdict.BOT)
    steps.process()

    assert steps.root(chat.contact) == a


def test_withdrawn_open_keeps_merges_by_users(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_link("phone", a)
    visit = steps.open_link("phone", b)
    suggestions.accept(MergeSuggestion.objects.get(), by=admin)

    processing.override_verdict([visit.pk], Verdict.BOT)
    steps.process()

    assert Merge.objects.get().state == "applied"
