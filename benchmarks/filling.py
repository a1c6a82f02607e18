"""Years of use, made by SQL in sets: what tables look like when they have grown."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.sites import AGENT, VISIT_ID, Connection

LINKS_OF_A_CONTACT = 10
VISITS_OF_A_PIXEL = 10
STEP = 1_000_000

CONTACTS = """
INSERT INTO shortlinks_contact
  (account_id, entity_id, name, first_name, last_name, is_deleted, created_at,
   updated_at)
SELECT (SELECT min(id) FROM shortlinks_account), 100000000 + n, 'Contact ' || n, '', '',
       false, now(), now()
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
"""
# The code ends in the number, without the digit that no code has.
LINKS = """
WITH known AS (
  SELECT min(id) AS account,
         (SELECT min(id) FROM shortlinks_contact WHERE entity_id >= 100000000) AS first
  FROM shortlinks_account)
INSERT INTO shortlinks_shortlink
  (account_id, contact_id, code, url, target, url_sha256, batch, created_at)
SELECT account, first + (n - 1) / %(each)s,
       translate(substr(md5(n::text), 1, 4) || lpad(n::text, 8, 'x'), '0', 'y'),
       url, url, sha256(url::bytea), gen_random_uuid(), now() - interval '100 days'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n, known,
     LATERAL (SELECT 'https://shop.example/old/' || n || '?utm_source=crm' AS url) AS u
"""
VISITS = f"""
INSERT INTO shortlinks_visit
  (id, link_id, occurred_at, method, user_agent, accept_language, referer, sec_fetch,
   purpose, address, visitor_hash, pixel_sha256, pixel_is_new, verdict, counted_day,
   processed_at)
SELECT {VISIT_ID.format(at="opened", salt="n")},
       %(link)s + (n - 1) %% %(links)s, opened, 'GET', %(agent)s, 'ru', '',
       'none navigate document ?1', '', '192.0.2.0',
       substr(sha256(n::text::bytea), 1, 16), sha256((n / %(each)s)::text::bytea),
       true, 'person', opened, opened
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n,
     LATERAL (SELECT now() - interval '90 days' * (1 - n::float8 / %(all)s)
                     - interval '1 hour' AS opened) AS t
"""  # noqa: S608  put together from constants
NOTES = """
INSERT INTO shortlinks_note
  (account_id, contact_id, note_type, text, link_id, url, opens, period, created_at,
   updated_at)
SELECT account_id, contact_id, 'link_followed', '', id, url, 2,
       tstzrange(opened, opened + interval '10 minutes'), opened, opened
FROM shortlinks_shortlink,
     LATERAL (SELECT now() - interval '90 days' * (1 - (id - %(link)s)::float8
                     / %(links)s) - interval '1 hour' AS opened) AS t
WHERE id BETWEEN %(link)s + %(first)s - 1 AND %(link)s + %(last)s - 1
"""
PIXELS = """
WITH made AS (
  INSERT INTO shortlinks_pixel
    (account_id, cookie_sha256, visitor_uid, created_at, last_seen_at)
  SELECT (SELECT min(id) FROM shortlinks_account), sha256(n::text::bytea),
         substr(md5(n::text), 1, 26), now(), now()
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n RETURNING id)
INSERT INTO shortlinks_pixelattachment
  (pixel_id, contact_id, evidence, first_seen_at, last_seen_at)
SELECT id, (SELECT min(id) FROM shortlinks_contact), 'click', now(), now() FROM made
"""
FIRST_FILLED = """
SELECT min(id) FROM shortlinks_shortlink WHERE url LIKE 'https://shop.example/old/%'
"""
# Those that no constraint needs are made again when the rows are there: far quicker.
PLAIN_INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY(%s::regclass[]) AND NOT c.relispartition
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
"""
EXCLUSIONS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE contype = 'x' AND conrelid = ANY(%s::regclass[])
"""
TABLES = [
    f"shortlinks_{name}"
    for name in ("shortlink", "visit", "note", "contact", "pixelattachment")
]
SETTINGS = """
SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET work_mem = '64MB'
"""


def links(connection: Connection, count: int) -> None:
    """Older links of other contacts, ten of each."""
    _in_steps(connection, CONTACTS, -(-count // LINKS_OF_A_CONTACT), {})
    _in_steps(connection, LINKS, count, {"each": LINKS_OF_A_CONTACT})


def codes(connection: Connection) -> Sequence[str]:
    rows = connection.execute("SELECT code FROM shortlinks_shortlink ORDER BY id")
    return [row[0] for row in rows]


def years(connection: Connection, *, links_: int, visits: int) -> None:
    """The last 90 days: each link opened, with its note, by some browsers."""
    connection.execute(SETTINGS)
    for months in (1, 2, 3):
        connection.execute(
            "SELECT shortlinks_add_visit_partition((now() - %s * interval '1 month')"
            "::date)",
            [months],
        )
    with _without_indexes(connection):
        links(connection, links_)
        row = connection.execute(FIRST_FILLED).fetchone()
        known = {"link": row[0] if row else 0, "links": links_, "all": visits}
        about = {"agent": AGENT, "each": VISITS_OF_A_PIXEL}
        _in_steps(connection, VISITS, visits, known | about)
        _in_steps(connection, NOTES, links_, known)
        _in_steps(connection, PIXELS, visits // VISITS_OF_A_PIXEL, {})
    _say("vacuuming")
    connection.execute("VACUUM (ANALYZE)")


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    indexes = connection.execute(PLAIN_INDEXES, [TABLES]).fetchall()
    exclusions = connection.execute(EXCLUSIONS, [TABLES]).fetchall()
    for table, name, _ in exclusions:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}".encode())
    yield
    for name, definition in indexes:
        _say(f"indexing {name}")
        # the definition is of the parent's alone; the partitions' are wanted
        connection.execute(definition.replace(" ON ONLY ", " ON ").encode())
    for table, name, definition in exclusions:
        _say(f"indexing {name}")
        statement = f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
        connection.execute(statement.encode())


def _in_steps(
    connection: Connection, query: str, count: int, known: dict[str, object]
) -> None:
    for first in range(1, count + 1, STEP):
        last = min(first + STEP - 1, count)
        connection.execute(query.encode(), known | {"first": first, "last": last})
        if count > STEP:
            _say(f"{query.split('INTO')[1].split()[0]}: {last:,} of {count:,}")


def _say(words: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {words}", flush=True)
