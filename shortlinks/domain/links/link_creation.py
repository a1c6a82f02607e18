"""Creation of short links: all of a batch or none."""

import hashlib
import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from shortlinks.domain import quotas
from shortlinks.domain.auth import permissions, tokens
from shortlinks.domain.auth.tokens import Caller
from shortlinks.domain.links import codes, link_requests, redis_cache
from shortlinks.domain.links.link_requests import AuthorizedLinkRequest, LinkRequest
from shortlinks.domain.links.redis_cache import CachedLink
from shortlinks.domain.links.urls import SafeUrl
from shortlinks.domain.pixels import consent
from shortlinks.domain.postgres import arrays, queries
from shortlinks.domain.quotas import Quota, QuotaReached

# Two random codes of 70 bits practically never collide, and five in a row never do.
MAX_CODE_ATTEMPTS = 5

# Sorted, so that two batches with the same links lock them in the same order.
DISABLE_EXPIRED = """
UPDATE shortlinks_shortlink SET disabled_at = %(now)s
WHERE id IN (
  SELECT link.id FROM shortlinks_shortlink AS link
  JOIN unnest(%(contacts)s::bigint[], %(hashes)s::bytea[])
    AS requested (contact_id, url_sha256) USING (contact_id, url_sha256)
  WHERE link.disabled_at IS NULL AND link.expires_at <= %(now)s
  ORDER BY link.id FOR NO KEY UPDATE OF link)
"""
INSERT = """
INSERT INTO shortlinks_shortlink
  (account_id, contact_id, code, url, target, url_sha256, batch, created_at,
   created_from)
SELECT %(account)s, contact_id, code, url, target, url_sha256, %(batch)s, %(now)s,
       nullif(%(created_from)s, '')::inet
FROM requested
"""
REQUESTED = """
WITH requested AS (
  SELECT * FROM unnest(%(contacts)s::bigint[], %(codes)s::text[], %(urls)s::text[],
                       %(targets)s::text[], %(hashes)s::bytea[])
    AS requested (contact_id, code, url, target, url_sha256))
"""
# The requests of a caller, as far as the token is active and the contacts visible.
REQUESTED_BY_CALLER = """
WITH token AS ({token}), visible (entity_id, contact_id) AS ({visible}),
requested AS MATERIALIZED (
  SELECT contact_id, code, url, target, url_sha256
  FROM unnest(%(entity_ids)s::bigint[], %(codes)s::text[], %(urls)s::text[],
              %(targets)s::text[], %(hashes)s::bytea[])
    AS requested (entity_id, code, url, target, url_sha256)
  JOIN visible USING (entity_id) JOIN token ON true)
"""
INSERT_MISSING = f"""
{REQUESTED} {INSERT} ORDER BY contact_id, url_sha256 ON CONFLICT DO NOTHING
"""
# Waits for a refusal of consent that is under way, so that the link is cached with it.
# The order is that in which others lock contacts.
LOCK_CONTACTS = "ORDER BY contact.id FOR KEY SHARE OF contact"
ACTIVE_COLUMNS = f"""
SELECT link.contact_id, link.url_sha256, link.id, link.code, link.target,
       extract(epoch FROM link.expires_at)::float8, {consent.SELECTED},
       (SELECT host FROM shortlinks_shortdomain
        WHERE account_id = %(account)s AND is_default AND verified_at IS NOT NULL)
"""  # noqa: S608  constants
# Inserts all requested links if none of them exists, and nothing otherwise.
INSERT_ALL_NEW = f"""
, created AS (
  {INSERT}
  WHERE (SELECT count(*) FROM requested) = cardinality(%(urls)s::text[])
    AND NOT EXISTS (
      SELECT FROM requested
      JOIN shortlinks_shortlink AS link USING (contact_id, url_sha256)
      WHERE link.disabled_at IS NULL)
  ORDER BY contact_id, url_sha256
  RETURNING contact_id, url_sha256, id, code, target, expires_at)
{ACTIVE_COLUMNS}
FROM created AS link
JOIN shortlinks_contact AS contact ON contact.id = link.contact_id
{LOCK_CONTACTS}
"""  # noqa: S608  constants
SELECT_ACTIVE = f"""
{ACTIVE_COLUMNS}
FROM shortlinks_shortlink AS link
JOIN unnest(%(contacts)s::bigint[], %(hashes)s::bytea[])
  AS requested (contact_id, url_sha256) USING (contact_id, url_sha256)
JOIN shortlinks_contact AS contact ON contact.id = link.contact_id
WHERE link.disabled_at IS NULL
{LOCK_CONTACTS}
"""

# Contact and hash of the URL: the unique key of active links.
Key = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class CreatedLink:
    """A new or existing link. `host` is the account's default short domain, or ""."""

    code: str
    account_id: int
    entity_id: int
    host: str = ""


class ActiveLink(NamedTuple):
    code: str
    host: str
    cached: CachedLink


