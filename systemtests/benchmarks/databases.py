"""A connection to the benchmark's database, and visits inserted in bulk."""

import contextlib
import os
import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg

from systemtests.polling import wait_for

Connection = psycopg.Connection

USER_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
# Each has its own visitor hash and a new pixel, and opens a random link. The id is a
# UUIDv7, as the redirects create it: the time in front, the rest random.
INSERT_DUE = """
INSERT INTO shortlinks_visit
  (id, link_id, occurred_at, method, user_agent, accept_language, referer, sec_fetch,
   purpose, address, visitor_hash, pixel_sha256, pixel_is_new, due_at)
SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(random()::text), 1, 3) || '8'
        || substr(md5(random()::text), 4, 15))::uuid,
       h.ids[1 + floor(random() * cardinality(h.ids))::int], now(), 'GET',
       %(agent)s, 'ru', '', 'none navigate document ?1', '', '192.0.2.0',
       uuid_send(gen_random_uuid()), sha256(uuid_send(gen_random_uuid())), true,
       now() + %(delay)s
FROM generate_series(1, %(count)s),
     (SELECT array_agg(id) AS ids
      FROM (SELECT id FROM shortlinks_shortlink ORDER BY id LIMIT %(links)s) AS f) AS h
"""
COUNT_DUE = "SELECT count(*) FROM shortlinks_visit WHERE due_at <= now()"
IS_DUE = "SELECT EXISTS (SELECT FROM shortlinks_visit WHERE due_at IS NOT NULL)"
POLL_SECONDS = 0.02


@contextlib.contextmanager
def connect() -> Iterator[Connection]:
    """Open a connection on which every statement is a transaction."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        yield connection


def insert_due(
    connection: Connection, count: int, *, links: int, delay: timedelta = timedelta()
) -> None:
    """Insert people's visits to the first links, to be processed after this time."""
    values = {"count": count, "links": links, "agent": USER_AGENT, "delay": delay}
    connection.execute(INSERT_DUE, values)


def wait_until_processed(connection: Connection, *, seconds: float) -> float:
    """Return after how many seconds no visit was due."""
    return wait_for(
        lambda: not scalar(connection, IS_DUE),
        "all visits are processed",
        seconds=seconds,
        pause=POLL_SECONDS,
    )


def processing_rate(connection: Connection, count: int, *, seconds: float) -> float:
    """Return the visits processed a second, from the first batch until none is due."""
    wait_for(
        lambda: scalar(connection, COUNT_DUE) < count,
        "the first batch is processed",
        seconds=seconds,
        pause=POLL_SECONDS,
    )
    began = time.monotonic()
    left = scalar(connection, COUNT_DUE)
    wait_until_processed(connection, seconds=seconds)
    return left / (time.monotonic() - began)


def scalar(connection: Connection, query: str) -> float:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else 0
