"""An older state of the database is restored while the service runs (docs/adr/0039).

Redis, the spool and the processes' memory still know links that the database has lost.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import httpx
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

from shortlinks.domain.postgres import queries
from shortlinks.domain.visits import spool
from shortlinks.models import Contact, Note, ShortLink, Visit
from tests import factories, services
from tests.factories import BROWSER
from tests.services import Process

CONTACTS = 20
REFUSING = "postgres://user:password@127.0.0.1:1/shortlinks"
# Only a superuser may terminate autovacuum, which a copy ends itself.
TERMINATE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = %s AND backend_type = 'client backend'
"""
Restore = Callable[[], None]

_addresses = itertools.count(1)


def _server() -> psycopg.Connection:
    conninfo = make_conninfo(queries.conninfo(), dbname="postgres")
    return psycopg.connect(conninfo, autocommit=True)


def _copy(source: str, copy: str) -> None:
    """Replace a database by a copy of another one, and end all its sessions."""
    connection.close()
    names = {"source": sql.Identifier(source), "copy": sql.Identifier(copy)}
    with _server() as server:
        for name in (source, copy):
            refuse = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false")
            if server.execute(
                "SELECT FROM pg_database WHERE datname = %s", [name]
            ).rowcount:
                server.execute(refuse.format(sql.Identifier(name)))
                server.execute(TERMINATE, [name])
        try:
            for text in (
                "DROP DATABASE IF EXISTS {copy}",
                "CREATE DATABASE {copy} TEMPLATE {source}",
            ):
                server.execute(sql.SQL(text).format(**names))
        finally:  # all later tests need it
            allow = sql.SQL("ALTER DATABASE {source} ALLOW_CONNECTIONS true")
            server.execute(allow.format(**names))


@pytest.fixture
def copied(transactional_db: None) -> Iterator[Callable[[], Restore]]:
    """Copy the database, and return a function that restores it from the copy."""
    name = str(settings.DATABASES["default"]["NAME"])
    older = f"{name}_older"

    def copy() -> Restore:
        _copy(name, older)
        return lambda: _copy(older, name)

    yield copy
    with _server() as server:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        server.execute(drop.format(sql.Identifier(older)))


def order(web: httpx.Client, contacts: Sequence[Contact], url: str) -> list[str]:
    """Return the codes of new links, as soon as the database is available."""
    items = [
        {"url": url, "metadata": {"entity_type": "contacts", "entity_id": c.entity_id}}
        for c in contacts
    ]

    def created() -> httpx.Response | None:
        response = web.post("/api/v4/short_links", json=items)
        return response if response.status_code == 200 else None

    links = services.wait_for(created).json()["_embedded"]["short_links"]
    return [link["url"].rpartition("/")[2] for link in links]


def open_links(redirects: httpx.Client, codes: Sequence[str]) -> None:
    """Open each from another address, as people do."""
    redirects.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for code in codes:
        address = {"X-Forwarded-For": f"203.0.113.{next(_addresses) % 250}"}
        services.wait_for(partial(_is_opened, redirects, code, address))


def _is_opened(redirects: httpx.Client, code: str, address: dict[str, str]) -> bool:
    """Open the link. The copy and its restore cut connections, which gives a 503."""
    response = redirects.get(f"/{code}", headers=BROWSER | address)
    assert response.status_code in {302, 503}
    return response.status_code == 302


def wait_until_processed(*, visits: int) -> None:
    services.wait_for(lambda: Visit.objects.count() == visits)
    services.wait_for(lambda: not Visit.objects.filter(due_at__isnull=False).exists())


@dataclass(frozen=True, slots=True)
class Loss:
    """Links before and after the state that was restored."""

    opened: Sequence[Contact]
    unopened: Sequence[Contact]
    known: Sequence[str]
    lost: Sequence[str]
    lost_ids: frozenset[int]


@pytest.fixture
def loss(
    web: httpx.Client,
    redirects: httpx.Client,
    worker: Process,
    copied: Callable[[], Restore],
    tmp_path: Path,
) -> Loss:
    """Restore the database. It has lost links, whose opens are partly spooled."""
    account = factories.account()
    contacts = [factories.contact(account) for _ in range(2 * CONTACTS)]
    opened = contacts[:CONTACTS]
    web.headers["Authorization"] = f"Bearer {factories.token(factories.admin(account))}"
    known = order(web, opened, "https://shop.example/known")
    open_links(redirects, known)
    wait_until_processed(visits=CONTACTS)
    restore = copied()
    lost = order(web, opened, "https://shop.example/lost")
    rows = ShortLink.objects.filter(code__in=lost)
    lost_ids = frozenset(rows.values_list("id", flat=True))
    open_links(redirects, lost)
    # Visits that the redirects cannot store during the copy would come afterwards.
    wait_until_processed(visits=2 * CONTACTS)
    environment = {"DATABASE_URL": REFUSING, "TRUSTED_PROXIES": "127.0.0.0/8"}
    with services.redirects(tmp_path, **environment) as cut_off:
        open_links(cut_off, lost)
    restore()
    return Loss(opened, contacts[CONTACTS:], known, lost, lost_ids)


def test_opens_of_lost_links_write_no_notes_and_are_reported(
    loss: Loss,
    web: httpx.Client,
    redirects: httpx.Client,
    worker: Process,
    tmp_path: Path,
) -> None:
    for number in range(10):
        order(web, loss.unopened, f"https://shop.example/{number}")
    open_links(redirects, [*loss.known, *loss.lost])
    replayed = spool.replay(tmp_path / "spool").visits
    wait_until_processed(visits=4 * CONTACTS)

    assert replayed == CONTACTS
    known = zip(loss.known, loss.opened, strict=True)
    notes = Note.objects.values_list("link__code", "contact", "opens")
    assert set(notes) == {(code, contact.id, 2) for code, contact in known}
    reported = Visit.objects.dead_lettered()
    assert set(reported.values_list("link_id", flat=True)) == loss.lost_ids
    assert reported.count() == 2 * CONTACTS
    assert worker.has_logged("their links do not exist")
    health = web.get("/readyz").json()["checks"]["dead_lettered"]
    assert health == {"ok": False, "detail": f"{2 * CONTACTS} visits"}


def test_ids_of_lost_links_are_not_given_again(loss: Loss, web: httpx.Client) -> None:
    for number in range(10):
        order(web, loss.unopened, f"https://shop.example/{number}")

    ids = set(ShortLink.objects.values_list("id", flat=True))
    assert len(ids) == 11 * CONTACTS
    assert not loss.lost_ids & ids
    assert max(loss.lost_ids) < max(ids) < 2**53
