"""Pixels: the browser behind an open, attached to the contact of its link."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from shortlinks.domain.postgres import arrays
from shortlinks.models import Evidence, Verdict

# Sorted, so that two workers with the same browsers lock them in one order.
UPSERT_PIXELS = """
INSERT INTO shortlinks_pixel
  (account_id, cookie_sha256, visitor_uid, created_at, last_seen_at)
SELECT account_id, cookie_sha256, visitor_uid, seen_at, seen_at
FROM unnest(%(accounts)s::bigint[], %(cookies)s::bytea[], %(uids)s::text[],
            %(seen)s::timestamptz[])
  AS s (account_id, cookie_sha256, visitor_uid, seen_at)
ORDER BY account_id, cookie_sha256
ON CONFLICT (account_id, cookie_sha256) DO UPDATE
  SET last_seen_at = greatest(shortlinks_pixel.last_seen_at, excluded.last_seen_at),
      created_at = least(shortlinks_pixel.created_at, excluded.created_at)
RETURNING account_id, cookie_sha256, id
"""
UPSERT_ATTACHMENTS = """
INSERT INTO shortlinks_pixelattachment
  (pixel_id, contact_id, evidence, first_seen_at, last_seen_at)
SELECT pixel_id, contact_id,
       CASE WHEN bool_or(is_redeemed) THEN %(redeemed)s ELSE %(click)s END,
       min(seen_at), max(seen_at)
FROM unnest(%(pixels)s::bigint[], %(contacts)s::bigint[], %(seen)s::timestamptz[],
            %(are_redeemed)s::bool[])
  AS s (pixel_id, contact_id, seen_at, is_redeemed)
GROUP BY pixel_id, contact_id
ORDER BY pixel_id, contact_id
ON CONFLICT (pixel_id, contact_id) DO UPDATE
  SET first_seen_at = least(shortlinks_pixelattachment.first_seen_at,
                            excluded.first_seen_at),
      last_seen_at = greatest(shortlinks_pixelattachment.last_seen_at,
                              excluded.last_seen_at),
      evidence = CASE WHEN shortlinks_pixelattachment.evidence = %(click)s
                 THEN excluded.evidence ELSE shortlinks_pixelattachment.evidence END
RETURNING id, pixel_id, xmax = 0
"""
# A browser that is new to us and names no chat can merge nothing: no check of it. Told
# what it needs of the pixels: joined to their tables, it was asked of all their rows.
ENQUEUE_CHECKS = """
INSERT INTO shortlinks_mergecheck (attachment_id)
SELECT new.id
FROM unnest(%(ids)s::bigint[], %(pixels)s::bigint[], %(accounts)s::bigint[],
            %(uids)s::text[]) AS new (id, pixel_id, account_id, visitor_uid)
WHERE EXISTS (SELECT FROM shortlinks_pixelattachment AS other
              WHERE other.pixel_id = new.pixel_id AND other.id <> new.id)
   OR EXISTS (SELECT FROM shortlinks_chat AS chat
              WHERE chat.account_id = new.account_id AND chat.visitor_uid <> ''
                AND chat.visitor_uid = new.visitor_uid)
"""
LOCK = """
SELECT FROM shortlinks_pixel AS pixel
JOIN unnest(%(accounts)s::bigint[], %(cookies)s::bytea[])
  AS s (account_id, cookie_sha256) USING (account_id, cookie_sha256)
