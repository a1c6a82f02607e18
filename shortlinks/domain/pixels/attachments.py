"""Pixel attachments: browsers are attached to the contacts whose links they opened."""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from shortlinks.domain.pixels import consent
from shortlinks.domain.postgres import arrays
from shortlinks.models import (
    AttachmentReview,
    Chat,
    Contact,
    Evidence,
    MergeCheck,
    Pixel,
    PixelAttachment,
    Verdict,
)

# The chats of a browser that are examined again.
MAX_CHATS = 50
RECENT_CHAT_WINDOW = timedelta(days=90)
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
  (pixel_id, contact_id, evidence, is_returning, first_seen_at, last_seen_at)
SELECT pixel_id, contact_id,
       CASE WHEN bool_or(evidence = %(redeemed)s) THEN %(redeemed)s
            WHEN bool_or(evidence = %(click)s) THEN %(click)s
            ELSE %(other_address)s END,
       bool_or(is_returning), min(seen_at), max(seen_at)
FROM unnest(%(pixels)s::bigint[], %(contacts)s::bigint[], %(seen)s::timestamptz[],
            %(evidence)s::text[], %(are_returning)s::bool[])
  AS s (pixel_id, contact_id, seen_at, evidence, is_returning)
GROUP BY pixel_id, contact_id
ORDER BY pixel_id, contact_id
ON CONFLICT (pixel_id, contact_id) DO UPDATE
  SET first_seen_at = least(shortlinks_pixelattachment.first_seen_at,
                            excluded.first_seen_at),
      last_seen_at = greatest(shortlinks_pixelattachment.last_seen_at,
                              excluded.last_seen_at),
      is_returning = shortlinks_pixelattachment.is_returning OR excluded.is_returning,
      evidence = CASE
        WHEN shortlinks_pixelattachment.evidence IN (%(other_address)s, %(chat)s)
          OR shortlinks_pixelattachment.evidence = %(click)s
             AND excluded.evidence = %(redeemed)s
        THEN excluded.evidence ELSE shortlinks_pixelattachment.evidence END
RETURNING id, pixel_id, xmax = 0
"""
# A new browser without a chat cannot cause a merge and needs no check. A later open is
# more evidence for chats whose contact is still anonymous, the latest chat first. The
# pixels' data are parameters, because a join made Postgres read all pixels.
ENQUEUE_CHECKS = """
WITH attached AS (
  SELECT * FROM unnest(%(ids)s::bigint[], %(pixels)s::bigint[], %(accounts)s::bigint[],
                       %(uids)s::text[], %(are_new)s::bool[])
    AS a (id, pixel_id, account_id, visitor_uid, is_new)
), seen_again AS (
  SELECT DISTINCT account_id, visitor_uid FROM attached WHERE NOT is_new
)
INSERT INTO shortlinks_mergecheck (attachment_id, chat_id)
SELECT attached.id, NULL
FROM attached
WHERE is_new AND (
  EXISTS (
    SELECT FROM shortlinks_pixelattachment AS other
    WHERE other.pixel_id = attached.pixel_id AND other.id <> attached.id)
  OR EXISTS (
    SELECT FROM shortlinks_chat AS chat
    WHERE chat.account_id = attached.account_id AND chat.visitor_uid <> ''
      AND chat.visitor_uid = attached.visitor_uid))
UNION ALL
SELECT NULL, recent.id
FROM seen_again CROSS JOIN LATERAL (
  SELECT chat.id
  FROM shortlinks_chat AS chat
  JOIN shortlinks_contact AS contact ON contact.id = chat.contact_id
  WHERE chat.account_id = seen_again.account_id AND chat.visitor_uid <> ''
    AND chat.visitor_uid = seen_again.visitor_uid
    AND chat.updated_at >= now() - %(recent)s::interval
    AND contact.is_anonymous AND contact.merged_into_id IS NULL
  ORDER BY chat.updated_at DESC LIMIT %(max_chats)s) AS recent
