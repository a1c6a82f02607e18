"""The facts that suggestions and merges store for users."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shortlinks.domain.merging import suggestions
from shortlinks.domain.pixels import attachments
from shortlinks.models import (
    Account,
    AttachmentReview,
    Contact,
    Merge,
    MergeSuggestion,
    PixelAttachment,
    User,
)
from tests import factories
from tests.domain.merging import steps

pytestmark = pytest.mark.django_db


def evidence_with(contact: Contact) -> dict[str, Any]:
    evidence: dict[str, Any] = MergeSuggestion.objects.get(
        one=contact, state="open"
    ).evidence
    assert evidence["entity_id"] == contact.entity_id
    return evidence


def test_first_open_of_a_link_is_hardly_a_fact(admin: User, a: Contact) -> None:
    opened = steps.open_link("phone", a, pixel_is_new=True)

    steps.start_chat("phone", admin)

    seconds = int(opened.occurred_at.timestamp())
    evidence = evidence_with(a)
    assert evidence["facts"] == ["only_browser"]
    assert (evidence["first_seen_at"], evidence["last_seen_at"]) == (seconds, seconds)


def test_merge_stores_the_facts_of_a_browser_used_for_days(
    admin: User, a: Contact
) -> None:
    last = steps.open_for_days("phone", a)
    steps.redeem("phone", a)

    steps.start_chat("phone", admin)

    evidence = Merge.objects.get().evidence
    assert evidence["facts"] == [
        "returning",
        "two_links_days_apart",
        "only_browser",
        "redeemed_click",
    ]
    assert evidence["entity_id"] == a.entity_id
    days = timedelta(seconds=evidence["last_seen_at"] - evidence["first_seen_at"])
    assert days >= timedelta(days=2)
    assert evidence["last_seen_at"] == int(last.occurred_at.timestamp())


def test_contact_who_only_chatted_has_no_other_facts(
    admin: User, a: Contact, b: Contact
) -> None:
    before, _ = steps.start_chat("phone", admin, contact=a)
    steps.open_link("phone", b)
    steps.start_chat("phone", admin)

    evidence = MergeSuggestion.objects.get(one=a, rule="R6").evidence

    assert evidence["facts"] == ["chatted"]
    assert evidence["first_seen_at"] == int(before.created_at.timestamp())


def test_opener_who_chatted_was_seen_by_both(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_link("phone", a, occurred_at=timezone.now() - timedelta(days=2))
    chat, _ = steps.start_chat("phone", admin, contact=a)
    steps.start_chat("phone", admin)

    evidence = evidence_with(a)

    assert evidence["facts"] == ["returning", "only_browser", "chatted"]
    assert evidence["last_seen_at"] == int(chat.updated_at.timestamp())
    seen = evidence["last_seen_at"] - evidence["first_seen_at"]
    assert seen >= timedelta(days=2).total_seconds()


def test_confirmed_browser_of_two_contacts_and_a_forwarded_link(
    account: Account, admin: User, a: Contact, b: Contact
) -> None:
    for browser in ("laptop", "tablet", "phone"):
        steps.open_link(browser, a)
    steps.open_link("phone", b)
    confirmed = PixelAttachment.objects.filter(contact=a)
    attachments.review(confirmed, AttachmentReview.CONFIRMED)

    chat, _ = steps.start_chat("phone", admin)

    evidence = MergeSuggestion.objects.get(one=a, other=chat.contact).evidence
    assert evidence["facts"] == ["confirmed", "returning", "forwarded"]


def test_facts_of_an_open_suggestion_are_updated(admin: User, a: Contact) -> None:
    steps.open_link("phone", a, pixel_is_new=True)
    steps.start_chat("phone", admin)
    before = evidence_with(a)

    steps.open_link("phone", a)
    steps.open_link("laptop", a)
    steps.open_link("phone", a)

    after = evidence_with(a)
    assert MergeSuggestion.objects.count() == 1
    assert (before["facts"], after["facts"]) == (["only_browser"], ["returning"])
    assert before["visits"] == after["visits"]


def test_facts_of_another_browser_do_not_replace_those_of_the_suggestion(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_link("phone", a, pixel_is_new=True)
    steps.open_link("phone", b)
    before = evidence_with(a)

    steps.open_link("laptop", a)
    steps.open_link("laptop", b)

    assert evidence_with(a) == before


def test_merge_by_a_user_keeps_the_facts(admin: User, a: Contact) -> None:
    steps.open_link("phone", a)
    steps.start_chat("phone", admin)
    suggested = MergeSuggestion.objects.get()

    merge = suggestions.accept(suggested, by=admin)

    assert merge is not None
    assert merge.evidence["facts"] == suggested.evidence["facts"]


def test_other_address_is_a_fact(admin: User, a: Contact) -> None:
    steps.open_link("phone", a)
    PixelAttachment.objects.update(evidence="other_address")

    steps.start_chat("phone", admin)

    assert "other_address" in evidence_with(a)["facts"]
    assert evidence_with(a)["url"] == factories.URL
