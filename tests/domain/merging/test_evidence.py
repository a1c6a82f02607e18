"""Evidence for merges: attacks with a link, shared browsers and users' decisions."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shortlinks.domain.contacts import contacts
from shortlinks.domain.merging import chats, suggestions, undoing
from shortlinks.domain.merging.chats import NewChat, Reporter
from shortlinks.domain.merging.rules import Decision
from shortlinks.domain.pixels import attachments
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    AttachmentReview,
    Contact,
    Evidence,
    Merge,
    MergeMode,
    MergeRule,
    MergeSuggestion,
    Pixel,
    PixelAttachment,
    PixelMode,
    Redemption,
    User,
    Verdict,
    Visit,
)
from tests import factories
from tests.domain.merging import steps
from tests.domain.visits import sites

pytestmark = pytest.mark.django_db


def rules_of(decision: Decision) -> list[str]:
    assert decision.merge is None
    return [pair.rule for pair in decision.suggestions]


def suggestion() -> MergeSuggestion:
    return MergeSuggestion.objects.get(state="open")


def click(browser: str, contact: Contact, **visit: object) -> Visit:
    """Let the browser open a link at its own address, a while ago."""
    cookie = factories.cookie_sha256(browser)
    facts = {"pixel_sha256": cookie, "occurred_at": steps.settled_now(), **visit}
    opened = sites.open_link(factories.link(contact), **facts)
    steps.process()
    return opened


def land(visit: Visit, *, address: bytes | None = None, page: str = "") -> str:
    """Redeem the click at the address, which is the click's by default."""
    fields = {} if address is None else {"address": address}
    uid = sites.redeem(visit, page=page, **fields)
    Redemption.objects.update(redeemed_at=steps.settled_now())
    steps.process()
    return uid


def chat_with(uid: str, by: User) -> Decision:
    _, decision = chats.upsert(
        NewChat(
            source="site",
            external_id=str(factories.visit_id(timezone.now())),
            title="A visitor",
            visitor_uid=uid,
            entity_id=None,
        ),
        by=Reporter(by),
    )
    return decision


# --- attacks --------------------------------------------------------------------


def test_first_opener_of_a_link_is_only_suggested(admin: User, client: Contact) -> None:
    uid = land(click("attacker's", client))

    decision = chat_with(uid, admin)

    assert rules_of(decision) == ["R9"]


@pytest.mark.parametrize("mode", [MergeMode.SUGGEST, MergeMode.AUTO])
def test_reader_of_the_mailbox_is_only_suggested(
    account: Account, admin: User, client: Contact, mode: MergeMode
) -> None:
    account.merge_mode = mode
    account.save()
    click("client's", client)
    click("attacker's", client)
    uid = land(click("attacker's", client))

    decision = chat_with(uid, admin)

    assert rules_of(decision) == ["R9"]


@pytest.mark.parametrize(
    "address", [b"", bytes([203, 0, 113, 9])], ids=["none", "other"]
)
def test_client_lured_to_an_attackers_click_is_only_suggested(
    admin: User, client: Contact, address: bytes
) -> None:
    visit = click("attacker's", client)
    attached = PixelAttachment.objects.all()
    attachments.review(attached, AttachmentReview.CONFIRMED)

    uid = land(visit, address=address)
    decision = chat_with(uid, admin)

    assert uid != steps.uid("attacker's", client.account)
    assert rules_of(decision) == ["R11"]
    assert suggestion().evidence["url"] == factories.URL


def test_browser_that_clicked_is_not_doubted_for_a_page_elsewhere(
    admin: User, client: Contact
) -> None:
    land(click("client's", client), address=b"\1\2\3\4")

    decision = chat_with(steps.uid("client's", client.account), admin)

    assert rules_of(decision) == ["R9"]


def test_page_at_the_address_of_the_click_keeps_its_own_uid(client: Contact) -> None:
    click("phone", client)
    page = steps.uid("phone", client.account)

    kept = land(click("phone without its cookie", client), page=page)

    assert kept == page
    evidence = PixelAttachment.objects.values_list("evidence", flat=True)
    assert set(evidence) == {"click_redeemed"}


