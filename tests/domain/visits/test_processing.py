"""Each due visit is processed once, and a failing row stops no others."""

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
    SuspectPolicy,
    Visit,
)
from tests import factories
from tests.factories import CHROME, at, cookie_sha256


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


def test_open_writes_note_attaches_pixel_and_is_counted(
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
        pytest.param({"sec_fetch": "", "accepts_html": False}, id="an image"),
        pytest.param({"is_mixed": True, "user_agent": ""}, id="mixed"),
    ],
)
def test_bot_visit_is_counted_separately_without_note_or_pixel(
    link: ShortLink, facts: dict[str, Any]
) -> None:
    factories.visit(link, pixel_sha256=cookie_sha256("a"), **facts)

    processing.process_due()

    assert not Note.objects.exists()
    assert not PixelAttachment.objects.exists()
    assert DailyVisits.objects.get().verdict != "person"


@pytest.mark.parametrize("policy", SuspectPolicy.values)
def test_mixed_visits_are_noted_by_no_policy(
    account: Account, link: ShortLink, policy: str
) -> None:
    account.suspect_policy = policy
    account.save()
    factories.visit(link, is_mixed=True, user_agent="", visit_count=400)

    processing.process_due()

    assert not Note.objects.exists()


def test_processing_again_changes_nothing(link: ShortLink) -> None:
    factories.visit(link)
    processing.process_due()

    assert processing.process_due().claimed == 0
    assert Note.objects.get().opens == 1


def test_opens_within_a_window_increase_the_count_of_one_note(link: ShortLink) -> None:
    for time in ("12:09", "12:00"):
        factories.visit(link, occurred_at=at(time))
        processing.process_due()

    note = Note.objects.get()
    assert (note.opens, note.created_at) == (2, at("12:00"))


def test_note_window_is_a_setting_of_the_account(db: None) -> None:
    account = factories.account(note_window=60)
    link = factories.link(factories.contact(account))
    for time in ("12:00", "12:02"):
        factories.visit(link, occurred_at=at(time))

    processing.process_due()

    assert Note.objects.count() == 2


def test_daily_visits_use_the_time_zone_of_the_account(link: ShortLink) -> None:
    factories.visit(link, occurred_at=at("22:30"))  # 01:30 in Moscow

    processing.process_due()

    assert DailyVisits.objects.get().day == at("22:30").date() + timedelta(days=1)


