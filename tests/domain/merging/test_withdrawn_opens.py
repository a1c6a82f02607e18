"""Withdrawing any open that a decision rested on lets the rules decide again."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from shortlinks.domain.merging import withdrawals
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    AttachmentReview,
    Contact,
    Merge,
    MergeMode,
    MergeSuggestion,
    PixelAttachment,
    Redemption,
    User,
    Verdict,
    Visit,
)
from tests.domain.merging import steps

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def withdraw(*visits: Visit) -> None:
    processing.override_verdict([visit.pk for visit in visits], Verdict.BOT)
    steps.process()


def open_at(
    contact: Contact, url: str, *, days_ago: int, is_new: bool = False
) -> Visit:
    return steps.open_link(
        "phone",
        contact,
        f"https://shop.example/{url}",
        occurred_at=steps.settled_now() - days_ago * DAY,
        pixel_is_new=is_new,
    )


@pytest.fixture
def auto(account: Account) -> None:
    account.merge_mode = MergeMode.AUTO
    account.save(update_fields=["merge_mode"])


# The opens of A's links in the phone: link, days ago, and whether the cookie was new.
HISTORIES = {
    "first": ([("1", 3, True), ("1", 0, False), ("2", 0, False)], 0),
    "middle, of the second link": (
        [("1", 3, True), ("2", 2, False), ("1", 0, False)],
        1,
    ),
    "last": ([("1", 3, True), ("2", 3, False), ("1", 0, False)], 2),
    "returning": ([("1", 3, True), ("2", 2, False), ("2", 0, True)], 1),
}


@pytest.mark.usefixtures("auto")
@pytest.mark.parametrize(("opens", "withdrawn"), HISTORIES.values(), ids=HISTORIES)
def test_withdrawn_open_undoes_the_merge_for_which_it_was_needed(
    admin: User, a: Contact, opens: Sequence[tuple[str, int, bool]], withdrawn: int
) -> None:
    visits = [open_at(a, url, days_ago=n, is_new=new) for url, n, new in opens]
    chat, _ = steps.start_chat("phone", admin)
    assert steps.root(chat.contact) == a

    withdraw(visits[withdrawn])

    assert steps.root(chat.contact) == chat.contact
    assert Merge.objects.get().state == "undone"
    assert MergeSuggestion.objects.get(state="open").rule == "R9"


@pytest.mark.usefixtures("auto")
def test_withdrawn_open_before_the_last_links_undoes_the_merge(
    admin: User, a: Contact
) -> None:
    first = open_at(a, "first", days_ago=3, is_new=True)
    for number in range(12):
        open_at(a, str(number), days_ago=0)
    chat, _ = steps.start_chat("phone", admin)
    assert steps.root(chat.contact) == a

    withdraw(first)

    assert steps.root(chat.contact) == chat.contact


@pytest.mark.usefixtures("auto")
def test_withdrawn_gesture_undoes_the_merge(admin: User, a: Contact) -> None:
    visit = open_at(a, "1", days_ago=3, is_new=True)
    open_at(a, "1", days_ago=2, is_new=True)
    steps.redeem("phone", a)
    Redemption.objects.update(gesture_at=timezone.now(), due_at=timezone.now())
    redeemed = Visit.objects.exclude(pk=visit.pk).get()
    steps.process()
    open_at(a, "2", days_ago=0, is_new=True)
    chat, _ = steps.start_chat("phone", admin)
    assert steps.root(chat.contact) == a

    withdraw(redeemed)

    assert steps.root(chat.contact) == chat.contact


@pytest.mark.usefixtures("auto")
def test_withdrawn_open_that_was_not_needed_leaves_the_chat_where_it_is(
    admin: User, a: Contact
) -> None:
    open_at(a, "1", days_ago=3)
    unneeded = open_at(a, "1", days_ago=2)
    open_at(a, "2", days_ago=0)
    chat, _ = steps.start_chat("phone", admin)

    withdraw(unneeded)

    assert steps.root(chat.contact) == a
    assert Merge.objects.filter(state="applied").count() == 1


@pytest.mark.usefixtures("auto")
def test_withdrawn_open_after_the_merge_changes_nothing(
    admin: User, a: Contact
) -> None:
    steps.open_for_days("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    merged = Merge.objects.get()
    later = steps.open_link("phone", a, occurred_at=timezone.now())

    withdraw(later)

    assert steps.root(chat.contact) == a
    assert Merge.objects.get() == merged


@pytest.mark.usefixtures("auto")
def test_withdrawn_open_in_another_browser_changes_nothing(
    admin: User, a: Contact
) -> None:
    other = steps.open_link("laptop", a, pixel_is_new=True)
    steps.open_for_days("phone", a)
    steps.start_chat("phone", admin)

    withdraw(other)

    assert Merge.objects.get().state == "applied"


@pytest.mark.usefixtures("auto")
def test_withdrawn_click_of_the_short_host_undoes_a_merge_at_the_page(
    admin: User, a: Contact
) -> None:
    """The page has an identity of its own, and the clicks another cookie."""
    first = open_at(a, "1", days_ago=3)
    steps.open_link("page", a, "https://shop.example/page")
    open_at(a, "1", days_ago=0)
    steps.redeem("phone", a, page="page")
    chat, _ = steps.start_chat("page", admin)
    assert steps.root(chat.contact) == a

    withdraw(first)

    assert steps.root(chat.contact) == chat.contact


@pytest.mark.parametrize("withdrawn", [0, 1], ids=["first", "last"])
def test_withdrawn_open_closes_a_suggestion_until_it_is_decided_again(
    admin: User, a: Contact, withdrawn: int
) -> None:
    visits = [open_at(a, "1", days_ago=3), open_at(a, "1", days_ago=0)]
    chat, _ = steps.start_chat("phone", admin)

    withdraw(visits[withdrawn])

    states = MergeSuggestion.objects.filter(other=chat.contact).order_by("pk")
    assert list(states.values_list("state", flat=True)) == ["closed", "open"]


@pytest.mark.usefixtures("auto")
def test_withdrawn_click_that_connected_the_page_undoes_merges_of_other_people(
    admin: User, a: Contact, x: Contact
) -> None:
    """X's click connected the page with the cookie of A's opens."""
    steps.open_for_days("phone", a)
    steps.open_link("page", x)
    click = steps.open_link("phone", x, "https://shop.example/x")
    steps.redeem("phone", x, page="page")
    chat, _ = steps.start_chat("page", admin)
    assert steps.root(chat.contact) == a

    withdraw(click)

    assert steps.root(chat.contact) == chat.contact


@pytest.mark.usefixtures("auto")
def test_withdrawn_open_undoes_all_merges_up_to_a_bound(
    admin: User, a: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdrawals, "MAX_ROWS", 2)
    first = open_at(a, "1", days_ago=3)
    open_at(a, "1", days_ago=0)
    open_at(a, "2", days_ago=0)
    for _ in range(3):
        steps.start_chat("phone", admin)

    withdraw(first)

    states = Merge.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["applied", "undone", "undone"]


@pytest.mark.usefixtures("auto")
def test_withdrawn_first_open_keeps_merges_in_a_confirmed_browser(
    admin: User, a: Contact
) -> None:
    first = open_at(a, "1", days_ago=3)
    open_at(a, "1", days_ago=0)
    open_at(a, "2", days_ago=0)
    steps.start_chat("phone", admin)
    PixelAttachment.objects.update(review=AttachmentReview.CONFIRMED)

    withdraw(first)

    assert Merge.objects.get().state == "applied"
