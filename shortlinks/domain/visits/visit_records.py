"""Rows of visits as redirects and the replay of the spool insert them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from shortlinks.domain.postgres import arrays

INSERT = """
INSERT INTO shortlinks_visit
  (id, link_id, occurred_at, method, user_agent, accept_language, referer, sec_fetch,
   purpose, address, visitor_hash, pixel_sha256, pixel_is_new, staff, visit_count,
   accepts_html, is_mixed, due_at)
SELECT id, link_id, to_timestamp(occurred_at), method, user_agent, accept_language,
       referer, sec_fetch, purpose, nullif(address, '')::inet,
       decode(visitor_hash, 'hex'),
       decode(nullif(pixel_sha256, ''), 'hex'), pixel_is_new, staff,
       visit_count, accepts_html, is_mixed, now() + %(delay)s * interval '1 s'
FROM unnest(%(id)s::uuid[], %(link_id)s::bigint[], %(occurred_at)s::float8[],
            %(method)s::text[], %(user_agent)s::text[], %(accept_language)s::text[],
            %(referer)s::text[], %(sec_fetch)s::text[], %(purpose)s::text[],
            %(address)s::text[], %(visitor_hash)s::text[], %(pixel_sha256)s::text[],
            %(pixel_is_new)s::bool[], %(staff)s::text[], %(visit_count)s::int[],
            %(accepts_html)s::bool[], %(is_mixed)s::bool[])
  AS v (id, link_id, occurred_at, method, user_agent, accept_language, referer,
        sec_fetch, purpose, address, visitor_hash, pixel_sha256, pixel_is_new, staff,
        visit_count, accepts_html, is_mixed)
ON CONFLICT (id) DO NOTHING
"""
# A single visit needs no arrays.
INSERT_ONE = """
INSERT INTO shortlinks_visit
  (id, link_id, occurred_at, method, user_agent, accept_language, referer, sec_fetch,
   purpose, address, visitor_hash, pixel_sha256, pixel_is_new, staff, visit_count,
   accepts_html, is_mixed, due_at)
VALUES (%(id)s::uuid, %(link_id)s::bigint, to_timestamp(%(occurred_at)s::float8),
        %(method)s, %(user_agent)s, %(accept_language)s, %(referer)s, %(sec_fetch)s,
        %(purpose)s, nullif(%(address)s, '')::inet, decode(%(visitor_hash)s, 'hex'),
        decode(nullif(%(pixel_sha256)s, ''), 'hex'), %(pixel_is_new)s, %(staff)s,
        %(visit_count)s, %(accepts_html)s, %(is_mixed)s,
        now() + %(delay)s * interval '1 s')
ON CONFLICT (id) DO NOTHING
"""
MAX_USER_AGENT_LENGTH = 512
OFFICE = "office"  # value of `staff` for a visit from an office address


def user_agent(header: bytes) -> str:
    """Return the header as a visit stores it."""
    return clean_header(header, MAX_USER_AGENT_LENGTH)


def clean_header(value: bytes, length: int) -> str:
    """Return a header as text, cut to `length` and without control characters."""
    text = value[:length].decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "?" for c in text)


class VisitRecord(NamedTuple):
    """The facts of a request; "" stands for an absent one."""

    id: str
    link_id: int
    occurred_at: float
    method: str
    user_agent: str
    accept_language: str
    referer: str
    sec_fetch: str
    purpose: str
    address: str
    visitor_hash: str
    pixel_sha256: str
    pixel_is_new: bool
    # Absent in files that an older release spooled.
    staff: str = ""
    visit_count: int = 1
    # False if the Accept header was sent without text/html.
    accepts_html: bool = True
    # Stands for visits of several visitors, and has the facts of none.
    is_mixed: bool = False


# An id's time may differ from the visit's, because ids continue when a clock is set
# back. Bounds only exclude partitions of other months, so days are precise enough.
ID_SLACK = timedelta(days=2)
MAX_ID = (1 << 128) - 1


def id_bounds(since: datetime, until: datetime) -> dict[str, UUID]:
    """Return the `first` and `last` id that visits of this time can have."""
    return {"first": first_id(since), "last": first_id(until + 2 * ID_SLACK)}


def id_bounds_around(ids: Sequence[UUID]) -> dict[str, UUID]:
    """Return the `first` and `last` id that visits within hours of these can have."""
    slack = int(ID_SLACK.total_seconds() * 1000) << 80
    first, last = min(ids).int - slack, max(ids).int + slack
    return {"first": UUID(int=max(first, 0)), "last": UUID(int=min(last, MAX_ID))}


def first_id(since: datetime) -> UUID:
    """Return a lower bound for ids since then (a UUIDv7 begins with milliseconds)."""
    return id_at(since - ID_SLACK)


def id_at(time: datetime) -> UUID:
    """Return the smallest id that is made at this time."""
    return UUID(int=max(int(time.timestamp() * 1000), 0) << 80)


def insert_statement(
    visits: Sequence[VisitRecord], *, delay: float
) -> tuple[str, dict[str, Any]]:
    """Return the statement that inserts these visits, and its parameters."""
    if len(visits) == 1:
        return INSERT_ONE, {**visits[0]._asdict(), "delay": delay}
    return INSERT, insert_params(visits, delay=delay)


def insert_params(visits: Sequence[VisitRecord], *, delay: float) -> dict[str, Any]:
    """Return the parameters of INSERT; visits are due `delay` seconds after it."""
    columns = zip(VisitRecord._fields, zip(*visits, strict=True), strict=True)
    encoded = {name: arrays.encode(values) for name, values in columns}
    return {**encoded, "delay": delay}
