"""Events about suggestions that nobody needs to decide any more."""

import pytest

from shortlinks.domain.merging import suggestions
from shortlinks.domain.pixels.attachments import review
from shortlinks.domain.visits import processing
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Account,
    AttachmentReview,
    Contact,
    Merge,
    MergeSuggestion,
    User,
    Verdict,
    WebhookDelivery,
    WebhookEvent,
)
from tests import factories
from tests.domain.merging import steps

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def webhook(account: Account, admin: User) -> None:
    row, _ = factories.webhook(account, "https://crm.example/", by=admin)
    row.settings = [
        WebhookEvent.MERGE_CONTACT,
        WebhookEvent.SUGGEST_MERGE,
        WebhookEvent.CLOSE_SUGGESTION,
    ]
    row.save()


@pytest.fixture
def suggestion(admin: User, a: Contact) -> MergeSuggestion:
    steps.open_link("phone", a)
    steps.start_chat("phone", admin)
    return MergeSuggestion.objects.get()


def closed() -> list[tuple[int, str, int | None, int | None]]:
    rows = WebhookDelivery.objects.filter(event=WebhookEvent.CLOSE_SUGGESTION)
    data = [row.payload_data for row in rows.order_by("id")]
    assert all(
        events.SOURCES[row.event].render(row.payload_data, base_url="") for row in rows
    )
    return [(d["suggestion_id"], d["state"], d["merge_id"], d["by"]) for d in data]


def test_withdrawn_open_closes_the_suggestion(suggestion: MergeSuggestion) -> None:
    opened = suggestion.evidence["visits"]

    processing.override_verdict(opened, Verdict.BOT)
    steps.process()

    assert closed() == [(suggestion.pk, "closed", None, None)]


def test_accepted_suggestion_is_closed_once_after_its_merge(
    suggestion: MergeSuggestion, admin: User
) -> None:
    suggestions.accept(suggestion, by=admin)

    merge = Merge.objects.get()
    assert closed() == [(suggestion.pk, "accepted", merge.pk, admin.pk)]
    sent = WebhookDelivery.objects.order_by("id").values_list("event", flat=True)
    assert list(sent) == [
        WebhookEvent.SUGGEST_MERGE,
        WebhookEvent.MERGE_CONTACT,
        WebhookEvent.CLOSE_SUGGESTION,
    ]


def test_suggestions_of_a_chat_are_closed_when_it_joins_somebody(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_link("phone", a)
    steps.open_link("phone", b)
    chat, _ = steps.start_chat("phone", admin)
    with_a, with_b = MergeSuggestion.objects.filter(rule="R6").order_by("one_id")

    suggestions.accept(with_a, by=admin)

    merge = Merge.objects.get()
    assert set(closed()) == {
        (with_a.pk, "accepted", merge.pk, admin.pk),
        (with_b.pk, "closed", merge.pk, admin.pk),
    }
    steps.undo(admin, merge)
    steps.process()
    again = MergeSuggestion.objects.get(state="open", other=chat.contact)
    assert again.one == b


def test_undo_of_a_merge_by_hand_lets_the_rules_suggest_again(
    suggestion: MergeSuggestion, admin: User, b: Contact
) -> None:
    by_hand = steps.merge(admin, b, suggestion.other)
    suggestion.refresh_from_db()
    assert suggestion.state == "closed"

    steps.undo(admin, by_hand)
    steps.process()

    again = MergeSuggestion.objects.get(state="open")
    assert (again.one, again.other) == (suggestion.one, suggestion.other)


def test_merge_of_known_contacts_keeps_the_question_about_a_chat(
    suggestion: MergeSuggestion, admin: User, b: Contact
) -> None:
    steps.merge(admin, b, suggestion.one)

    assert closed() == []


def test_suggestion_is_closed_if_its_contacts_are_merged_by_hand(
    suggestion: MergeSuggestion, admin: User
) -> None:
    merge = steps.merge(admin, suggestion.one, suggestion.other)

    assert closed() == [(suggestion.pk, "accepted", merge.pk, admin.pk)]


def test_suggestion_is_closed_if_a_rule_merges_its_contacts(
    suggestion: MergeSuggestion,
) -> None:
    attachments = suggestion.one.pixelattachment_set
    review(attachments.all(), AttachmentReview.CONFIRMED)

    steps.process()

    assert closed() == [(suggestion.pk, "accepted", Merge.objects.get().pk, None)]


def test_suggestion_of_contacts_that_are_one_already_is_closed(
    suggestion: MergeSuggestion, admin: User
) -> None:
    merge = steps.merge(admin, suggestion.one, suggestion.other)
    MergeSuggestion.objects.update(state="open", merge=None)
    WebhookDelivery.objects.all().delete()

    assert suggestions.accept(suggestion, by=admin) is None

    assert merge.state == "applied"
    assert closed() == [(suggestion.pk, "accepted", None, admin.pk)]


def test_rejected_suggestions_of_a_pair_are_all_closed(
    suggestion: MergeSuggestion, admin: User, a: Contact, b: Contact
) -> None:
    steps.open_link("phone", b)
    steps.merge(admin, b, a)
    rows = MergeSuggestion.objects.filter(state="open")
    expected = [(row.pk, "rejected", None, admin.pk) for row in rows.order_by("pk")]
    assert len(expected) == 2
    WebhookDelivery.objects.all().delete()

    suggestions.reject(rows[0], by=admin)

    assert sorted(closed()) == expected