def test_lured_client_is_not_joined_to_the_attacker(
    admin: User, client: Contact, other: Contact
) -> None:
    click("client's", client)
    attachments.review(PixelAttachment.objects.all(), AttachmentReview.CONFIRMED)
    page = steps.uid("client's", client.account)

    kept = land(click("attacker's", other), address=b"\1\2\3\4", page=page)
    decision = chat_with(kept, admin)

    assert kept == page
    assert rules_of(decision) == ["R6", "R6"]


def test_page_with_the_uid_of_the_click_counts_from_any_address(
    client: Contact,
) -> None:
    visit = click("phone", client)
    own = steps.uid("phone", client.account)

    uid = land(visit, address=b"\1\2\3\4", page=own)

    assert uid == own
    assert PixelAttachment.objects.get().evidence == "click_redeemed"


def test_withdrawn_click_detaches_the_page_at_another_address(client: Contact) -> None:
    visit = click("attacker's", client)
    land(visit, address=b"\1\2\3\4")
    assert PixelAttachment.objects.count() == 2

    processing.override_verdict([visit.pk], Verdict.BOT)

    assert not Pixel.objects.exists()


# --- a user's word --------------------------------------------------------------


def test_accepted_suggestion_lets_later_chats_join(
    admin: User, client: Contact
) -> None:
    steps.open_link("phone", client)
    steps.start_chat("phone", admin)

    suggestions.accept(suggestion(), by=admin)
    later, decision = steps.start_chat("phone", admin)

    assert decision.merge is not None
    assert later.contact.root == client


def test_confirmed_browser_joins_chats_that_were_only_suggested(
    admin: User, client: Contact
) -> None:
    steps.open_link("phone", client)
    first, _ = steps.start_chat("phone", admin)
    steps.start_chat("phone", admin)

    suggestions.accept(MergeSuggestion.objects.first(), by=admin)  # type: ignore[arg-type]
    steps.process()

    first.contact.refresh_from_db()
    assert first.contact.root == client
    assert not MergeSuggestion.objects.filter(state="open").exists()


def test_rejected_pair_proves_that_the_browser_is_shared(
    admin: User, client: Contact
) -> None:
    steps.open_for_days("terminal", client)
    attachments.review(PixelAttachment.objects.all(), AttachmentReview.CONFIRMED)
    _, before = steps.start_chat("terminal", admin)
    assert before.merge is not None
    undoing.undo(Merge.objects.get(), by=admin)

    _, after = steps.start_chat("terminal", admin)

    assert rules_of(after) == ["R10"]


def test_browser_stays_doubtful_if_the_separated_contact_is_deleted(
    admin: User, client: Contact
) -> None:
    steps.open_link("phone", client)
    chat, _ = steps.start_chat("phone", admin)
    suggestions.reject(suggestion(), by=admin)
    attachments.review(PixelAttachment.objects.all(), AttachmentReview.CONFIRMED)

    contacts.set_deleted([chat.contact_id], is_deleted=True, by=admin)
    _, decision = steps.start_chat("phone", admin)

    assert rules_of(decision) == ["R10"]


def test_detached_browser_starts_again(admin: User, client: Contact) -> None:
    steps.open_for_days("phone", client)
    attachments.detach(PixelAttachment.objects.all())
    before = timezone.now() - timedelta(days=2)
    steps.open_link("phone", client, occurred_at=before)
    steps.open_link("phone", client)

    _, decision = steps.start_chat("phone", admin)

    assert rules_of(decision) == ["R9"]


# --- people who only chatted ----------------------------------------------------


def test_known_contact_who_chatted_is_a_person_of_the_browser(
    admin: User, client: Contact, other: Contact
) -> None:
    steps.open_for_days("family's", client)
    steps.start_chat("family's", admin, contact=other)

    _, decision = steps.start_chat("family's", admin)

    assert rules_of(decision) == ["R6", "R6"]


