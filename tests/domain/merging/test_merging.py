"""Merges by rules, from stored opens and chats to notes and webhook events."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from shortlinks.domain.merging import merges, queue, rules, suggestions, undoing
from shortlinks.domain.visits import processing
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Account,
    AttachmentReview,
    Chat,
    Contact,
    Merge,
    MergeCheck,
    MergeRule,
    MergeSuggestion,
    Note,
    PixelAttachment,
    User,
    WebhookDelivery,
    WebhookEvent,
)
from tests import factories
from tests.domain.merging import steps

pytestmark = pytest.mark.django_db


def yesterday_at_11_02() -> datetime:
    yesterday = timezone.now() - timedelta(days=1)
    return yesterday.replace(hour=11, minute=2)


def pairs() -> set[frozenset[int]]:
    rows = MergeSuggestion.objects.filter(state="open")
    return {frozenset(pair) for pair in rows.values_list("one_id", "other_id")}


def test_chat_in_the_clients_browser_is_merged(admin: User, client: Contact) -> None:
    opened_at = yesterday_at_11_02()
    steps.open_for_days("phone", client, occurred_at=opened_at)

    chat, _ = steps.start_chat("phone", admin)

    assert chat.contact.is_anonymous
    assert chat.contact.root == client
    note = Note.objects.get(note_type="service_message", contact=client)
    assert note.text == (
        f"Чат №{chat.pk} присоединён: в том же браузере открыли {factories.URL}"
        f" в 14:02 {opened_at:%d.%m.%Y}."
    )


def test_merge_note_is_in_the_language_of_the_account(
    account: Account, admin: User, client: Contact
) -> None:
    account.language, account.time_zone = "en", "UTC"
    account.save()
    opened_at = yesterday_at_11_02()
    steps.open_for_days("phone", client, occurred_at=opened_at)

    chat, _ = steps.start_chat("phone", admin)

    note = Note.objects.get(note_type="service_message", contact=client)
    assert note.text == (
        f"Chat #{chat.pk} joined: the same browser opened {factories.URL}"
        f" at 11:02 on {opened_at:%Y-%m-%d}."
    )


def test_chat_before_the_open_is_merged_when_the_open_is_processed(
    admin: User, client: Contact
) -> None:
    chat, before = steps.start_chat("phone", admin)

    steps.open_for_days("phone", client)

    assert before.merge is None
    chat.contact.refresh_from_db()
    assert chat.contact.merged_into == client


def test_new_browser_enqueues_no_merge_check(client: Contact, other: Contact) -> None:
    factories.visit(
        factories.link(client), pixel_sha256=factories.cookie_sha256("phone")
    )

    steps.open_link("tablet", other)

    assert not MergeCheck.objects.exists()
    assert not Merge.objects.exists()


def test_known_contacts_of_one_browser_are_suggested_once(
    admin: User, client: Contact, other: Contact
) -> None:
    steps.open_link("phone", client)
    steps.open_link("phone", other)
    steps.start_chat("phone", admin, contact=other)

    steps.open_link("phone", other, url="https://shop.example/2")

    assert pairs() == {frozenset({client.pk, other.pk})}
    assert not Merge.objects.exists()


def test_third_browser_of_a_link_is_only_suggested(
    admin: User, client: Contact
) -> None:
    for browser in ("phone", "laptop", "friend's"):
        steps.open_link(browser, client)
    steps.open_link("friend's", client)

    chat, _ = steps.start_chat("friend's", admin)

    assert chat.contact.root == chat.contact
    assert MergeSuggestion.objects.get().rule == "R7"


def test_sixth_browser_of_a_contact_counts_as_forwarded(
    account: Account, admin: User, client: Contact
) -> None:
    account.max_browsers_per_link = 100
    account.save()
    for number in range(6):
        for page in ("a", "b"):
            steps.open_link(f"browser {number}", client, f"https://shop.example/{page}")

    _, fifth = steps.start_chat("browser 4", admin)
    _, sixth = steps.start_chat("browser 5", admin)

    assert [pair.rule for pair in fifth.suggestions] == ["R9"]
    assert [pair.rule for pair in sixth.suggestions] == ["R7"]


def test_browser_of_three_contacts_is_shared(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    for contact in (client, other, factories.contact(account)):
        steps.open_link("terminal", contact)
    before = pairs()

    _, decision = steps.start_chat("terminal", admin)

    assert steps.pixel("terminal").shared_since is not None
    assert decision.reason == rules.SHARED_BROWSER
    assert pairs() == before


def test_confirmed_browser_is_the_clients(admin: User, client: Contact) -> None:
    steps.open_link("laptop", client)
    steps.open_link("phone", client)
    PixelAttachment.objects.update(review=AttachmentReview.CONFIRMED)

    chat, _ = steps.start_chat("phone", admin)

    assert chat.contact.root == client


def test_repeated_check_changes_nothing(admin: User, client: Contact) -> None:
    steps.open_link("phone", client)
    chat, _ = steps.start_chat("phone", admin)
    before = Merge.objects.count(), Note.objects.count()

    MergeCheck.objects.create(chat=chat)
    queue.process_due()

    assert (Merge.objects.count(), Note.objects.count()) == before


def test_stale_chat_is_evaluated_with_its_current_contact(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    chat, _ = steps.start_chat("phone", admin)
    stale = Chat.objects.select_related("contact__merged_into").get(pk=chat.pk)
    suggestions.merge_by_hand(
        account.pk, (stale.contact, other), by=admin, into=other.pk
    )
    opened = factories.link(client)
    cookie = factories.cookie_sha256("phone")
    factories.visit(opened, pixel_sha256=cookie, occurred_at=steps.settled_now())
    processing.process_due()

    decision = queue.evaluate_chat(merges.lock_account(account.pk), stale)

    assert decision.merge is None
    assert pairs() == {frozenset({client.pk, other.pk})}


def test_rule_does_not_merge_two_known_contacts(
    account: Account, client: Contact, other: Contact
) -> None:
    lock = merges.lock_account(account.pk)

    cause = merges.MergeCause(MergeRule.CHAT, "an event")
    merge = merges.merge(lock, client.pk, other.pk, cause)

    assert merge is None
    assert not Merge.objects.exists()


def test_browser_of_another_account_is_not_used(
    account: Account, client: Contact
) -> None:
    stranger = factories.admin(factories.account())
    steps.open_link("phone", client)

    chat, decision = steps.start_chat("phone", stranger)

    assert decision.merge is None
    assert chat.contact.root == chat.contact


def test_webhook_receives_merge_undo_and_suggestion(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    webhook, _ = factories.webhook(account, "https://crm.example/", by=admin)
    webhook.settings = WebhookEvent.values
    webhook.save()
    steps.open_for_days("phone", client)
    chat, _ = steps.start_chat("phone", admin)
    undoing.undo(Merge.objects.get(), by=admin)

    of_opens = ("note_contact", "link_opened")
    deliveries = WebhookDelivery.objects.exclude(event__in=of_opens).order_by("id")

    merge = {"evidence": Merge.objects.get().evidence, "rule": "R3"}
    pair = [client.entity_id, chat.contact.entity_id]
    assert [
        (row.event, {k: row.payload_data[k] for k in ("evidence", "rule")})
        for row in deliveries
    ] == [("merge_contact", merge), ("undo_merge_contact", merge)]
    assert deliveries[0].payload_data["contacts"] == pair
    steps.open_link("laptop", client)
    steps.open_link("laptop", other)
    assert deliveries.last().event == "suggest_merge_contact"  # type: ignore[union-attr]
    for row in deliveries.all():
        render = events.SOURCES[row.event].render
        assert render(row.payload_data, base_url="https://x")
    assert deliveries.all().count() == 3


def test_redeemed_click_decides_between_two_contacts(
    admin: User, client: Contact, other: Contact
) -> None:
    steps.open_link("family's", client)
    steps.open_for_days("family's", other)
    steps.redeem("family's", other)

    chat, _ = steps.start_chat("family's", admin)

    assert chat.contact.root == other
    assert Merge.objects.get().rule == "R6"


def test_later_click_of_another_contact_leads_to_suggestions(
    admin: User, client: Contact, other: Contact
) -> None:
    steps.open_link("family's", client)
    steps.redeem("family's", client)
    steps.open_link("family's", other)

    chat, _ = steps.start_chat("family's", admin)

    assert chat.contact.root == chat.contact
    assert len(pairs()) == 3  # both with the chat's contact, and with each other


def test_browser_without_its_cookie_is_recognized_by_the_site(
    admin: User, client: Contact
) -> None:
    steps.open_for_days("before", client)
    steps.redeem("before", client)
    steps.open_link("after", client)
    steps.redeem("after", client, page="before")

    chat, _ = steps.start_chat("before", admin)

    assert chat.contact.root == client
    assert Merge.objects.get().rule == "R3"
