"""Following up: each visit once, and no bad row stops the others (DESIGN 4, 5)."""

import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from shortlinks.domain.pixels import attachments
from shortlinks.domain.postgres import queries
from shortlinks.domain.visits import effects, processing
from shortlinks.models import (
    Account,
    DailyVisits,
    Note,
    PixelAttachment,
    ShortLink,
    Visit,
)
from tests import factories
from tests.factories import CHROME, at, cookie_sha256


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


def test_a_persons_open_writes_a_note_attaches_the_pixel_and_counts(
    account: Account, link: ShortLink
) -> None:
    visit = factories.visit(
        link,
        occurred_at=at("12:00"),
        pixel_sha256=cookie_sha256("a"),
        pixel_is_new=True,
    )

    assert processing.process_due().claimed == 1

    note = Note.objects.get()
    assert (note.url, note.contact, note.opens) == (link.url, link.contact, 1)
    assert note.created_at == at("12:00")
    attachment = PixelAttachment.objects.get()
    assert attachment.contact == link.contact
    assert attachment.pixel.visitor_uid == attachments.visitor_uid(
        account.id, cookie_sha256("a")
    )
    assert DailyVisits.objects.values_list("day", "verdict", "visits").get() == (
        at("12:00").date(),
        "person",
        1,
    )
    visit.refresh_from_db()
    assert (visit.verdict, visit.due_at) == ("person", None)
    assert visit.processed_at is not None


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"method": "HEAD"}, id="head"),
        pytest.param({"purpose": "sec-purpose=prefetch"}, id="prefetch"),
        pytest.param({"user_agent": "TelegramBot (like TwitterBot)"}, id="preview"),
        pytest.param({"user_agent": ""}, id="no agent"),
    ],
)
def test_what_is_no_persons_is_counted_apart_and_leaves_nothing(
    link: ShortLink, facts: dict[str, str]
) -> None:
    factories.visit(link, pixel_sha256=cookie_sha256("a"), **facts)

    processing.process_due()

    assert not Note.objects.exists()
    assert not PixelAttachment.objects.exists()
    assert DailyVisits.objects.get().verdict != "person"


def test_following_up_again_changes_nothing(link: ShortLink) -> None:
    factories.visit(link)
    processing.process_due()

    assert processing.process_due().claimed == 0
    assert Note.objects.get().opens == 1


def test_opens_of_one_window_raise_the_notes_count(link: ShortLink) -> None:
    for time in ("12:09", "12:00"):
        factories.visit(link, occurred_at=at(time))
        processing.process_due()

    note = Note.objects.get()
    assert (note.opens, note.created_at) == (2, at("12:00"))


def test_the_window_is_the_accounts(db: None) -> None:
    account = factories.account(note_window=60)
    link = factories.link(factories.contact(account))
    for time in ("12:00", "12:02"):
        factories.visit(link, occurred_at=at(time))

    processing.process_due()

    assert Note.objects.count() == 2


def test_days_are_the_accounts(link: ShortLink) -> None:
    factories.visit(link, occurred_at=at("22:30"))  # 01:30 in Moscow

    processing.process_due()

    assert DailyVisits.objects.get().day == at("22:30").date() + timedelta(days=1)


def test_a_browser_that_opens_links_of_two_contacts_is_attached_to_both(
    account: Account, link: ShortLink
) -> None:
    other = factories.link(factories.contact(account))
    for opened in (link, other, link):
        factories.visit(opened, pixel_sha256=cookie_sha256("a"))

    processing.process_due()

    assert set(PixelAttachment.objects.values_list("contact", flat=True)) == {
        link.contact_id,
        other.contact_id,
    }
    assert PixelAttachment.objects.values("pixel").distinct().count() == 1


def test_two_accounts_know_a_browser_by_two_ids(link: ShortLink) -> None:
    stranger = factories.link(factories.contact(factories.account()))
    for opened in (link, stranger):
        factories.visit(opened, pixel_sha256=cookie_sha256("a"))

    processing.process_due()

    uids = PixelAttachment.objects.values_list("pixel__visitor_uid", flat=True)
    assert len(set(uids)) == 2


def test_a_visit_that_is_not_due_waits(link: ShortLink) -> None:
    factories.visit(link, due_at=timezone.now() + timedelta(seconds=5))

    assert processing.process_due().claimed == 0


def test_a_visit_whose_link_is_gone_is_done_without_a_note(link: ShortLink) -> None:
    factories.visit(link.id + 1000)

    processing.process_due()

    assert not Note.objects.exists()
    assert Visit.objects.get().due_at is None


