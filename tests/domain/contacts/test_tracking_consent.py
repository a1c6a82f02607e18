"""The history of consents: what may follow what, and what a record repeats."""

from datetime import UTC, datetime, timedelta

import pytest

from shortlinks.domain.contacts import tracking_consent
from shortlinks.domain.contacts.tracking_consent import ConsentAnswer
from shortlinks.models import Account, ConsentChannel, ConsentRecord, Contact, User
from tests import factories
from tests.domain.merging import steps

DAY = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after", "channel", "days", "is_allowed"),
    [
        ("unknown", "unknown", "api", None, True),
        ("unknown", "granted", "import", None, True),
        ("unknown", "denied", "api", None, True),
        ("granted", "unknown", "api", None, True),
        ("granted", "granted", "import", -9, True),
        ("granted", "denied", "api", -9, True),
        ("denied", "denied", "import", -9, True),
        ("denied", "unknown", "admin", 1, False),
        ("denied", "unknown", "import", None, False),
        ("denied", "granted", "api", None, True),
        ("denied", "granted", "admin", None, True),
        ("denied", "granted", "import", None, False),
        ("denied", "granted", "import", 1, True),
        ("denied", "granted", "import", 0, False),
        ("denied", "granted", "api", -1, False),
        ("denied", "granted", "api", 1, True),
    ],
)
def test_only_a_newer_consent_replaces_a_refusal(
    before: str, after: str, channel: str, days: int | None, *, is_allowed: bool
) -> None:
    given_at = None if days is None else DAY + timedelta(days=days)
    latest = ConsentRecord(consent=before, given_at=DAY)
    given = ConsentAnswer(after, ConsentChannel(channel), given_at=given_at)

    assert tracking_consent.may_follow(before, latest, given) == is_allowed


@pytest.mark.parametrize(
    ("answer", "is_known"),
    [
        (("granted", "form", "v1", DAY), True),
        (("granted", "", "", None), True),
        (("denied", "form", "v1", DAY), False),
        (("granted", "phone", "v1", DAY), False),
        (("granted", "form", "v2", DAY), False),
        (("granted", "form", "v1", DAY.replace(day=2)), False),
    ],
)
def test_answer_is_known_if_the_newest_record_says_the_same(
    answer: tuple[str, str, str, datetime | None], *, is_known: bool
) -> None:
    consent, source, text_version, given_at = answer
    latest = ConsentRecord(
        consent="granted", source="form", text_version="v1", given_at=DAY
    )
    given = ConsentAnswer(consent, ConsentChannel.API, source, text_version, given_at)

    assert tracking_consent.is_known(given, latest) == is_known


@pytest.mark.parametrize(
    ("answer", "is_known"),
    [(("unknown", ""), True), (("unknown", "form"), False), (("granted", ""), False)],
)
def test_contact_without_a_record_was_not_asked(
    answer: tuple[str, str], *, is_known: bool
) -> None:
    given = ConsentAnswer(answer[0], ConsentChannel.API, answer[1])

    assert tracking_consent.is_known(given, None) == is_known


def test_merge_and_its_undoing_are_in_the_history(
    account: Account, admin: User
) -> None:
    refusing = factories.contact(account)
    other = factories.contact(account)
    steps.edit(admin, refusing, consent="denied")

    merge = steps.merge(admin, other, refusing)
    steps.undo(admin, merge)

    assert _history(refusing) == [("denied", "api")]
    assert _history(other) == [("unknown", "undo"), ("denied", "merge")]


def test_answer_of_a_merged_person_is_in_the_history_once(
    account: Account, admin: User
) -> None:
    one, other = factories.contact(account), factories.contact(account)
    merge = steps.merge(admin, one, other)

    steps.edit(admin, one, consent="denied")

    assert _history(one) == [("denied", "api")]
    steps.undo(admin, merge)
    assert _history(other) == [("denied", "api")]
    other.refresh_from_db()
    assert other.tracking_consent == "denied"


def test_refusal_that_is_repeated_during_a_merge_survives_its_undoing(
    account: Account, admin: User
) -> None:
    refusing, other = factories.contact(account), factories.contact(account)
    steps.edit(admin, refusing, consent="denied")
    merge = steps.merge(admin, refusing, other)

    steps.edit(admin, other, consent="denied")
    steps.undo(admin, merge)

    other.refresh_from_db()
    assert other.tracking_consent == "denied"


def _history(contact: Contact) -> list[tuple[str, str]]:
    contact.refresh_from_db()
    records = tracking_consent.history(contact).order_by("-recorded_at", "-pk")
    return list(records.values_list("consent", "channel"))