"""
# Recomputes or deletes attachments from the opens that remain.
DETACH = """
WITH withdrawn AS (
  SELECT DISTINCT *
  FROM unnest(%(accounts)s::bigint[], %(contacts)s::bigint[], %(cookies)s::bytea[])
    AS g (account_id, contact_id, cookie)
), remains AS (
  SELECT pixel.id AS pixel_id, withdrawn.contact_id,
         min(visit.occurred_at) AS first_seen_at,
         max(visit.occurred_at) AS last_seen_at,
         CASE WHEN bool_or(visit.is_redeemed) THEN %(redeemed)s
              WHEN bool_or(visit.is_same_browser) THEN %(click)s
              ELSE %(other_address)s END AS evidence,
         coalesce(bool_or(visit.is_returning), false) AS is_returning
  FROM withdrawn
  JOIN shortlinks_pixel AS pixel ON pixel.account_id = withdrawn.account_id
   AND pixel.cookie_sha256 = withdrawn.cookie
  LEFT JOIN LATERAL (
    SELECT visit.occurred_at,
           coalesce(redemption.is_same_browser, false) AS is_redeemed,
           coalesce(redemption.is_same_browser, true)
             OR withdrawn.cookie = visit.pixel_sha256 AS is_same_browser,
           withdrawn.cookie = visit.pixel_sha256 AND NOT visit.pixel_is_new
             OR coalesce(redemption.is_same_browser
                         AND (redemption.gesture_at IS NOT NULL
                              OR withdrawn.cookie <> visit.pixel_sha256), false)
             AS is_returning
    FROM shortlinks_shortlink AS link
    JOIN shortlinks_visit AS visit ON visit.link_id = link.id
     AND visit.verdict = %(person)s AND visit.verdict <> ''
    LEFT JOIN shortlinks_redemption AS redemption ON redemption.visit_id = visit.id
    WHERE link.contact_id = withdrawn.contact_id
      AND withdrawn.cookie IN (
        visit.pixel_sha256, redemption.previous_cookie_sha256)) AS visit ON true
  GROUP BY pixel.id, withdrawn.contact_id
), detached AS (
  DELETE FROM shortlinks_pixelattachment AS attachment USING remains
  WHERE (attachment.pixel_id, attachment.contact_id)
        = (remains.pixel_id, remains.contact_id)
    AND remains.first_seen_at IS NULL
    AND attachment.evidence <> %(chat)s AND attachment.review = %(unreviewed)s
)
UPDATE shortlinks_pixelattachment AS attachment
SET first_seen_at = remains.first_seen_at, last_seen_at = remains.last_seen_at,
    evidence = remains.evidence, is_returning = remains.is_returning
FROM remains
WHERE (attachment.pixel_id, attachment.contact_id)
      = (remains.pixel_id, remains.contact_id)
  AND remains.first_seen_at IS NOT NULL
  AND attachment.evidence <> %(chat)s
"""
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
BASE32_PAIRS = [first + second for first in BASE32 for second in BASE32]
EVIDENCE = {
    "click": Evidence.CLICK,
    "redeemed": Evidence.CLICK_REDEEMED,
    "other_address": Evidence.OTHER_ADDRESS,
}

# The id of an account, and the hash of a cookie's id.
Browser = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Sighting:
    """An open of a contact's link in a browser, which is named by its cookie's hash.

    `is_returning` is true if the browser brought back the cookie, or if a page in it
    redeemed the click and had a gesture.
    """

    account_id: int
    contact_id: int
    cookie_sha256: bytes
    seen_at: datetime
    evidence: Evidence = Evidence.CLICK
    is_returning: bool = False


def visitor_uid(account_id: int, cookie_sha256: bytes) -> str:
    """Return the browser's public id, which differs from account to account."""
    message = account_id.to_bytes(8, "big") + cookie_sha256
    digest = hmac.digest(settings.VISITOR_UID_KEY, message, hashlib.sha256)
    # 128 bits and two bits of padding are 13 pairs of base32 letters (RFC 4648).
    bits = int.from_bytes(digest[:16], "big") << 2
    return "".join(
        [BASE32_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)]
    )


def update(*, attached: Sequence[Sighting], withdrawn: Sequence[Sighting]) -> None:
    """Attach and withdraw browsers. If any is withdrawn, all are locked first."""
    if withdrawn:
        lock_browsers(_pixels([*attached, *withdrawn]))
    attach(attached)
    if withdrawn:
        _withdraw(withdrawn)


def attach(sightings: Sequence[Sighting]) -> None:
    """Attach each browser to the contact whose link it opened.

    Enqueues merge checks for new attachments and for new evidence.
    """
    if not sightings:
        return
    browsers = {(s.account_id, s.cookie_sha256) for s in sightings}
    uids = {browser: visitor_uid(*browser) for browser in browsers}
    pixels = _upsert(sightings, uids)
    attached = {
        **EVIDENCE,
        "chat": Evidence.CHAT,
        "pixels": [pixels[s.account_id, s.cookie_sha256] for s in sightings],
        "contacts": [s.contact_id for s in sightings],
        "seen": [s.seen_at for s in sightings],
        "evidence": [s.evidence for s in sightings],
        "are_returning": [s.is_returning for s in sightings],
    }
    with connection.cursor() as cursor:
        cursor.execute(UPSERT_ATTACHMENTS, arrays.encode_params(attached))
        rows = cursor.fetchall()
    known = {id_: (browser[0], uids[browser]) for browser, id_ in pixels.items()}
    _enqueue_checks([(*row, *known[row[1]]) for row in rows])


def _upsert(
    sightings: Sequence[Sighting], uids: Mapping[Browser, str]
) -> dict[Browser, int]:
    """Create or update the pixels, and return their ids."""
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


