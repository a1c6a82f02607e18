"""Making and ending short links."""

import hashlib
import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from shortlinks.domain.links import codes, redis_cache
from shortlinks.domain.links.link_requests import AuthorizedLinkRequest
from shortlinks.domain.links.redis_cache import CachedLink
from shortlinks.domain.links.urls import SafeUrl
from shortlinks.domain.pixels import consent
from shortlinks.domain.postgres import arrays, queries
from shortlinks.models import ShortLink

# Two random codes of 70 bits meet once in many lives; five times never.
MAX_CODE_ATTEMPTS = 5

# Sorted, so that two batches with the same orders wait for each other in one order.
DISABLE_EXPIRED = """
UPDATE shortlinks_shortlink SET disabled_at = %(now)s
WHERE id IN (
  SELECT link.id FROM shortlinks_shortlink AS link
  JOIN unnest(%(contacts)s::bigint[], %(hashes)s::bytea[]) AS o (contact_id, url_sha256)
    USING (contact_id, url_sha256)
  WHERE link.disabled_at IS NULL AND link.expires_at <= %(now)s
  ORDER BY link.id FOR NO KEY UPDATE OF link)
"""
INSERT = """
INSERT INTO shortlinks_shortlink
  (account_id, contact_id, code, url, target, url_sha256, batch, created_at,
   created_from)
SELECT %(account)s, contact_id, code, url, target, url_sha256, %(batch)s, %(now)s,
       nullif(%(created_from)s, '')::inet
FROM unnest(%(contacts)s::bigint[], %(codes)s::text[], %(urls)s::text[],
            %(targets)s::text[], %(hashes)s::bytea[])
  AS o (contact_id, code, url, target, url_sha256)
ORDER BY contact_id, url_sha256
ON CONFLICT DO NOTHING
"""
ACTIVE_COLUMNS = """
SELECT link.contact_id, link.url_sha256, link.id, link.code, link.target,
       extract(epoch FROM link.expires_at)::float8, contact.tracking_consent,
       (SELECT host FROM shortlinks_shortdomain
        WHERE account_id = %(account)s AND is_default AND verified_at IS NOT NULL)
"""
# Of the orders `o`, when none has a live link yet; none otherwise.
NEW_LINKS_CTE = """
made AS (
  INSERT INTO shortlinks_shortlink
    (account_id, contact_id, code, url, target, url_sha256, batch, created_at,
     created_from)
  SELECT %(account)s, contact_id, code, url, target, url_sha256, %(batch)s, %(now)s,
         nullif(%(created_from)s, '')::inet
  FROM o
  WHERE (SELECT count(*) FROM o) = cardinality(%(urls)s::text[]) AND NOT EXISTS (
    SELECT FROM o JOIN shortlinks_shortlink AS link USING (contact_id, url_sha256)
    WHERE link.disabled_at IS NULL)
  ORDER BY contact_id, url_sha256
  RETURNING contact_id, url_sha256, id, code, target, expires_at)
"""
SELECT_NEW_LINKS = f"""
{ACTIVE_COLUMNS}
FROM made AS link JOIN shortlinks_contact AS contact ON contact.id = link.contact_id
"""
# All of them in one statement and one round trip. In autocommit it is a transaction of
# its own.
INSERT_ALL_NEW = f"""
WITH o AS (
  SELECT * FROM unnest(%(contacts)s::bigint[], %(codes)s::text[], %(urls)s::text[],
                       %(targets)s::text[], %(hashes)s::bytea[])
    AS o (contact_id, code, url, target, url_sha256)),
{NEW_LINKS_CTE} {SELECT_NEW_LINKS}
"""  # noqa: S608  put together from constants
SELECT_ACTIVE = f"""
{ACTIVE_COLUMNS}
FROM shortlinks_shortlink AS link
JOIN unnest(%(contacts)s::bigint[], %(hashes)s::bytea[]) AS o (contact_id, url_sha256)
  USING (contact_id, url_sha256)
JOIN shortlinks_contact AS contact ON contact.id = link.contact_id
WHERE link.disabled_at IS NULL
"""

# A contact and the hash of a url: what a live link is unique by.
Key = tuple[int, bytes]


class ActiveLinkExists(Exception):
    """The contact has a live link for this url already; nothing was changed."""


@dataclass(frozen=True, slots=True)
class CreatedLink:
    """`host` is the account's own short domain for new links, "" if it has none."""

    code: str
    account_id: int
    entity_id: int
    host: str = ""


class ActiveLink(NamedTuple):
    code: str
    host: str
    cached: CachedLink


