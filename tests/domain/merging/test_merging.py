"""From rows to decisions and back: chats, opens, merges, suggestions and undoing."""

import pytest

from shortlinks.domain.merging import merges, queue, suggestions, undoing
from shortlinks.domain.visits import processing
from shortlinks.domain.webhooks import payloads
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
from tests.domain.merging import worlds

pytestmark = pytest.mark.django_db


def pairs() -> set[frozenset[int]]:
    rows = MergeSuggestion.objects.filter(state="open")
    return {frozenset(pair) for pair in rows.values_list("one_id", "other_id")}


def test_chat_of_the_clients_browser_joins_him(admin: User, client: Contact) -> None:
    worlds.opens("phone", client, occurred_at=factories.at("11:02:00"))

    chat, _ = worlds.chats_with("phone", admin)

    assert chat.contact.is_anonymous
    assert chat.contact.root == client
    note = Note.objects.get(note_type="service_message", contact=client)
    assert note.text == (
        f"Чат №{chat.pk} присоединён: в том же браузере открыли {factories.URL}"
        " в 14:02 23.11.2026."
    )


def test_note_is_in_the_accounts_language(
    account: Account, admin: User, client: Contact
) -> None:
    account.language, account.time_zone = "en", "UTC"
    account.save()
    worlds.opens("phone", client, occurred_at=factories.at("11:02:00"))

    chat, _ = worlds.chats_with("phone", admin)

    note = Note.objects.get(note_type="service_message", contact=client)
    assert note.text == (
        f"Chat #{chat.pk} joined: the same browser opened {factories.URL}"
        " at 11:02 on 2026-11-23."
    )


def test_chat_that_came_before_the_open_joins_when_it_is_followed_up(
    admin: User, client: Contact
) -> None:
    chat, before = worlds.chats_with("phone", admin)

    worlds.opens("phone", client)

    assert before.join is None
    chat.contact.refresh_from_db()
    assert chat.contact.merged_into == client


def test_new_browsers_leave_nothing_to_look_at(client: Contact, other: Contact) -> None:
    factories.visit(
        factories.link(client), pixel_sha256=factories.cookie_sha256("phone")
    )

    worlds.opens("tablet", other)

    assert not MergeCheck.objects.exists()
    assert not Merge.objects.exists()


def test_known_ones_in_one_browser_are_suggested_once(
    admin: User, client: Contact, other: Contact
) -> None:
    worlds.opens("phone", client)
    worlds.opens("phone", other)
    worlds.chats_with("phone", admin, contact=other)

    worlds.opens("phone", other, url="https://shop.example/2")

    assert pairs() == {frozenset({client.pk, other.pk})}
    assert not Merge.objects.exists()


def test_third_browser_of_a_link_is_not_the_clients(
    admin: User, client: Contact
) -> None:
    for browser in ("phone", "laptop", "friend's"):
        worlds.opens(browser, client)
    worlds.opens("friend's", client)

    chat, _ = worlds.chats_with("friend's", admin)

    assert chat.contact.root == chat.contact
    assert MergeSuggestion.objects.get().rule == "R7"


def test_sixth_browser_of_a_contact_is_not_his(
    account: Account, admin: User, client: Contact
) -> None:
    account.max_browsers_per_link = 100
    account.save()
    for number in range(6):
        for page in ("a", "b"):
            worlds.opens(f"browser {number}", client, f"https://shop.example/{page}")

    fifth, _ = worlds.chats_with("browser 4", admin)
    sixth, _ = worlds.chats_with("browser 5", admin)

    assert fifth.contact.root == client
    assert sixth.contact.root == sixth.contact


