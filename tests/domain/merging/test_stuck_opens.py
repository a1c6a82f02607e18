"""An open that stays unprocessed prevents a merge, for as long as it takes.

The phone is A's established browser. B's link was clicked there, and the worker stands
still for longer than a chat waits.
"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shortlinks.domain.merging import pending, queue
from shortlinks.models import (
    Account,
    AttachmentReview,
    Chat,
    Contact,
    MergeCheck,
    MergeSuggestion,
    Pixel,
    PixelAttachment,
    Redemption,
    User,
    Visit,
)
from tests import factories
from tests.domain.merging import steps

pytestmark = pytest.mark.django_db

STUCK = pending.MAX_WAIT + timedelta(seconds=10)


@pytest.fixture(autouse=True)
def established(a: Contact) -> None:
    steps.open_for_days("phone", a)


def click_long_ago(contact: Contact, browser: str = "phone") -> Visit:
    return steps.click(browser, contact, occurred_at=timezone.now() - STUCK)


def land_long_ago(contact: Contact) -> Visit:
    visit = click_long_ago(contact)
    steps.land("phone", contact)
    Redemption.objects.update(redeemed_at=timezone.now() - STUCK)
    return visit


def suggested(chat: Chat) -> dict[int, str]:
    rows = MergeSuggestion.objects.filter(other=chat.contact_id, state="open")
    return dict(rows.values_list("one_id", "rule"))


def let_checks_come_due() -> None:
    MergeCheck.objects.update(due_at=timezone.now())
    steps.process()


def test_contact_of_a_stuck_redeemed_click_is_a_person_of_the_browser(
    admin: User, a: Contact, b: Contact
) -> None:
    land_long_ago(b)

    chat, _ = steps.start_chat("phone", admin)

    assert steps.root(chat.contact) == chat.contact
    assert suggested(chat) == {a.pk: "R6", b.pk: "R6"}


def test_contact_of_a_stuck_click_is_a_person_of_the_browser(
    admin: User, a: Contact, b: Contact
) -> None:
    click_long_ago(b)

    chat, _ = steps.start_chat("phone", admin)

    assert suggested(chat) == {a.pk: "R6", b.pk: "R6"}


def test_stuck_click_of_the_same_contact_makes_the_chat_doubtful(
    admin: User, a: Contact
) -> None:
    click_long_ago(a)

    chat, _ = steps.start_chat("phone", admin)

    assert suggested(chat) == {a.pk: "R13"}


def test_stuck_click_prevents_a_merge_in_a_confirmed_browser(
    admin: User, a: Contact, x: Contact
) -> None:
    PixelAttachment.objects.update(review=AttachmentReview.CONFIRMED)
    click_long_ago(x)

    chat, _ = steps.start_chat("phone", admin)

    assert suggested(chat) == {a.pk: "R13"}


def test_dead_lettered_click_prevents_a_merge(
    admin: User, a: Contact, b: Contact
) -> None:
    visit = click_long_ago(b)
    visit.due_at, visit.dead_lettered_at = None, timezone.now()
    visit.save(update_fields=["due_at", "dead_lettered_at"])

    chat, _ = steps.start_chat("phone", admin)

    assert suggested(chat) == {a.pk: "R6", b.pk: "R6"}
    assert not MergeCheck.objects.exists()


def test_stuck_click_prevents_no_merge_in_another_browser_or_account(
    admin: User, a: Contact, b: Contact
) -> None:
    elsewhere = factories.contact(factories.account())
    click_long_ago(b, "laptop")
    click_long_ago(elsewhere)

    chat, _ = steps.start_chat("phone", admin)

    assert steps.root(chat.contact) == a


def test_rejected_browser_of_a_stuck_click_is_not_suggested(
    admin: User, a: Contact, b: Contact
) -> None:
    steps.open_link("phone", b, "https://shop.example/b")
    attached = PixelAttachment.objects.filter(contact=b)
    attached.update(review=AttachmentReview.REJECTED)
    click_long_ago(b)

    chat, _ = steps.start_chat("phone", admin)

    assert suggested(chat) == {a.pk: "R13"}


def test_three_contacts_do_not_share_a_browser_while_an_open_is_stuck(
    account: Account, admin: User, b: Contact
) -> None:
    steps.open_link("phone", b)
    click_long_ago(factories.contact(account))

    chat, _ = steps.start_chat("phone", admin)

    assert set(suggested(chat).values()) == {"R6"}
    assert not Pixel.objects.exclude(shared_since=None).exists()


def test_rules_decide_again_when_the_stuck_click_was_no_persons(
    admin: User, a: Contact, b: Contact
) -> None:
    visit = land_long_ago(b)
    chat, _ = steps.start_chat("phone", admin)

    Visit.objects.filter(pk=visit.pk).update(user_agent="Googlebot/2.1")
    steps.process()
    let_checks_come_due()

    assert steps.root(chat.contact) == a
    assert suggested(chat) == {}


def test_stuck_click_leaves_one_check_however_often_the_chat_is_reported(
    admin: User, b: Contact
) -> None:
    visit = click_long_ago(b)
    chat, _ = steps.start_chat("phone", admin)
    visit.due_at = timezone.now() + timedelta(hours=1)
    visit.save(update_fields=["due_at"])

    for _ in range(3):
        queue.examine_chats(steps.pixel("phone"))
        steps.process()

    assert MergeCheck.objects.get().chat == chat


# --- more visits wait than are examined --------------------------------------------


@pytest.fixture
def full_page(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the visits of others fill what is examined, before the click of B."""
    monkeypatch.setattr(pending, "MAX_VISITS", 3)
    other = factories.link(factories.contact(account))
    for _ in range(4):
        factories.visit(other, due_at=timezone.now() + timedelta(hours=1))


@pytest.mark.usefixtures("full_page")
def test_chat_waits_while_more_visits_are_due_than_are_examined(
    admin: User, b: Contact
) -> None:
    click_long_ago(b)

    _, decision = steps.start_chat("phone", admin)

    assert decision is queue.PENDING


@pytest.mark.usefixtures("full_page")
def test_chat_is_only_suggested_if_still_more_are_due_after_the_wait(
    admin: User, a: Contact, b: Contact
) -> None:
    click_long_ago(b)
    chat, _ = steps.start_chat("phone", admin)

    Chat.objects.update(updated_at=timezone.now() - STUCK)
    MergeCheck.objects.update(due_at=timezone.now())
    while queue.process_due():
        pass

    assert steps.root(chat.contact) == chat.contact
    assert suggested(chat) == {a.pk: "R13"}


def test_pending_opens_are_found_by_partial_indexes(admin: User, b: Contact) -> None:
    click_long_ago(b)

    with CaptureQueriesContext(connection) as queries:
        steps.start_chat("phone", admin)

    [found] = [q["sql"] for q in queries if "dead_lettered_at DESC" in q["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {found}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on shortlinks_visit" not in plan
