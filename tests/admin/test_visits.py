"""Visits are read, and requeued when they were set aside."""

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
from tests.admin.worlds import World, address, listing


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _set_aside(link: ShortLink) -> Visit:
    return factories.visit(
        link,
        due_at=None,
        dead_lettered_at=timezone.now(),
        attempts=15,
        last_error="Boom",
    )


def test_visits_that_were_set_aside_are_requeued(client: Client, own: World) -> None:
    aside = _set_aside(own.link)
    chosen = [aside.pk, own.visit.pk]

    posted = {"action": "requeue", "_selected_action": chosen}
    response: Any = client.post(listing(Visit), posted, follow=True)

    aside.refresh_from_db()
    assert (aside.dead_lettered_at, aside.attempts) == (None, 0)
    assert aside.due_at is not None
    assert "Visits requeued: 1." in response.content.decode()


def test_the_list_is_filtered_by_set_aside(client: Client, own: World) -> None:
    aside = _set_aside(own.link)

    page: Any = client.get(listing(Visit), {"dead_lettered": "yes"})

    assert list(page.context["cl"].result_list) == [aside]


def test_a_visit_whose_link_is_gone_is_listed_and_opened(
    sign_in: SignIn, operator: User
) -> None:
    visit = factories.visit(10**12)
    client = sign_in(operator)

    pages = [client.get(listing(Visit)), client.get(address(visit, "change"))]

    assert [page.status_code for page in pages] == [200, 200]
    assert all("the link is gone" in page.content.decode() for page in pages)


def test_the_table_is_never_counted(client: Client, own: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get(listing(Visit))

    assert [q["sql"] for q in queries if "COUNT(" in q["sql"]] == []


def test_visits_are_not_changed(client: Client, own: World) -> None:
    statuses = [
        client.get(listing(Visit, "add")).status_code,
        client.post(address(own.visit, "change"), {"verdict": "bot"}).status_code,
        client.post(address(own.visit, "delete"), {"post": "yes"}).status_code,
    ]

    assert statuses == [403, 403, 403]


@pytest.mark.parametrize(
    ("action", "verdict", "notes"),
    [("count_as_machine", "bot", 0), ("count_as_person", "person", 1)],
)
def test_an_administrator_overrules_and_notes_follow(
    client: Client, own: World, action: str, verdict: str, notes: int
) -> None:
    Visit.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    own.note.delete()
    processing.process_due()

    posted = {"action": action, "_selected_action": [own.visit.pk]}
    response: Any = client.post(listing(Visit), posted, follow=True)

    assert "Visits overruled: 1." in response.content.decode()
    own.visit.refresh_from_db()
    assert (own.visit.verdict, own.visit.reason) == (verdict, processing.OVERRIDDEN)
    assert Note.objects.count() == notes
    assert LogEntry.objects.filter(object_id=own.visit.pk).count() == 1


def test_nobody_overrules_elsewhere(client: Client, foreign: World) -> None:
    posted = {"action": "count_as_machine", "_selected_action": [foreign.visit.pk]}

    client.post(listing(Visit), posted, follow=True)

    foreign.visit.refresh_from_db()
    assert foreign.visit.overridden_at is None


def test_a_visit_is_requeued_from_its_own_page(client: Client, own: World) -> None:
    aside = _set_aside(own.link)
    assert (
        f"/{aside.pk}/retry/" in client.get(address(aside, "change")).content.decode()
    )

    client.post(f"{listing(Visit)}{aside.pk}/retry/")

    aside.refresh_from_db()
    assert aside.dead_lettered_at is None
    assert "/retry/" not in client.get(address(aside, "change")).content.decode()


def test_reasons_are_told_in_the_readers_language(
    client: Client, admin: User, own: World
) -> None:
    reason = "one of a burst of links; then a person"
    Visit.objects.filter(pk=own.visit.pk).update(reason=reason)
    admin.language = "ru"
    admin.save()

    page = client.get(address(own.visit, "change")).content.decode()

    assert "одна из многих ссылок, открытых разом; затем человек" in page
