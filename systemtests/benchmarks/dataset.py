"""The stores of a benchmark: one account with contacts that have a link each."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import connection

from shortlinks.domain.auth import tokens
from systemtests import InvalidRun, seed

LINKS = 10_000
EMPTY = (
    "TRUNCATE shortlinks_account, shortlinks_visit, shortlinks_dailyvisitsdelta,"
    " shortlinks_linklastopen RESTART IDENTITY CASCADE"
)


@dataclass(frozen=True, slots=True)
class Dataset:
    account_id: int
    token: str
    entity_ids: Sequence[int]
    codes: Sequence[str]


def migrate() -> None:
    """Create the tables; raise InvalidRun if the stores contain data."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        if client.dbsize():
            raise InvalidRun("REDIS_URL: this Redis contains data. Use an empty one.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('shortlinks_account')")
        if cursor.fetchone() != (None,):
            raise InvalidRun("DATABASE_URL: this database has tables. Use a new one.")
    seed.migrate()


def create(links: int = LINKS) -> Dataset:
    """Empty the stores and create links, each to its own URL."""
    print(f"  creating {links:,} contacts and links", flush=True)
    with connection.cursor() as cursor:
        cursor.execute(EMPTY)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(count=1000):
            client.unlink(key)
    user = seed.new_user()
    token = tokens.issue(user, name="benchmarks").text
    entity_ids = seed.new_contacts(user, links)
    codes = seed.new_links(user, entity_ids)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return Dataset(user.account_id or 0, token, entity_ids, codes)
