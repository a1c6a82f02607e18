"""Admin pages for visits."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shortlinks.domain.visits import processing
from shortlinks.models import Note, ShortLink, User, Visit
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _failed_visit(link: ShortLink) -> Visit:
    return factories.visit(
        link,
        due_at=None,
        dead_lettered_at=timezone.now(),
        attempts=15,
        last_error="Boom",
    )


def test_failed_visits_are_requeued(client: Client, own: World) -> None:
    failed = _failed_visit(own.link)
    chosen = [failed.pk, own.visit.pk]

    posted = {"action": "requeue", "_selected_action": chosen}
    response: Any = client.post(listing(Visit), posted, follow=True)

    failed.refresh_from_db()
    assert (failed.dead_lettered_at, failed.attempts) == (None, 0)
    assert failed.due_at is not None
    assert "Visits requeued: 1." in response.content.decode()


def test_failed_visits_without_a_link_are_discarded(
    sign_in: SignIn, operator: User, own: World
) -> None:
    failed, lost = _failed_visit(own.link), _failed_visit(own.link)
    Visit.objects.filter(pk=lost.pk).update(link_id=10**12)
    client = sign_in(operator)

    posted = {"action": "discard", "_selected_action": [failed.pk, lost.pk]}
    response: Any = client.post(listing(Visit), posted, follow=True)

    assert list(Visit.objects.dead_lettered()) == [failed]
    assert "Visits discarded: 1." in response.content.decode()


def test_visits_are_filtered_by_failure(client: Client, own: World) -> None:
    failed = _failed_visit(own.link)

    page: Any = client.get(listing(Visit), {"dead_lettered": "yes"})

    assert list(page.context["cl"].result_list) == [failed]


def test_visit_of_a_deleted_link_is_shown(sign_in: SignIn, operator: User) -> None:
    visit = factories.visit(10**12)
    client = sign_in(operator)

    pages = [client.get(listing(Visit)), client.get(address(visit, "change"))]

    assert [page.status_code for page in pages] == [200, 200]
    assert all("link deleted" in page.content.decode() for page in pages)


def test_visits_are_never_counted(client: Client, own: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get(listing(Visit))

    assert [q["sql"] for q in queries if "COUNT(" in q["sql"]] == []


def test_visits_cannot_be_changed(client: Client, own: World) -> None:
    statuses = [
        client.get(listing(Visit, "add")).status_code,
        client.post(address(own.visit, "change"), {"verdict": "bot"}).status_code,
        client.post(address(own.visit, "delete"), {"post": "yes"}).status_code,
    ]

    assert statuses == [403, 403, 403]


@pytest.mark.parametrize(
    ("action", "verdict", "notes"),
    [("count_as_bot", "bot", 0), ("count_as_person", "person", 1)],
)
def test_changed_verdict_updates_the_notes(
    client: Client, own: World, action: str, verdict: str, notes: int
) -> None:
    Visit.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    own.note.delete()
    processing.process_due()

    posted = {"action": action, "_selected_action": [own.visit.pk]}
    response: Any = client.post(listing(Visit), posted, follow=True)

    assert "Verdicts changed: 1." in response.content.decode()
    own.visit.refresh_from_db()
    assert (own.visit.verdict, own.visit.reason) == (verdict, processing.OVERRIDDEN)
    assert Note.objects.count() == notes
    assert LogEntry.objects.filter(object_id=own.visit.pk).count() == 1


def test_verdict_of_another_account_cannot_be_changed(
    client: Client, foreign: World
) -> None:
    posted = {"action": "count_as_bot", "_selected_action": [foreign.visit.pk]}

    client.post(listing(Visit), posted, follow=True)

    foreign.visit.refresh_from_db()
    assert foreign.visit.overridden_at is None


def test_visit_is_requeued_from_its_page(client: Client, own: World) -> None:
    failed = _failed_visit(own.link)
    assert (
        f"/{failed.pk}/retry/" in client.get(address(failed, "change")).content.decode()
    )

    client.post(f"{listing(Visit)}{failed.pk}/retry/")

    failed.refresh_from_db()
    assert failed.dead_lettered_at is None
    assert "/retry/" not in client.get(address(failed, "change")).content.decode()


def test_reasons_are_translated(client: Client, admin: User, own: World) -> None:
    reason = "part of a burst; returned as a person"
    Visit.objects.filter(pk=own.visit.pk).update(reason=reason)
    admin.language = "ru"
    admin.save()

    page = client.get(address(own.visit, "change")).content.decode()

    assert "Несколько ссылок открыто за считаные секунды." in page
    assert "Посетитель открыл ссылку ещё раз." in page
    assert "вероятно" in page


def test_page_of_a_visit_shows_the_known_network_and_its_source(
    client: Client, own: World
) -> None:
    Visit.objects.filter(pk=own.visit.pk).update(address="91.220.42.0")

    page = client.get(address(own.visit, "change")).content.decode()

    assert "91.220.42.0/24: Mimecast, certain (AS name in the routing table" in page