def test_browser_is_attached_to_all_contacts_whose_links_it_opens(
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


def test_visitor_uid_of_a_browser_differs_between_accounts(link: ShortLink) -> None:
    stranger = factories.link(factories.contact(factories.account()))
    for opened in (link, stranger):
        factories.visit(opened, pixel_sha256=cookie_sha256("a"))

    processing.process_due()

    uids = PixelAttachment.objects.values_list("pixel__visitor_uid", flat=True)
    assert len(set(uids)) == 2


def test_visit_is_not_claimed_before_it_is_due(link: ShortLink) -> None:
    factories.visit(link, due_at=timezone.now() + timedelta(seconds=5))

    assert processing.process_due().claimed == 0


def test_visit_of_a_lost_link_is_dead_lettered_and_stops_no_others(
    link: ShortLink,
) -> None:
    lost = factories.visit(link.id + 1000, pixel_sha256=cookie_sha256("a"))
    factories.visit(link)

    done = processing.process_due()

    assert (done.lost, done.dead_lettered, done.verdicts) == (1, 0, {"person": 1})
    assert list(Note.objects.values_list("link", "opens")) == [(link.id, 1)]
    assert not PixelAttachment.objects.exists()
    lost.refresh_from_db()
    assert (lost.due_at, lost.verdict) == (None, "")
    assert lost.last_error == f"link {link.id + 1000} does not exist"


def test_visit_of_a_restored_link_is_processed_when_it_is_requeued(
    link: ShortLink,
) -> None:
    visit = factories.visit(link)
    ShortLink.objects.filter(pk=link.pk).delete()
    processing.process_due()

    link.save(force_insert=True)
    processing.requeue([visit.pk])
    Visit.objects.update(due_at=visit.due_at)  # the test's transaction began earlier
    processing.process_due()

    assert list(Note.objects.values_list("link", "opens")) == [(link.id, 1)]


def test_number_of_queries_does_not_depend_on_the_batch_size(
    link: ShortLink, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(50):
        factories.visit(link, pixel_sha256=cookie_sha256(str(number)))

    # savepoint, claim, load, context, reevaluation batch, lock links, store verdicts,
    # notes, insert, redemptions, 2 × pixels, merge checks, count, release.
    # Then failed visits. Then savepoint, reevaluation batch, related, delete, release.
    # Then 3 for the next.
    with django_assert_num_queries(25):
        processing.process_due()


@pytest.fixture
def poisoned(link: ShortLink) -> Visit:
    """A row that Python cannot load, because of the year of its time."""
    visit = factories.visit(link)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE shortlinks_visit SET occurred_at = '20000-01-01' WHERE id = %s",
            [visit.id],
        )
    return visit


def test_batch_with_a_poison_row_is_bisected(link: ShortLink, poisoned: Visit) -> None:
    for _ in range(100):
        factories.visit(link)

    with CaptureQueriesContext(connection) as queries:
        processing.process_due()

    assert Note.objects.get().opens == 100
    assert claims(queries) <= 2 * 8 + 1  # halves of 101 visits, and the first batch


def claims(queries: CaptureQueriesContext) -> int:
    statements = [q["sql"] for q in queries if "SKIP LOCKED" in q["sql"]]
    return len([sql for sql in statements if "reevaluationbatch" not in sql])


def test_failed_visit_is_retried_alone(link: ShortLink, poisoned: Visit) -> None:
    processing.process_due()
    Visit.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    for _ in range(20):
        factories.visit(link)

    with CaptureQueriesContext(connection) as queries:
        processing.process_due()

    assert Note.objects.get().opens == 20
    assert state(poisoned)[0] == 2
    assert claims(queries) == 2  # of the new ones together, and of the failed one


def state(visit: Visit) -> Any:
    columns = ("attempts", "due_at", "dead_lettered_at", "last_error")
    return Visit.objects.values_list(*columns).get(pk=visit.pk)


def test_poison_row_is_retried_later_and_others_are_processed(
    link: ShortLink, poisoned: Visit
) -> None:
    factories.visit(link)

    processing.process_due()

    assert Note.objects.get().opens == 1
    attempts, due_at, dead_lettered_at, error = state(poisoned)
    assert (attempts, dead_lettered_at) == (1, None)
    assert timedelta(seconds=3) < due_at - timezone.now() < timedelta(seconds=7)
    assert "timestamp" in error


def process_repeatedly(visit: Visit, times: int) -> None:
    for _ in range(times):
        Visit.objects.filter(pk=visit.pk).update(
            due_at=timezone.now() - timedelta(minutes=1)
        )
        processing.process_due()


def test_poison_row_is_retried_within_about_an_hour(poisoned: Visit) -> None:
    process_repeatedly(poisoned, 14)

    attempts, due_at, _, _ = state(poisoned)
    assert attempts == 14
    assert due_at - timezone.now() < timedelta(minutes=73)


@pytest.mark.parametrize("days", [1, -1], ids=["ahead", "behind"])
def test_retry_time_does_not_depend_on_the_clock_of_the_worker(
    poisoned: Visit, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    now = timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: now + timedelta(days=days))
        processing.process_due()

    _, due_at, _, _ = state(poisoned)
    assert timedelta(seconds=3) < due_at - now < timedelta(seconds=20)


def test_poison_row_is_dead_lettered_after_fifteen_attempts_until_requeued(
    poisoned: Visit,
) -> None:
    process_repeatedly(poisoned, 15)
    _, due_at, dead_lettered_at, _ = state(poisoned)
    assert due_at is None
    assert dead_lettered_at is not None

    assert processing.requeue([poisoned.pk]) == 1

    attempts, due_at, dead_lettered_at, _ = state(poisoned)
    assert (attempts, dead_lettered_at) == (0, None)
    assert due_at is not None


def test_visit_of_a_locked_link_does_not_stop_others(
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


def test_task_time_limit_is_not_an_attempt_of_a_row(
    link: ShortLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = factories.visit(link)

    class OutOfTime(Exception):
        """An exception like that of Celery's time limit."""

    def interrupt(*_: object) -> None:
        raise OutOfTime

    monkeypatch.setattr(effects, "_count", interrupt)

    with pytest.raises(OutOfTime):
        processing.process_due()

    assert state(visit)[0] == 0
    assert not Note.objects.exists()


def test_concurrent_workers_process_each_visit_once(transactional_db: None) -> None:
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
