"""Consents in files of contacts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shortlinks.domain.imports import consent_columns, lifecycle
from shortlinks.domain.imports.consent_columns import (
    CONSENT_MISSING,
    FUTURE_TIME,
    REFUSAL_STAYS,
    TOO_LONG,
    UNKNOWN_CONSENT,
    UNKNOWN_TIME,
)
from shortlinks.models import Account, ConsentRecord, Contact, User
from tests import factories, importing
from tests.domain.merging import steps
from tests.importing import counts, errors, table

MOSCOW = timezone(timedelta(hours=3))
HEADER = [
    *("entity_id", "tracking_consent", "consent_source"),
    *("consent_text_version", "consent_given_at"),
]
SEPTEMBER = datetime(2026, 9, 1, tzinfo=MOSCOW)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-09-01", SEPTEMBER),
        ("01.09.2026", SEPTEMBER),
        ("2026-09-01 00:00:00", SEPTEMBER),
        ("01.09.2026 12:30", SEPTEMBER.replace(hour=12, minute=30)),
        ("2026-09-01T09:30:00Z", datetime(2026, 9, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_time_is_read_in_the_zone_of_the_account(text: str, time: datetime) -> None:
    cells = {"tracking_consent": "granted", "consent_given_at": text}

    answer, found = consent_columns.read(cells, MOSCOW)

    assert found == []
    assert answer is not None
    assert answer.given_at == time


@pytest.mark.parametrize(
    ("text", "consent"),
    [
        *(("granted", "granted"), ("Given", "granted"), ("получено", "granted")),
        *(("denied", "denied"), ("Отказ", "denied"), ("unknown", "unknown")),
    ],
)
def test_consent_is_read_in_both_languages(text: str, consent: str) -> None:
    answer, _ = consent_columns.read({"tracking_consent": text}, MOSCOW)

    assert answer is not None
    assert answer.consent == consent


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (["7", "maybe", "", "", ""], UNKNOWN_CONSENT),
        (["7", "", "form", "", ""], CONSENT_MISSING),
        (["7", "", "", "1", ""], CONSENT_MISSING),
        (["7", "", "", "", "2026-09-01"], CONSENT_MISSING),
        (["7", "granted", "", "", "soon"], UNKNOWN_TIME),
        (["7", "granted", "", "", "0001-01-01"], UNKNOWN_TIME),
        (["7", "granted", "", "", "2026-13-01"], UNKNOWN_TIME),
        (["7", "granted", "", "", "9999-12-31"], FUTURE_TIME),
        (["7", "granted", "x" * 251, "", ""], TOO_LONG),
        (["7", "granted", "", "x" * 101, ""], TOO_LONG),
        (["42", "unknown", "", "", ""], REFUSAL_STAYS),
        (["42", "granted", "", "", ""], REFUSAL_STAYS),
        (["7", "granted", "", "", "2026-W36"], UNKNOWN_TIME),
    ],
)
def test_row_has_its_error_and_changes_nothing(
    account: Account, admin: User, row: list[str], error: str
) -> None:
    factories.contact(account, entity_id=42, tracking_consent="denied")

    run = importing.checked(admin, table(HEADER, row))
    lifecycle.confirm(run, by=admin)
    importing.run_all()

    assert errors(run) == {2: [error]}
    assert Contact.objects.get().tracking_consent == "denied"
    assert not ConsentRecord.objects.exists()


def test_import_stores_consents_of_new_and_known_contacts(
    account: Account, admin: User
) -> None:
    factories.contact(account, entity_id=42, tracking_consent="denied")
    cells = ["granted", "form", "2026-09", "01.09.2026"]
    content = table(HEADER, ["42", *cells], ["43", *cells], ["44", "", "", "", ""])

    importing.imported(admin, content)

    consents = dict(Contact.objects.values_list("entity_id", "tracking_consent"))
    assert consents == {42: "granted", 43: "granted", 44: "unknown"}
    for record in ConsentRecord.objects.all():
        assert (record.source, record.text_version) == ("form", "2026-09")
        assert record.given_at == SEPTEMBER
        assert (record.channel, record.recorded_by) == ("import", admin)
    assert ConsentRecord.objects.count() == 2


def test_same_import_again_changes_nothing(account: Account, admin: User) -> None:
    row = ["42", "granted", "form", "2026-09", "01.09.2026"]
    importing.imported(admin, table(HEADER, row))

    run = importing.checked(admin, table(HEADER, row))

    assert counts(run) == (0, 0, 0)


@pytest.mark.parametrize("header", [["entity_id", "name"], HEADER[:2]])
def test_refusal_survives_an_import_that_says_nothing(
    account: Account, admin: User, header: list[str]
) -> None:
    factories.contact(account, entity_id=42, tracking_consent="denied")
    row = ["42", "Anna" if "name" in header else ""]

    importing.imported(admin, table(header, row))

    assert Contact.objects.get().tracking_consent == "denied"


def test_file_of_before_a_refusal_does_not_replace_it(
    account: Account, admin: User
) -> None:
    row = ["42", "granted", "form", "2026-09", "01.09.2026"]
    importing.imported(admin, table(HEADER, row))
    contact = Contact.objects.get()
    steps.edit(admin, contact, consent="denied")

    run = importing.checked(admin, table(HEADER, row))

    assert errors(run) == {2: [REFUSAL_STAYS]}
    contact.refresh_from_db()
    assert contact.tracking_consent == "denied"


def test_refusal_in_a_file_holds_for_a_merged_contact_after_the_undo(
    account: Account, admin: User
) -> None:
    refusing = factories.contact(account, entity_id=42, name="A")
    other = factories.contact(account, entity_id=43, name="B")
    steps.edit(admin, refusing, consent="denied")
    merge = steps.merge(admin, refusing, other)

    importing.imported(admin, table(HEADER, ["43", "denied", "", "", ""]))
    steps.undo(admin, merge)

    other.refresh_from_db()
    assert other.tracking_consent == "denied"
