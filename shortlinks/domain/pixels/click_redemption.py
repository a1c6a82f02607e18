"""Redeeming a click token: a page, or a site's server, learns the visitor's uid.

What is asked of Postgres and what follows, but not how it is asked: the short host
has a connection that is never waited for, the API Django's (ADR 17). Each statement
may run twice.
"""

import uuid
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple
from uuid import UUID

from shortlinks.domain.pixels import attachments, consent
from shortlinks.domain.pixels.click_tokens import Click

SELECT_VISIT = """
SELECT visit.user_agent, visit.pixel_sha256, link.account_id, link.contact_id,
       account.pixel_mode, contact.tracking_consent, known.cookie_sha256
FROM shortlinks_visit AS visit
JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
JOIN shortlinks_account AS account ON account.id = link.account_id
JOIN shortlinks_contact AS contact ON contact.id = link.contact_id
LEFT JOIN shortlinks_pixel AS known ON known.account_id = link.account_id
 AND known.visitor_uid = %(visitor_uid)s
WHERE visit.id = %(visit_id)s
"""
# The first is the one; its own repetition, when a connection broke, is no second.
REDEEM = """
INSERT INTO shortlinks_redemption
  (visit_id, account_id, contact_id, visitor_uid, previous_cookie_sha256,
   idempotency_key, due_at)
VALUES (%(visit_id)s, %(account_id)s, %(contact_id)s, %(visitor_uid)s, %(kept)s,
        %(idempotency_key)s, now())
ON CONFLICT (visit_id) DO UPDATE SET idempotency_key = excluded.idempotency_key
  WHERE shortlinks_redemption.idempotency_key = excluded.idempotency_key
RETURNING visitor_uid
"""
SELECT_EXISTING = """
SELECT visitor_uid FROM shortlinks_pixel
WHERE account_id = %(account_id)s AND visitor_uid = %(visitor_uid)s
"""
RECORD_GESTURE = """
UPDATE shortlinks_redemption SET gesture_at = now(), due_at = now()
WHERE visit_id = %(visit_id)s AND account_id = %(account_id)s
  AND visitor_uid = %(visitor_uid)s AND gesture_at IS NULL
  AND redeemed_at > now() - interval '1 hour'
RETURNING visitor_uid
"""


class Outcome(Enum):
    REDEEMED = auto()
    ALREADY_USED = auto()
    NO_MATCH = auto()  # as if there were no token
    NOT_READY = auto()  # the visit's row is still on its way


class RedemptionResult(NamedTuple):
    outcome: Outcome
    visitor_uid: str | None = None


Row = Sequence[Any]
# Asks statements with parameters, is told the rows, ends with a result.
QueryFlow = Generator[tuple[str, dict[str, Any]], Sequence[Row], RedemptionResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionRequest:
    """`visitor_uid` is what the page goes by already, if anything."""

    account_id: int
    click: Click | None
    user_agent: str
    visitor_uid: str = ""


class _Visit(NamedTuple):
    user_agent: str
    pixel_sha256: bytes | None
    account_id: int
    contact_id: int
    pixel_mode: str
    tracking_consent: str
    previous_sha256: bytes | None


def redeem(request: RedemptionRequest, *, now: float) -> QueryFlow:
    """Who redeems first gets the visitor's uid, for the browser that clicked alone."""
    click = request.click
    if click is None or click.expires_at < now:
        return (yield from _existing_visitor(request))
    asked = {"visit_id": click.visit_id, "visitor_uid": request.visitor_uid}
    rows = yield SELECT_VISIT, asked
    if not rows:
        return RedemptionResult(Outcome.NOT_READY)
    visit = _Visit(*rows[0])
    if not visit.pixel_sha256 or not _may_track(visit, request):
        return (yield from _existing_visitor(request))
    return (yield from _store(click.visit_id, visit, request))


def record_gesture(request: RedemptionRequest) -> QueryFlow:
    """The page felt a person's hand; only who redeemed the click can say so."""
    if request.click is not None:
        yield (
            RECORD_GESTURE,
            {
                "visit_id": request.click.visit_id,
                "account_id": request.account_id,
                "visitor_uid": request.visitor_uid,
            },
        )
    return RedemptionResult(Outcome.NO_MATCH)


def identify(request: RedemptionRequest, cookie_sha256: str | None) -> QueryFlow:
    """By the cookie of a short domain under the site's own (pixel §1.3, layer 3)."""
    known = yield from _existing_visitor(request)
    if known.visitor_uid or cookie_sha256 is None:
        return known
    sha256 = bytes.fromhex(cookie_sha256)
    uid = attachments.visitor_uid(request.account_id, sha256)
    return RedemptionResult(Outcome.NO_MATCH, uid)


def _store(visit_id: UUID, visit: _Visit, request: RedemptionRequest) -> QueryFlow:
    """What the page goes by outlives the cookie of the short host: it stays so."""
    sha256, known = bytes(visit.pixel_sha256 or b""), visit.previous_sha256
    kept = bytes(known) if known is not None and bytes(known) != sha256 else None
    uid = (
        request.visitor_uid
        if kept
        else attachments.visitor_uid(visit.account_id, sha256)
    )
    stored = yield (
        REDEEM,
        {
            "visit_id": visit_id,
            "account_id": visit.account_id,
            "contact_id": visit.contact_id,
            "visitor_uid": uid,
            "kept": kept,
            "idempotency_key": uuid.uuid4(),
        },
    )
    if not stored:
        return RedemptionResult(Outcome.ALREADY_USED)
    return RedemptionResult(Outcome.REDEEMED, uid)


def _may_track(visit: _Visit, request: RedemptionRequest) -> bool:
    """They may have objected since; and another browser has only a copy."""
    said = consent.CODES[visit.tracking_consent]
    is_same = (visit.account_id, visit.user_agent) == (
        request.account_id,
        request.user_agent,
    )
    return is_same and consent.allows(visit.pixel_mode, said)


def _existing_visitor(request: RedemptionRequest) -> QueryFlow:
    if not request.visitor_uid:
        return RedemptionResult(Outcome.NO_MATCH)
    asked = {"account_id": request.account_id, "visitor_uid": request.visitor_uid}
    rows = yield SELECT_EXISTING, asked
    return RedemptionResult(Outcome.NO_MATCH, request.visitor_uid if rows else None)
