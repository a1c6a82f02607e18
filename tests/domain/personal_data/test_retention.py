"""Each account's rows are deleted after its own period."""

import copy
import math
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection
from django.db.models import Func, Model, Value
from django.utils import timezone
from pytest_django import Settings

from shortlinks import tasks
from shortlinks.domain import retention_periods
from shortlinks.domain.personal_data import retention
from shortlinks.domain.personal_data.retention import RetainedRows
from shortlinks.domain.visits import partitions
from shortlinks.domain.visits import retention as visit_retention
from shortlinks.models import (
    Account,
    AccountDailyVisits,
    Chat,
    Evidence,
    Note,
    Pixel,
    PixelAttachment,
    SecurityEvent,
    SecurityEventKind,
    WebhookDelivery,
)
from shortlinks.models.retention import FIELDS
from tests import factories


def note(account: Account, at: datetime) -> Note:
    return factories.note(factories.contact(account), created_at=at)


def chat(account: Account, at: datetime) -> Chat:
    return Chat.objects.create(
        account=account,
        contact=factories.contact(account),
        source="site",
        external_id=uuid.uuid4().hex,
        updated_at=at,
    )


def browser(account: Account, at: datetime) -> Pixel:
    text = uuid.uuid4().hex
    return Pixel.objects.create(
        account=account,
        cookie_sha256=factories.cookie_sha256(text),
        visitor_uid=text[:26],
        last_seen_at=at,
    )


def delivery(account: Account, at: datetime) -> WebhookDelivery:
    destination = f"https://shop.example/{uuid.uuid4().hex}"
    webhook, _ = factories.webhook(account, destination)
    return WebhookDelivery.objects.create(
        webhook=webhook,
        event="note_link_followed",
        event_id=uuid.uuid4(),
        subject_id=1,
        payload_data={},
        due_at=at,
        created_at=at,
    )


def security_event(account: Account, at: datetime) -> SecurityEvent:
    return SecurityEvent.objects.create(
        account=account, kind=SecurityEventKind.EXPORT, hour=at
    )


def log_entry(account: Account, at: datetime) -> LogEntry:
    entry = LogEntry.objects.create(
        user=factories.user(account),
        content_type=ContentType.objects.get_for_model(Account),
        object_id=str(account.pk),
        object_repr="x",
        action_flag=2,
    )
    LogEntry.objects.filter(pk=entry.pk).update(action_time=at)
    return entry


CREATE: dict[str, tuple[str, Callable[[Account, datetime], Model]]] = {
    "note": ("notes_days", note),
    "chat": ("chats_days", chat),
    "pixel": ("browsers_days", browser),
    "webhookdelivery": ("deliveries_days", delivery),
    "securityevent": ("log_days", security_event),
    "logentry": ("log_days", log_entry),
}


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def test_each_table_of_the_policy_has_a_row_here() -> None:
    names = {str(kind.model._meta.model_name) for kind in retention.ROWS}

    assert names == set(CREATE)
    assert {kind.field for kind in retention.ROWS} == set(FIELDS) - {
        *("visits_days", "visit_details_days")
    }


@pytest.mark.parametrize("name", CREATE)
def test_rows_go_after_the_period_of_their_account(account: Account, name: str) -> None:
    field, create = CREATE[name]
    Account.objects.filter(pk=account.pk).update(**{field: 90})
    longer = factories.account(**{field: 730})
    old, young = create(account, days_ago(91)), create(account, days_ago(89))
    kept, gone = create(longer, days_ago(729)), create(longer, days_ago(731))

    counts = retention.run(math.inf)

    assert counts[name] == 2
    assert _exist(old, young, kept, gone) == [False, True, True, False]


@pytest.mark.parametrize("name", CREATE)
def test_rows_of_other_accounts_have_the_default_period(
    account: Account, name: str
) -> None:
    field, create = CREATE[name]
    factories.account(**{field: 90})
    default = retention_periods.default_days(field)
    rows = [create(account, days_ago(days)) for days in ((default or 90) - 1, 9000)]

    retention.run(math.inf)

    assert _exist(*rows) == [True, default is None]


def test_events_without_an_account_have_the_default_period(db: None) -> None:
    for days in (364, 366):
        SecurityEvent.objects.create(kind="sign_in_failed", hour=days_ago(days))

    retention.run(math.inf)

    assert SecurityEvent.objects.count() == 1


