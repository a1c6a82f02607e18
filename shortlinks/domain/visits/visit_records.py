"""Rows of visits as they are written: by the redirects, and by the spool's replay."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

# Columns go as text arrays, made here in one pass each: the drivers' own arrays
# cost several times as much for each element.
INSERT = """
INSERT INTO shortlinks_visit
  (id, link_id, occurred_at, method, user_agent, accept_language, referer, sec_fetch,
   purpose, address, visitor_hash, pixel_sha256, pixel_is_new, staff, due_at)
SELECT id, link_id, to_timestamp(occurred_at), method, user_agent, accept_language,
       referer, sec_fetch, purpose, nullif(address, '')::inet,
       decode(visitor_hash, 'hex'),
       decode(nullif(pixel_sha256, ''), 'hex'), pixel_is_new, staff,
       now() + %(settle)s * interval '1 s'
FROM unnest(%(id)s::uuid[], %(link_id)s::bigint[], %(occurred_at)s::float8[],
            %(method)s::text[], %(user_agent)s::text[], %(accept_language)s::text[],
            %(referer)s::text[], %(sec_fetch)s::text[], %(purpose)s::text[],
            %(address)s::text[], %(visitor_hash)s::text[], %(pixel_sha256)s::text[],
            %(pixel_is_new)s::bool[], %(staff)s::text[])
  AS v (id, link_id, occurred_at, method, user_agent, accept_language, referer,
        sec_fetch, purpose, address, visitor_hash, pixel_sha256, pixel_is_new, staff)
ON CONFLICT (id) DO NOTHING
"""
# For one visit alone: no arrays to make, to read and to take apart.
INSERT_ONE = """
INSERT INTO shortlinks_visit
  (id, link_id, occurred_at, method, user_agent, accept_language, referer, sec_fetch,
   purpose, address, visitor_hash, pixel_sha256, pixel_is_new, staff, due_at)
VALUES (%(id)s::uuid, %(link_id)s::bigint, to_timestamp(%(occurred_at)s::float8),
        %(method)s, %(user_agent)s, %(accept_language)s, %(referer)s, %(sec_fetch)s,
        %(purpose)s, nullif(%(address)s, '')::inet, decode(%(visitor_hash)s, 'hex'),
        decode(nullif(%(pixel_sha256)s, ''), 'hex'), %(pixel_is_new)s, %(staff)s,
        now() + %(settle)s * interval '1 s')
ON CONFLICT (id) DO NOTHING
"""
TEXTS = frozenset(
    {
        "user_agent",
        "accept_language",
        "referer",
        "sec_fetch",
        "purpose",
        "address",
        "staff",
    }
)
MAX_USER_AGENT_LENGTH = 512
# In no text: `text` lets no control character through.
SEPARATOR = "\x1f"
OFFICE = "office"  # as the fact `staff`: opened from an office of the account


def user_agent(header: bytes) -> str:
    """As a visit keeps it."""
    return clean_header(header, MAX_USER_AGENT_LENGTH)


def clean_header(value: bytes, length: int) -> str:
    """A header as text that any column takes: cut, and without control characters."""
    text = value[:length].decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "?" for c in text)


class VisitRecord(NamedTuple):
    """What a request said of itself; "" stands for nothing.

    No text has a control character, so SEPARATOR is in none (see `text`).
    """

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
    staff: str = ""  # absent in what an older release spooled


# How far the time in an id may be from the visit's own: ids go on when a clock is set
# back. To leave out other months' partitions, days are near enough.
ID_SLACK = timedelta(days=2)
MAX_ID = (1 << 128) - 1


def id_bounds(since: datetime, until: datetime) -> dict[str, UUID]:
    """The `first` and `last` id that visits of this time can have."""
    return {"first": first_id(since), "last": first_id(until + 2 * ID_SLACK)}


def id_bounds_around(ids: Sequence[UUID]) -> dict[str, UUID]:
    """The `first` and `last` id of visits within hours of these."""
    slack = int(ID_SLACK.total_seconds() * 1000) << 80
    first, last = min(ids).int - slack, max(ids).int + slack
    return {"first": UUID(int=max(first, 0)), "last": UUID(int=min(last, MAX_ID))}


def first_id(since: datetime) -> UUID:
    """No visit of this time or later has a smaller id (UUIDv7: milliseconds first)."""
    milliseconds = int((since - ID_SLACK).timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)


def insert_statement(
    visits: Sequence[VisitRecord], *, settle: float
) -> tuple[str, dict[str, Any]]:
    """The statement that stores these visits, and its parameters; see `columns`."""
    if len(visits) == 1:
        return INSERT_ONE, {**visits[0]._asdict(), "settle": settle}
    return INSERT, insert_params(visits, settle=settle)


def insert_params(visits: Sequence[VisitRecord], *, settle: float) -> dict[str, Any]:
    """The parameters of INSERT: one Postgres array for each column, in text form.

    `settle` is in seconds: the visits are due so long after the insert.
    """
    arrays = {
        name: _quoted(values) if name in TEXTS else _bare(values)
        for name, values in zip(
            VisitRecord._fields, zip(*visits, strict=True), strict=True
        )
    }
    return {**arrays, "settle": settle}


def _bare(values: Sequence[object]) -> str:
    return "{" + ",".join([str(value) or '""' for value in values]) + "}"


def _quoted(values: Sequence[str]) -> str:
    joined = SEPARATOR.join(values).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace(SEPARATOR, '","') + '"}'
