"""A link of an anonymous contact shows nobody: without its chat, it is only suggested.

X is the contact of a chat in the laptop. A manager sent X a link, which was forwarded.
"""

import pytest

from shortlinks.domain.merging import suggestions
from shortlinks.domain.pixels import attachments
from shortlinks.models import (
    AttachmentReview,
    Contact,
    MergeSuggestion,
    PixelAttachment,
    User,
)
from tests.domain.merging import steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger(admin: User) -> Contact:
    """Return X, who chatted in a browser of their own."""
    chat, _ = steps.start_chat("laptop", admin)
    return chat.contact


def confirm(browser: str, contact: Contact) -> None:
    steps.open_link(browser, contact)
    attached = PixelAttachment.objects.filter(pk=steps.attachment(browser, contact).pk)
    attachments.review(attached, AttachmentReview.CONFIRMED)
    steps.process()


def suggested() -> list[tuple[set[int], str]]:
    rows = MergeSuggestion.objects.filter(state="open").order_by("pk")
    return [({row.one_id, row.other_id}, row.rule) for row in rows]


def test_open_of_a_strangers_link_is_suggested_in_a_confirmed_browser(
    a: Contact, stranger: Contact
) -> None:
    confirm("phone", a)

    steps.open_link("phone", stranger)

    assert steps.root(stranger) == stranger
    assert suggested() == [({a.pk, stranger.pk}, "R5")]


def test_open_of_a_strangers_link_is_suggested_in_an_established_browser(
    a: Contact, stranger: Contact
) -> None:
    steps.open_for_days("phone", a)

    steps.open_link("phone", stranger)

    assert steps.root(stranger) == stranger
    assert suggested() == [({a.pk, stranger.pk}, "R5")]


def test_stranger_is_suggested_when_the_browser_is_confirmed_later(
    a: Contact, stranger: Contact
) -> None:
    steps.open_link("phone", stranger)

    confirm("phone", a)

    assert steps.root(stranger) == stranger
    assert suggested() == [({a.pk, stranger.pk}, "R5")]


def test_accepted_suggestion_merges_no_stranger_whose_link_was_opened(
    admin: User, a: Contact, stranger: Contact
) -> None:
    steps.open_link("phone", stranger)
    steps.open_link("phone", a)
    chat, _ = steps.start_chat("phone", admin)
    steps.process()

    row = MergeSuggestion.objects.get(other=chat.contact)
    suggestions.accept(row, by=admin)
    steps.process()

    assert steps.root(chat.contact) == a
    assert steps.root(stranger) == stranger
    assert suggested() == [({a.pk, stranger.pk}, "R5")]


def test_chat_decides_if_it_took_place_in_the_browser_of_the_open(
    admin: User, a: Contact
) -> None:
    chat, _ = steps.start_chat("phone", admin)
    steps.open_link("phone", chat.contact)
    assert steps.root(chat.contact) == chat.contact

    confirm("phone", a)

    assert steps.root(chat.contact) == a


def test_chat_in_the_browser_is_suggested_by_the_rules_of_chats(
    admin: User, a: Contact
) -> None:
    steps.open_link("phone", a)
    chat, _ = steps.start_chat("phone", admin)

    steps.open_link("phone", chat.contact)

    assert suggested() == [({a.pk, chat.contact_id}, "R9")]