def test_queries_do_not_depend_on_the_size_of_the_batch(
    link: ShortLink, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(50):
        factories.visit(link, pixel_sha256=cookie_sha256(str(number)))

    # savepoint, claim, facts, around, links, done, near notes, insert, redeemed, 2 ×
    # pixels, merges to look at, count, revision, end; failed; savepoint, revision,
    # company, delete, end; 2 more
    with django_assert_num_queries(24):
        processing.process_due()


@pytest.fixture
def poisoned(link: ShortLink) -> Visit:
    """A row that no program can read: its time lies beyond Python's years."""
    visit = factories.visit(link)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE shortlinks_visit SET occurred_at = '20000-01-01' WHERE id = %s",
            [visit.id],
        )
    return visit


def test_many_are_not_followed_up_one_by_one_for_a_poison_row(
    link: ShortLink, poisoned: Visit
) -> None:
    for _ in range(100):
        factories.visit(link)

    with CaptureQueriesContext(connection) as queries:
        processing.process_due()

    assert Note.objects.get().opens == 100
    claims = [q["sql"] for q in queries if "due_at <= now()" in q["sql"]]
    assert len(claims) <= 2 * 8 + 1  # halves of 101 visits, and the first batch


def test_what_failed_before_is_tried_alone(link: ShortLink, poisoned: Visit) -> None:
    processing.process_due()
    Visit.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    for _ in range(20):
        factories.visit(link)

    with CaptureQueriesContext(connection) as queries:
        processing.process_due()

    assert Note.objects.get().opens == 20
    assert state(poisoned)[0] == 2
    assert len([q for q in queries if "due_at <= now()" in q["sql"]]) == 3


def state(visit: Visit) -> Any:
    columns = ("attempts", "due_at", "dead_lettered_at", "last_error")
    return Visit.objects.values_list(*columns).get(pk=visit.pk)


def test_a_poison_row_is_put_off_and_the_rest_goes_on(
    link: ShortLink, poisoned: Visit
) -> None:
    factories.visit(link)

    processing.process_due()

    assert Note.objects.get().opens == 1
    attempts, due_at, dead_lettered_at, error = state(poisoned)
    assert (attempts, dead_lettered_at) == (1, None)
    assert timedelta(seconds=3) < due_at - timezone.now() < timedelta(seconds=7)
    assert "timestamp" in error


def try_often(visit: Visit, times: int) -> None:
    for _ in range(times):
        Visit.objects.filter(pk=visit.pk).update(
            due_at=timezone.now() - timedelta(minutes=1)
        )
        processing.process_due()


def test_a_poison_row_waits_an_hour_at_most(poisoned: Visit) -> None:
    try_often(poisoned, 14)

    attempts, due_at, _, _ = state(poisoned)
    assert attempts == 14
    assert due_at - timezone.now() < timedelta(minutes=73)


def test_a_poison_row_is_set_aside_after_fifteen_attempts_and_requeued(
    poisoned: Visit,
) -> None:
    try_often(poisoned, 15)
    _, due_at, dead_lettered_at, _ = state(poisoned)
    assert due_at is None
    assert dead_lettered_at is not None

    assert processing.requeue([poisoned.pk]) == 1

    attempts, due_at, dead_lettered_at, _ = state(poisoned)
    assert (attempts, dead_lettered_at) == (0, None)
    assert due_at is not None


def test_a_visit_that_waits_for_a_lock_too_long_does_not_stop_the_rest(
    transactional_db: None,
) -> None:
    contact = factories.contact(factories.account())
    locked, free = (
        factories.link(contact),
        factories.link(contact, "https://b.example/"),
    )
    for link in (locked, free):
        factories.visit(link)
    with psycopg.connect(queries.conninfo()) as other, connection.cursor() as cursor:
        other.execute(
            "SELECT FROM shortlinks_shortlink WHERE id = %s FOR UPDATE", [locked.id]
        )
        cursor.execute("SET statement_timeout = 300")
        try:
            processing.process_due()
        finally:
            cursor.execute("SET statement_timeout = 0")

    assert Note.objects.get().link == free
    assert Visit.objects.get(link=locked).attempts == 1


def test_a_task_that_is_out_of_time_charges_no_row(
    link: ShortLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = factories.visit(link)

    class OutOfTime(Exception):
        """As Celery raises it in the midst of anything."""

    def interrupt(*_: object) -> None:
        raise OutOfTime

    monkeypatch.setattr(effects, "_count", interrupt)

    with pytest.raises(OutOfTime):
        processing.process_due()

    assert state(visit)[0] == 0
    assert not Note.objects.exists()


def test_workers_at_once_follow_each_visit_up_once(transactional_db: None) -> None:
    links = [factories.link(factories.contact(factories.account())) for _ in range(5)]
    for number in range(300):
        factories.visit(
            links[number % 5],
            user_agent=CHROME,
            pixel_sha256=cookie_sha256(str(number % 7)),
        )

    def work() -> None:
        while processing.process_due(limit=20).claimed:
            pass
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)

    assert not Visit.objects.filter(due_at__isnull=False).exists()
    assert list(Note.objects.values_list("opens", flat=True)) == [60] * 5
    assert sum(DailyVisits.objects.values_list("visits", flat=True)) == 300
    assert PixelAttachment.objects.count() == 35