def test_browser_of_a_contact_stays(account: Account) -> None:
    Account.objects.update(browsers_days=7)
    pixel = browser(account, days_ago(100))
    PixelAttachment.objects.create(
        pixel=pixel,
        contact=factories.contact(account),
        evidence=Evidence.CLICK,
        first_seen_at=pixel.last_seen_at,
        last_seen_at=pixel.last_seen_at,
    )

    retention.run(math.inf)

    assert _exist(pixel) == [True]


@pytest.fixture
def three_batches(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create five old notes, two of which fit into a batch."""
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    Account.objects.update(notes_days=7)
    for _ in range(5):
        note(account, days_ago(8))


def test_more_rows_than_a_batch_go(three_batches: None) -> None:
    assert retention.run(math.inf)["note"] == 5
    assert not Note.objects.exists()


def test_run_ends_at_its_deadline_and_the_next_one_continues(
    three_batches: None,
) -> None:
    assert retention.run(0)["note"] == 2
    tasks.apply_retention()
    assert not Note.objects.exists()


def test_dry_run_shows_the_counts_and_changes_nothing(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    Account.objects.update(**dict.fromkeys(FIELDS, 90))
    for _, create in CREATE.values():
        create(account, days_ago(91))

    call_command("apply_retention", dry_run=True)

    lines = capsys.readouterr().out.splitlines()
    assert lines == ["visit: 0", "visit details: 0", *(f"{name}: 1" for name in CREATE)]
    assert Note.objects.exists()
    call_command("apply_retention")
    assert not Note.objects.exists()


@pytest.mark.parametrize("field", FIELDS)
def test_period_is_one_of_the_choices(account: Account, field: str) -> None:
    with pytest.raises(IntegrityError):
        Account.objects.update(**{field: 8})


def test_outlook_counts_what_goes_within_a_week(
    account: Account, settings: Settings
) -> None:
    settings.VISIT_DETAILS_RETENTION_DAYS = 90
    account.notes_days = 30
    account.save()
    for days in (31, 25, 22):
        note(account, days_ago(days))
    partitions.create_partitions(days_ago(200).date())
    for days, visits in ((80, 1000), (86, 100), (88, 10), (91, 1)):
        day = days_ago(days).date()
        AccountDailyVisits.objects.create(
            account=account, day=day, verdict="person", visits=visits
        )
    other = factories.account(notes_days=30)
    note(other, days_ago(31))

    shown = {each.field: (each.days, each.count) for each in retention.outlook(account)}

    assert shown["visit_details_days"] == (90, 110)  # older ones have no details
    assert shown["visits_days"] == (None, 0)
    assert shown["notes_days"] == (30, 2)
    assert shown["chats_days"] == (None, 0)
    assert shown["deliveries_days"] == (30, 0)
    assert set(shown) == set(FIELDS)


def test_shorter_period_counts_all_that_is_left(account: Account) -> None:
    partitions.create_partitions(days_ago(200).date())
    for days in (50, 100, 150):
        AccountDailyVisits.objects.create(
            account=account, day=days_ago(days).date(), verdict="person", visits=days
        )
    after = copy.copy(account)
    after.visits_days, after.notes_days = 90, 730

    found = {each.field: each.count for each in retention.shortened(account, after)}

    assert found["notes_days"] == 0
    assert found["visits_days"] in (150, 250)  # by months
    assert retention.shortened(after, account) == []


def test_error_of_one_table_stops_no_other(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Iterator[int]:
        yield 0
        raise DatabaseError

    monkeypatch.setattr(visit_retention, "delete_visits", fail)
    Account.objects.update(notes_days=90)
    note(account, days_ago(91))

    assert retention.run(math.inf)["note"] == 1


def _exist(*rows: Any) -> list[bool]:
    return [type(row)._default_manager.filter(pk=row.pk).exists() for row in rows]


def test_count_that_takes_too_long_is_unknown(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of(kind: RetainedRows, account: Account, until: datetime) -> Any:
        return Note.objects.alias(slept=Func(Value(2.0), function="pg_sleep")).filter(
            slept__isnull=False
        )

    note(account, days_ago(1))
    monkeypatch.setattr(retention, "PREVIEW_MILLISECONDS", 50)
    monkeypatch.setattr(RetainedRows, "of", of)

    shown = {each.field: each.count for each in retention.outlook(account)}

    assert shown["deliveries_days"] is None
    assert shown["notes_days"] == 0  # kept forever, so not counted
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() != ("50ms",)
