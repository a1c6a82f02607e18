"""Ten thousand contacts with a link each, made as the service makes them."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import connection

from benchmarks.comparisons import Void
from benchmarks.servers import CHECKOUT
from shortlinks.domain.auth import tokens
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import NewContact
from shortlinks.domain.links import link_requests, short_links, urls
from shortlinks.domain.links.link_requests import LinkRequest
from shortlinks.models import Account, User

LINKS = 10_000
BATCH = 250
MIGRATE_SECONDS = 120
FIRST_ENTITY_ID = 1_000_000
EMPTY = (
    "TRUNCATE shortlinks_account, shortlinks_visit, shortlinks_dailyvisitsdelta,"
    " shortlinks_linklastopen RESTART IDENTITY CASCADE"
)


@dataclass(frozen=True, slots=True)
class Seeded:
    codes: Sequence[str]
    token: str
    account_id: int


def migrate() -> None:
    """The tables, in a database that has none: no other data is ever touched."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        if client.dbsize():
            raise Void("REDIS_URL names a Redis in use; benchmarks empty theirs")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('shortlinks_account')")
        if cursor.fetchone() != (None,):
            raise Void(
                "DATABASE_URL names a database in use; benchmarks want a new one"
            )
    command = (sys.executable, "manage.py", "migrate", "--verbosity", "0")
    if subprocess.run(command, cwd=CHECKOUT, timeout=MIGRATE_SECONDS).returncode:
        raise Void("manage.py migrate failed")


def fresh() -> Seeded:
    """New links, each to a page of its own, and nothing of earlier benchmarks."""
    print(f"  making {LINKS:,} contacts and links", flush=True)
    with connection.cursor() as cursor:
        cursor.execute(EMPTY)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
    account = Account.objects.create(name="Bench", subdomain="bench")
    user = User.objects.create_user(
        "bench@bench.example", account=account, is_admin=True
    )
    made = [code for batch in _batches() for code in _linked(batch, user)]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    token = tokens.issue(user, name="benchmarks").text
    return Seeded(made, token, account.pk)


def _batches() -> Iterator[list[NewContact]]:
    for start in range(0, LINKS, BATCH):
        yield [
            NewContact(FIRST_ENTITY_ID + n, f"Contact {n}", "", "", None)
            for n in range(start, min(start + BATCH, LINKS))
        ]


def _linked(new: Sequence[NewContact], user: User) -> list[str]:
    orders = [
        LinkRequest(
            urls.parse(_url(contact.entity_id), urls.policy()), contact.entity_id
        )
        for contact in contacts.create(new, user=user)
    ]
    return [
        link.code for link in short_links.create(link_requests.authorize(orders, user))
    ]


def _url(entity_id: int) -> str:
    return f"https://shop.example/sale/{entity_id}?utm_source=crm&utm_medium=message"