def test_accepting_confirms_the_browser_of_a_contact_who_only_chatted(
    admin: User, client: Contact, other: Contact
) -> None:
    steps.open_link("family's", client)
    steps.start_chat("family's", admin, contact=other)
    first, _ = steps.start_chat("family's", admin)
    suggested = MergeSuggestion.objects.get(
        one=other, other=first.contact, state="open"
    )
    attachments.review(PixelAttachment.objects.all(), AttachmentReview.REJECTED)

    suggestions.accept(suggested, by=admin)
    steps.process()
    later, decision = steps.start_chat("family's", admin)

    assert steps.attachment("family's", other).evidence == Evidence.CHAT
    assert decision.merge is not None
    assert later.contact.root == other


def test_confirming_a_contact_who_only_chatted_suggests_no_open(
    admin: User, client: Contact, other: Contact
) -> None:
    steps.start_chat("family's", admin, contact=other)
    steps.open_link("family's", client)
    MergeSuggestion.objects.all().delete()
    steps.start_chat("family's", admin)

    accepted = MergeSuggestion.objects.get(one=other)
    suggestions.accept(accepted, by=admin)
    steps.process()

    assert steps.attachment("family's", other).review == AttachmentReview.CONFIRMED
    assert not MergeSuggestion.objects.filter(rule=MergeRule.OPENED).exists()


def test_accepting_attaches_no_browser_without_consent(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    steps.open_link("family's", client)
    steps.start_chat("family's", admin, contact=other)
    steps.start_chat("family's", admin)
    account.pixel_mode = PixelMode.CONSENT_ONLY
    account.save()

    suggestions.accept(MergeSuggestion.objects.get(one=other), by=admin)

    assert [each.contact for each in PixelAttachment.objects.all()] == [client]


def test_open_of_a_contact_who_chatted_becomes_the_evidence(
    admin: User, client: Contact, other: Contact
) -> None:
    steps.open_link("family's", client)
    steps.start_chat("family's", admin, contact=other)
    steps.start_chat("family's", admin)
    suggestions.accept(MergeSuggestion.objects.get(one=other), by=admin)

    steps.open_link("family's", other)

    attached = steps.attachment("family's", other)
    assert (attached.evidence, attached.review) == (Evidence.CLICK, "confirmed")


def test_browser_in_which_three_contacts_chat_is_shared(
    account: Account, admin: User, client: Contact, other: Contact
) -> None:
    steps.open_for_days("terminal", client)
    steps.start_chat("terminal", admin, contact=other)

    steps.start_chat("terminal", admin, contact=factories.contact(account))
    _, decision = steps.start_chat("terminal", admin)

    assert steps.pixel("terminal").shared_since is not None
    assert (decision.merge, decision.suggestions) == (None, ())


def test_shared_browser_stays_shared_without_contacts(client: Contact) -> None:
    visit = steps.open_link("terminal", client)
    Pixel.objects.update(shared_since=timezone.now())

    processing.override_verdict([visit.pk], Verdict.BOT)

    assert not PixelAttachment.objects.exists()
    assert Pixel.objects.get().shared_since is not None


# --- other browsers -------------------------------------------------------------


def test_browsers_that_never_returned_make_no_link_forwarded(
    admin: User, client: Contact
) -> None:
    for number in range(3):
        steps.open_link(f"scanner {number}", client, pixel_is_new=True)
    steps.open_for_days("phone", client)

    chat, _ = steps.start_chat("phone", admin)

    assert chat.contact.root == client


def test_gesture_makes_a_browser_returning(client: Contact) -> None:
    visit = click("phone", client, pixel_is_new=True)
    assert not PixelAttachment.objects.get().is_returning
    land(visit)

    sites.record_gesture(visit)
    sites.process_redemptions()

    assert PixelAttachment.objects.get().is_returning


def test_two_links_on_one_day_are_not_enough(
    account: Account, admin: User, client: Contact
) -> None:
    account.merge_mode = MergeMode.AUTO
    account.save()
    hours_ago = timezone.now() - timedelta(hours=23)
    steps.open_link("phone", client, "https://shop.example/0", occurred_at=hours_ago)
    steps.open_link("phone", client)

    _, decision = steps.start_chat("phone", admin)

    assert rules_of(decision) == ["R9"]