ORDER BY account_id, cookie_sha256 FOR UPDATE OF pixel
"""
# What the person visits that are left say of a browser at a contact's links.
DETACH = """
WITH gone AS (
  SELECT DISTINCT *
  FROM unnest(%(accounts)s::bigint[], %(contacts)s::bigint[], %(cookies)s::bytea[])
    AS g (account_id, contact_id, cookie)
), remains AS (
  SELECT pixel.id AS pixel_id, gone.contact_id,
         min(visit.occurred_at) AS first_seen_at,
         max(visit.occurred_at) AS last_seen_at,
         CASE WHEN bool_or(visit.is_redeemed) THEN %(redeemed)s ELSE %(click)s END
           AS evidence
  FROM gone
  JOIN shortlinks_pixel AS pixel ON pixel.account_id = gone.account_id
   AND pixel.cookie_sha256 = gone.cookie
  LEFT JOIN LATERAL (
    SELECT visit.occurred_at, redemption.visit_id IS NOT NULL AS is_redeemed
    FROM shortlinks_shortlink AS link
    JOIN shortlinks_visit AS visit ON visit.link_id = link.id
     AND visit.verdict = %(person)s AND visit.verdict <> ''
    LEFT JOIN shortlinks_redemption AS redemption ON redemption.visit_id = visit.id
    WHERE link.contact_id = gone.contact_id
      AND gone.cookie IN (
        visit.pixel_sha256, redemption.previous_cookie_sha256)) AS visit ON true
  GROUP BY pixel.id, gone.contact_id
), detached AS (
  DELETE FROM shortlinks_pixelattachment AS attachment USING remains
  WHERE (attachment.pixel_id, attachment.contact_id)
        = (remains.pixel_id, remains.contact_id)
    AND remains.first_seen_at IS NULL
    AND attachment.evidence IN (%(click)s, %(redeemed)s)
)
UPDATE shortlinks_pixelattachment AS attachment
SET first_seen_at = remains.first_seen_at, last_seen_at = remains.last_seen_at,
    evidence = remains.evidence
FROM remains
WHERE (attachment.pixel_id, attachment.contact_id)
      = (remains.pixel_id, remains.contact_id)
  AND remains.first_seen_at IS NOT NULL
  AND attachment.evidence IN (%(click)s, %(redeemed)s)
"""
REFRESH_SEEN_RANGE = """
UPDATE shortlinks_pixel AS pixel
SET created_at = left_over.first_seen_at, last_seen_at = left_over.last_seen_at
FROM (
  SELECT pixel_id, min(first_seen_at) AS first_seen_at,
         max(last_seen_at) AS last_seen_at
  FROM shortlinks_pixelattachment
  WHERE pixel_id IN (
    SELECT p.id FROM shortlinks_pixel AS p
    JOIN unnest(%(accounts)s::bigint[], %(cookies)s::bytea[])
      AS g (account_id, cookie_sha256) USING (account_id, cookie_sha256))
  GROUP BY pixel_id) AS left_over
WHERE pixel.id = left_over.pixel_id
"""
DELETE_ORPHANS = """
DELETE FROM shortlinks_pixel AS pixel
USING unnest(%(accounts)s::bigint[], %(cookies)s::bytea[]) AS g (account_id, cookie)
WHERE (pixel.account_id, pixel.cookie_sha256) = (g.account_id, g.cookie)
  AND NOT EXISTS (SELECT FROM shortlinks_pixelattachment AS attachment
                  WHERE attachment.pixel_id = pixel.id)
"""
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
BASE32_PAIRS = [first + second for first in BASE32 for second in BASE32]
CLICKS = {"click": Evidence.CLICK, "redeemed": Evidence.CLICK_REDEEMED}

# An account, and the hash of a cookie's id.
Browser = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A person's browser, named by the hash of its cookie's id, opened a link.

    `is_redeemed` if the site that the link leads to has redeemed the click.
    """

    account_id: int
    contact_id: int
    cookie_sha256: bytes
    seen_at: datetime
    is_redeemed: bool = False


def visitor_uid(account_id: int, cookie_sha256: bytes) -> str:
    """The browser's public id within one account; two accounts see two ids."""
    message = account_id.to_bytes(8, "big") + cookie_sha256
    digest = hmac.digest(settings.VISITOR_UID_KEY, message, hashlib.sha256)
    # 128 bits and two of padding, as 13 pairs of base32's letters (RFC 4648).
    bits = int.from_bytes(digest[:16], "big") << 2
    return "".join(
        [BASE32_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)]
    )