def create_for_caller(
    requests: Sequence[LinkRequest], caller: Caller, *, created_from: str = ""
) -> list[CreatedLink]:
    """Return one active link for each request that the caller may make, in order.

    `created_from` is the caller's masked address: opens from there may be sender tests.
    Raises QuotaReached if a link is new and the account may have no more, and
    TokenRejected if the caller's token has ended or changed since it was read.
    """
    if not quotas.are_links_full(caller.user.account_id or 0):
        created = _create_all_new(requests, caller, created_from)
        if created is not None:
            return created
    tokens.confirm(caller, now=timezone.now())
    authorized = link_requests.authorize(requests, caller.user)
    return create(authorized, created_from=created_from)


def create(
    requests: Sequence[AuthorizedLinkRequest], *, created_from: str = ""
) -> list[CreatedLink]:
    """Return one active link for each request, in order: existing or new.

    All are stored or none, in as many queries for 250 as for one. Raises QuotaReached.
    """
    if not requests:
        return []
    keys: list[Key] = [(each.contact_id, sha256(each.url.given)) for each in requests]
    distinct = dict(zip(keys, requests, strict=True))
    params = {
        **_link_params([each.url for each in distinct.values()], created_from),
        "account": requests[0].account_id,
        "contacts": [contact_id for contact_id, _ in distinct],
    }
    active = _find_or_insert(params)
    cached = {link.code: link.cached for link in active.values()}
    transaction.on_commit(lambda: redis_cache.write(cached))
    return [
        CreatedLink(active[key].code, each.account_id, each.entity_id, active[key].host)
        for key, each in zip(keys, requests, strict=True)
    ]


def _find_or_insert(params: dict[str, Any]) -> dict[Key, ActiveLink]:
    if quotas.are_links_full(params["account"]):
        active = _fetch_active(SELECT_ACTIVE, params)
        if len(active) < len(params["contacts"]):
            raise QuotaReached(Quota.LINKS)
        return active
    active = _insert_all_new(REQUESTED + INSERT_ALL_NEW, params)
    if not active:
        with transaction.atomic():
            active = _insert_missing(params)
    return active


def _create_all_new(
    requests: Sequence[LinkRequest], caller: Caller, created_from: str
) -> list[CreatedLink] | None:
    """Confirm the token, authorize and insert in one statement (docs/adr/0031).

    Returns None, and stores nothing, unless the caller may make all requests and no
    link exists. Returns None for two equal requests, too.
    """
    entity_ids = [each.entity_id for each in requests]
    params = _link_params([each.url for each in requests], created_from)
    token = tokens.confirmation(caller, now=params["now"])
    visible = permissions.visible_contacts(entity_ids, caller.user)
    account_id = caller.user.account_id or 0
    params |= {"account": account_id, "entity_ids": entity_ids}
    params |= {**token.params, **visible.params}
    created = _insert_all_new(_insert_for_caller(token.sql, visible.sql), params)
    if len(created) < len(requests):
        return None
    links = {link.code: link for link in created.values()}
    cached = {code: link.cached for code, link in links.items()}
    transaction.on_commit(lambda: redis_cache.write_soon(cached))
    return [
        CreatedLink(code, account_id, entity_id, links[code].host)
        for code, entity_id in zip(params["codes"], entity_ids, strict=True)
    ]


@cache
def _insert_for_caller(token: str, visible: str) -> str:
    requested = REQUESTED_BY_CALLER.format(token=token, visible=visible)
    return requested + INSERT_ALL_NEW


def _link_params(urls: Sequence[SafeUrl], created_from: str) -> dict[str, Any]:
    return {
        "created_from": created_from,
        "batch": uuid.uuid4(),
        "now": timezone.now(),
        "urls": [url.given for url in urls],
        "targets": [url.target for url in urls],
        "hashes": [sha256(url.given) for url in urls],
        "codes": [codes.generate() for _ in urls],
    }


def _insert_all_new(statement: str, params: dict[str, Any]) -> dict[Key, ActiveLink]:
    """Return the new links, or nothing if not all of them could be inserted."""
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return _fetch_active(statement, params)
    except IntegrityError:  # another request was faster
        return {}


def _insert_missing(params: dict[str, Any]) -> dict[Key, ActiveLink]:
    """Return one active link for each request, and insert those that are missing."""
    consent.lock(params["contacts"])  # before the links, as a refusal does
    with connection.cursor() as cursor:
        cursor.execute(DISABLE_EXPIRED, params)
    for _ in range(MAX_CODE_ATTEMPTS):
        params["codes"] = [codes.generate() for _ in params["contacts"]]
        with connection.cursor() as cursor:
            cursor.execute(INSERT_MISSING, params)
        active = _fetch_active(SELECT_ACTIVE, params)
        if len(active) == len(params["contacts"]):
            return active
    raise RuntimeError("no free code was found for a short link")


def _fetch_active(query: str, params: dict[str, Any]) -> dict[Key, ActiveLink]:
    rows = queries.fetch_prepared(query, arrays.encode_params(params))
    return {
        (contact_id, bytes(digest)): ActiveLink(
            code,
            host or "",
            CachedLink.from_row(
                id=link_id,
                account_id=params["account"],
                target=target,
                expires_at=expires_at,
                tracking_consent=tracking_consent,
            ),
        )
        for (
            contact_id,
            digest,
            link_id,
            code,
            target,
            expires_at,
            tracking_consent,
            host,
        ) in rows
    }


def sha256(url: str) -> bytes:
    return hashlib.sha256(url.encode()).digest()