def test_browser_of_three_is_everybodys_for_good(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    for contact in (client, other, factories.contact(account)):
        worlds.opens("terminal", contact)
    before = pairs()

    _, decision = worlds.chats_with("terminal", admin)

    assert worlds.pixel("terminal").quarantined_at is not None
    assert decision.reason == "a browser of many"
    assert pairs() == before


def test_whoever_is_vouched_for_is_the_client(admin: User, client: Contact) -> None:
    worlds.opens("laptop", client)
    worlds.opens("phone", client)
    PixelAttachment.objects.update(review=AttachmentReview.CONFIRMED)

    chat, _ = worlds.chats_with("phone", admin)

    assert chat.contact.root == client


def test_same_chat_again_changes_nothing(admin: User, client: Contact) -> None:
    worlds.opens("phone", client)
    chat, _ = worlds.chats_with("phone", admin)
    before = Merge.objects.count(), Note.objects.count()

    MergeCheck.objects.create(chat=chat)
    queue.process_due()

    assert (Merge.objects.count(), Note.objects.count()) == before


def test_a_chat_that_was_read_before_it_got_known_is_looked_at_as_it_is(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    chat, _ = worlds.chats_with("phone", admin)
    stale = Chat.objects.select_related("contact__merged_into").get(pk=chat.pk)
    suggestions.merge_by_hand(
        account.pk, (stale.contact, other), by=admin, into=other.pk
    )
    opened = factories.link(client)
    factories.visit(opened, pixel_sha256=factories.cookie_sha256("phone"))
    processing.process_due()

    decision = queue.evaluate_chat(merges.lock_account(account.pk), stale)

    assert decision.join is None
    assert pairs() == {frozenset({client.pk, other.pk})}


def test_no_rule_merges_two_known_ones(
    account: Account, client: Contact, other: Contact
) -> None:
    turn = merges.lock_account(account.pk)

    reason = merges.MergeCause(MergeRule.CHAT, "an event")
    merge = merges.merge(turn, client.pk, other.pk, reason)

    assert merge is None
    assert not Merge.objects.exists()


def test_accounts_do_not_share_browsers(account: Account, client: Contact) -> None:
    stranger = factories.admin(factories.account())
    worlds.opens("phone", client)

    chat, decision = worlds.chats_with("phone", stranger)

    assert decision.join is None
    assert chat.contact.root == chat.contact


def test_webhooks_are_told_each_step(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    webhook, _ = factories.webhook(account, "https://crm.example/", by=admin)
    webhook.settings = WebhookEvent.values
    webhook.save()
    worlds.opens("phone", client)
    chat, _ = worlds.chats_with("phone", admin)
    undoing.undo(Merge.objects.get(), by=admin)

    told = WebhookDelivery.objects.exclude(event="note_contact").order_by("id")

    merge = {"evidence": Merge.objects.get().evidence, "rule": "R3"}
    pair = [client.entity_id, chat.contact.entity_id]
    assert [
        (row.event, {k: row.payload_data[k] for k in ("evidence", "rule")})
        for row in told
    ] == [("merge_contact", merge), ("undo_merge_contact", merge)]
    assert told[0].payload_data["contacts"] == pair
    worlds.opens("laptop", client)
    worlds.opens("laptop", other)
    assert told.last().event == "suggest_merge_contact"  # type: ignore[union-attr]
    for row in told.all():
        assert payloads.render(row.event, row.payload_data, base_url="https://x")
    assert told.all().count() == 3


def test_click_that_the_page_took_over_tells_two_apart(
    admin: User, client: Contact, other: Contact
) -> None:
    worlds.opens("family's", client)
    worlds.opens("family's", other)
    worlds.redeems("family's", other)

    chat, _ = worlds.chats_with("family's", admin)

    assert chat.contact.root == other
    assert Merge.objects.get().rule == "R6"


def test_click_of_another_afterwards_leaves_it_to_a_person(
    admin: User, client: Contact, other: Contact
) -> None:
    worlds.opens("family's", client)
    worlds.redeems("family's", client)
    worlds.opens("family's", other)

    chat, _ = worlds.chats_with("family's", admin)

    assert chat.contact.root == chat.contact
    assert len(pairs()) == 3  # both with the chat's contact, and with each other


def test_site_knows_a_browser_that_has_forgotten_its_cookie(
    admin: User, client: Contact
) -> None:
    worlds.opens("before", client)
    worlds.redeems("before", client)
    worlds.opens("after", client)
    worlds.redeems("after", client, page="before")

    chat, _ = worlds.chats_with("before", admin)

    assert chat.contact.root == client
    assert Merge.objects.get().rule == "R3"