def update(*, attached: Sequence[Sighting], withdrawn: Sequence[Sighting]) -> None:
    """Attach some and withdraw others; whoever else changes these browsers waits."""
    if withdrawn:
        concerned = [*attached, *withdrawn]
        browsers = {
            "accounts": [s.account_id for s in concerned],
            "cookies": [s.cookie_sha256 for s in concerned],
        }
        with connection.cursor() as cursor:
            cursor.execute(LOCK, arrays.encode_params(browsers))
    attach(attached)
    detach(withdrawn)


def attach(sightings: Sequence[Sighting]) -> None:
    """Attach each browser to the contact whose link it opened (pixel R1, R2, R5).

    What may merge by what is new is written down to be looked at.
    """
    if not sightings:
        return
    browsers = {(s.account_id, s.cookie_sha256) for s in sightings}
    uids = {browser: visitor_uid(*browser) for browser in browsers}
    pixels = _upsert(sightings, uids)
    attached = {
        **CLICKS,
        "pixels": [pixels[s.account_id, s.cookie_sha256] for s in sightings],
        "contacts": [s.contact_id for s in sightings],
        "seen": [s.seen_at for s in sightings],
        "are_redeemed": [s.is_redeemed for s in sightings],
    }
    with connection.cursor() as cursor:
        cursor.execute(UPSERT_ATTACHMENTS, arrays.encode_params(attached))
        new = [(id_, pixel) for id_, pixel, is_new in cursor.fetchall() if is_new]
    known = {id_: (*browser, uids[browser]) for browser, id_ in pixels.items()}
    _enqueue_checks([(id_, pixel_id, *known[pixel_id]) for id_, pixel_id in new])


def _upsert(
    sightings: Sequence[Sighting], uids: Mapping[Browser, str]
) -> dict[Browser, int]:
    """The browsers' rows."""
    latest: dict[Browser, datetime] = {}
    for s in sightings:
        key = (s.account_id, s.cookie_sha256)
        latest[key] = max(latest.get(key, s.seen_at), s.seen_at)
    seen = {
        "accounts": [account_id for account_id, _ in latest],
        "cookies": [cookie for _, cookie in latest],
        "uids": [uids[browser] for browser in latest],
        "seen": list(latest.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(UPSERT_PIXELS, arrays.encode_params(seen))
        return {(account, bytes(hash_)): id_ for account, hash_, id_ in cursor}


def _enqueue_checks(new: Sequence[tuple[int, int, int, bytes, str]]) -> None:
    """Of new attachments: with the pixel, its account, cookie and uid."""
    if not new:
        return
    parameters = {
        "ids": [id_ for id_, *_ in new],
        "pixels": [pixel_id for _, pixel_id, *_ in new],
        "accounts": [account_id for _, _, account_id, *_ in new],
        "uids": [uid for *_, uid in new],
    }
    with connection.cursor() as cursor:
        cursor.execute(ENQUEUE_CHECKS, arrays.encode_params(parameters))


def detach(sightings: Sequence[Sighting]) -> None:
    """Those were no person's: what only they attached is attached no more.

    The visits' verdicts are stored already.
    """
    if not sightings:
        return
    parameters: dict[str, Any] = {
        "accounts": [s.account_id for s in sightings],
        "contacts": [s.contact_id for s in sightings],
        "cookies": [s.cookie_sha256 for s in sightings],
        "person": Verdict.PERSON,
        **CLICKS,
    }
    with connection.cursor() as cursor:
        cursor.execute(DETACH, arrays.encode_params(parameters))
        cursor.execute(REFRESH_SEEN_RANGE, arrays.encode_params(parameters))
        cursor.execute(DELETE_ORPHANS, arrays.encode_params(parameters))
