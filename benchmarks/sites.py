"""A database with its share of Valkey, and the rows that are written to it in sets."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from django.conf import settings

from benchmarks.comparisons import Void

Connection = psycopg.Connection

# The same as the redirects make it: its time in front, the rest random.
VISIT_ID = """
(lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0') || '7'
 || substr(md5({salt}::text), 1, 3) || '8' || substr(md5({salt}::text), 4, 15))::uuid
"""
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
# Each from a source of its own, with a pixel that nobody has seen, to a random link.
DUE = f"""
INSERT INTO shortlinks_visit
  (id, link_id, occurred_at, method, user_agent, accept_language, referer, sec_fetch,
   purpose, address, visitor_hash, pixel_sha256, pixel_is_new, due_at)
SELECT {VISIT_ID.format(at="now()", salt="random()")},
       h.ids[1 + floor(random() * cardinality(h.ids))::int], now(), 'GET',
       %(agent)s, 'ru', '', 'none navigate document ?1', '', '192.0.2.0',
       uuid_send(gen_random_uuid()), sha256(uuid_send(gen_random_uuid())), true, now()
FROM generate_series(1, %(count)s),
     (SELECT array_agg(id) AS ids
      FROM (SELECT id FROM shortlinks_shortlink ORDER BY id LIMIT %(links)s) AS f) AS h
"""  # noqa: S608  put together from constants
COUNT_DUE = "SELECT count(*) FROM shortlinks_visit WHERE due_at <= now()"
IS_DUE = "SELECT EXISTS (SELECT FROM shortlinks_visit WHERE due_at IS NOT NULL)"
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Site:
    database_url: str
    redis_prefix: str

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_KEY_PREFIX": self.redis_prefix,
        }

    @contextlib.contextmanager
    def connected(self) -> Iterator[Connection]:
        """Every statement is a transaction of its own."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            yield connection


def default() -> Site:
    return Site(os.environ["DATABASE_URL"], settings.REDIS_KEY_PREFIX)


def copy_of(site: Site, name: str) -> Site:
    """A new database with the same rows; nobody may be connected to the old one."""
    parts = urlsplit(site.database_url)
    url = parts._replace(path="/postgres").geturl()
    with psycopg.connect(url, autocommit=True) as connection:
        old = parts.path.lstrip("/")
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{old}"')
    return Site(parts._replace(path=f"/{name}").geturl(), f"{name}:")


def make_due(connection: Connection, count: int, *, links: int) -> None:
    """People's visits to the first of the links, to be followed up now."""
    asked = {"count": count, "links": links, "agent": AGENT}
    connection.execute(DUE, asked)


def drained(connection: Connection, *, within: float) -> float:
    """Waits until nothing is due; the seconds it took."""
    began = time.monotonic()
    while scalar(connection, IS_DUE):
        if time.monotonic() - began > within:
            raise Void(f"visits are still due after {within:.0f} s")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def follow_up_rate(connection: Connection, count: int, *, within: float) -> float:
    """Visits a second while somebody follows these up, from his first batch on."""
    deadline = time.monotonic() + within
    while (left := int(scalar(connection, COUNT_DUE))) >= count:
        if time.monotonic() > deadline:
            raise Void(f"nobody followed up within {within:.0f} s")
        time.sleep(POLL_SECONDS)
    began = time.monotonic()
    drained(connection, within=within)
    return left / (time.monotonic() - began)


def scalar(connection: Connection, query: str) -> float:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else 0