def _enqueue_checks(attached: Sequence[tuple[int, int, bool, int, str]]) -> None:
    """Enqueue merge checks of attachments.

    Each has its id, that of its pixel, whether it is new, the account and visitor_uid.
    A new attachment is checked once. Later opens are evidence for the browser's chats.
    """
    parameters: dict[str, Any] = {
        "ids": [id_ for id_, *_ in attached],
        "pixels": [pixel_id for _, pixel_id, *_ in attached],
        "are_new": [is_new for _, _, is_new, *_ in attached],
        "accounts": [account_id for *_, account_id, _ in attached],
        "uids": [uid for *_, uid in attached],
        "recent": RECENT_CHAT_WINDOW,
        "max_chats": MAX_CHATS,
    }
    with connection.cursor() as cursor:
        cursor.execute(ENQUEUE_CHECKS, arrays.encode_params(parameters))


def _withdraw(sightings: Sequence[Sighting]) -> None:
    """Detach browsers whose opens were not a person's, as the stored verdicts show."""
    parameters: dict[str, Any] = {
        "accounts": [s.account_id for s in sightings],
        "contacts": [s.contact_id for s in sightings],
        "cookies": [s.cookie_sha256 for s in sightings],
        "person": Verdict.PERSON,
        "chat": Evidence.CHAT,
        "unreviewed": AttachmentReview.UNREVIEWED,
        **EVIDENCE,
    }
    with connection.cursor() as cursor:
        cursor.execute(DETACH, arrays.encode_params(parameters))
    pixels = _pixels(sightings)
    _delete_orphans(pixels)
    seen = PixelAttachment.objects.filter(pixel=OuterRef("pk")).values("pixel")
    pixels.update(
        created_at=Coalesce(
            Subquery(seen.values(first=Min("first_seen_at"))), F("created_at")
        ),
        last_seen_at=Coalesce(
            Subquery(seen.values(last=Max("last_seen_at"))), F("last_seen_at")
        ),
    )


def detach(attached: QuerySet[PixelAttachment]) -> None:
    """Detach the browsers from these contacts, until their next open attaches them."""
    ids = list(attached.values_list("pixel_id", flat=True))
    lock_browsers(Pixel.objects.filter(pk__in=ids))
    attached.delete()
    _delete_orphans(Pixel.objects.filter(pk__in=ids))


def lock_browsers(pixels: QuerySet[Pixel]) -> None:
    """Lock browsers in the order that workers use, and before their attachments."""
    rows = pixels.order_by("account_id", "cookie_sha256")
    list(rows.select_for_update(of=("self",)).values_list("pk"))


def _delete_orphans(pixels: QuerySet[Pixel]) -> None:
    """Delete the pixels that are attached to no contact.

    Shared browsers remain, because they stay shared.
    """
    pixels.filter(pixelattachment=None, shared_since=None).delete()


def confirm(pixel_id: int, contact: Contact) -> None:
    """Confirm the browser as the contact's, because a user decided so.

    A contact that only chatted in it is attached first.
    """
    own = Contact.objects.same_person(contact)
    attached = PixelAttachment.objects.filter(pixel=pixel_id, contact__in=own)
    if not attached.exists():
        _attach_chatter(pixel_id, contact)
    review(attached, AttachmentReview.CONFIRMED)


def _attach_chatter(pixel_id: int, contact: Contact) -> None:
    """Attach the browser to a contact that chatted in it, if its consent allows it."""
    pixel = Pixel.objects.filter(pk=pixel_id).select_related("account").first()
    code = consent.lock([contact.pk]).get(contact.pk, consent.DENIED)
    if pixel is None or not consent.allows(pixel.account.pixel_mode, code):
        return
    chats = Chat.objects.filter(
        account=pixel.account_id,
        visitor_uid=pixel.visitor_uid,
        contact__in=Contact.objects.same_person(contact),
    ).aggregate(first=Min("created_at"), last=Max("updated_at"))
    if chats["first"] is None:
        return
    attached = PixelAttachment(
        pixel=pixel,
        contact=contact,
        evidence=Evidence.CHAT,
        first_seen_at=chats["first"],
        last_seen_at=chats["last"],
    )
    # A worker may attach the same browser because of an open.
    PixelAttachment.objects.bulk_create([attached], ignore_conflicts=True)


def review(attached: QuerySet[PixelAttachment], decision: AttachmentReview) -> None:
    """Store a user's decision, and let the rules examine the browsers' chats again."""
    ids = list(attached.values_list("pk", flat=True))
    PixelAttachment.objects.filter(pk__in=ids).update(review=decision)
    if decision == AttachmentReview.CONFIRMED:
        MergeCheck.objects.bulk_create(MergeCheck(attachment_id=id_) for id_ in ids)


def _pixels(sightings: Sequence[Sighting]) -> QuerySet[Pixel]:
    cookies: defaultdict[int, set[bytes]] = defaultdict(set)
    for s in sightings:
        cookies[s.account_id].add(s.cookie_sha256)
    pairs = [Q(account=each, cookie_sha256__in=cookies[each]) for each in cookies]
    return Pixel.objects.filter(Q(*pairs, _connector=Q.OR))