def create(
    grants: Sequence[AuthorizedLinkRequest], *, created_from: str = ""
) -> list[CreatedLink]:
    """One live link for each grant, in their order: the one that exists, or a new one.

    `created_from` is the caller's masked address, from where the links may be tried.
    All or none are stored, in as many queries for 250 as for one.
    """
    if not grants:
        return []
    keys: list[Key] = [(g.contact_id, sha256(g.url.given)) for g in grants]
    orders = dict(zip(keys, grants, strict=True))
    stored = _params(orders, grants[0].account_id, created_from)
    live = _store_all_new(stored)
    if not live:
        with transaction.atomic():
            live = _store(stored)
    cached = {made.code: made.cached for made in live.values()}
    transaction.on_commit(lambda: redis_cache.write(cached))
    return [
        CreatedLink(live[key].code, g.account_id, g.entity_id, live[key].host)
        for key, g in zip(keys, grants, strict=True)
    ]


def disable(link: ShortLink) -> None:
    """From now on the link answers like one that never was."""
    link.disabled_at = link.changed_at = timezone.now()
    link.save(update_fields=["disabled_at", "changed_at"])
    transaction.on_commit(lambda: _refresh_cache(link.pk))


def enable(link: ShortLink) -> None:
    """The link leads on again; LiveLinkExists if another has taken its place."""
    link.disabled_at, link.changed_at = None, timezone.now()
    same = ShortLink.objects.filter(
        contact=link.contact_id, url_sha256=link.url_sha256, disabled_at=None
    )
    if same.exclude(pk=link.pk).exists():
        raise ActiveLinkExists
    try:
        with transaction.atomic():
            link.save(update_fields=["disabled_at", "changed_at"])
    except IntegrityError:  # another request was quicker
        raise ActiveLinkExists from None
    transaction.on_commit(lambda: _refresh_cache(link.pk))


def set_expiry(link: ShortLink, expires_at: datetime | None) -> None:
    """Let the link expire then, or never."""
    link.expires_at = expires_at
    link.changed_at = timezone.now()
    link.save(update_fields=["expires_at", "changed_at"])
    transaction.on_commit(lambda: _refresh_cache(link.pk))


def _refresh_cache(link_id: int) -> None:
    """Tell the redirects what the row says now; it may have been disabled since."""
    redis_cache.refresh([ShortLink.objects.select_related("contact").get(pk=link_id)])


def insert_if_all_new(
    statement: str, parameters: dict[str, Any]
) -> dict[Key, ActiveLink]:
    """What a statement with `MADE` has made; nothing if it could not make it all."""
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return _fetch_active(statement, parameters)
    except IntegrityError:  # another request was quicker
        return {}


def url_params(
    urls: Sequence[SafeUrl], account_id: int, created_from: str
) -> dict[str, Any]:
    """Those of a batch of new links that do not say whose they are."""
    return {
        "account": account_id,
        "created_from": created_from,
        "batch": uuid.uuid4(),
        "now": timezone.now(),
        "urls": [url.given for url in urls],
        "targets": [url.target for url in urls],
    }


def _params(
    orders: dict[Key, AuthorizedLinkRequest], account_id: int, created_from: str
) -> dict[str, Any]:
    urls = [grant.url for grant in orders.values()]
    return {
        **url_params(urls, account_id, created_from),
        "contacts": [contact_id for contact_id, _ in orders],
        "hashes": [url_sha256 for _, url_sha256 in orders],
    }


def _store_all_new(parameters: dict[str, Any]) -> dict[Key, ActiveLink]:
    """The usual case in one round trip; nothing is stored if it is not the case."""
    parameters["codes"] = [codes.generate() for _ in parameters["contacts"]]
    return insert_if_all_new(INSERT_ALL_NEW, parameters)


def _store(parameters: dict[str, Any]) -> dict[Key, ActiveLink]:
    """One live link for each order, whatever is there."""
    with connection.cursor() as cursor:
        cursor.execute(DISABLE_EXPIRED, parameters)
    for _ in range(MAX_CODE_ATTEMPTS):
        parameters["codes"] = [codes.generate() for _ in parameters["contacts"]]
        with connection.cursor() as cursor:
            cursor.execute(INSERT, parameters)
        live = _fetch_active(SELECT_ACTIVE, parameters)
        if len(live) == len(parameters["contacts"]):
            return live
    raise RuntimeError("no free code was found for a short link")


def _fetch_active(query: str, parameters: dict[str, Any]) -> dict[Key, ActiveLink]:
    return {
        (contact_id, bytes(digest)): _cached_from_row(parameters["account"], row)
        for contact_id, digest, *row in queries.fetch_prepared(
            query, arrays.encode_params(parameters)
        )
    }


def _cached_from_row(account_id: int, row: Sequence[Any]) -> ActiveLink:
    link_id, code, target, ends_at, said, host = row
    word = consent.CODES[said]
    cached = CachedLink(link_id, account_id, target, ends_at or 0, word)
    return ActiveLink(code, host or "", cached)


def sha256(url: str) -> bytes:
    return hashlib.sha256(url.encode()).digest()
