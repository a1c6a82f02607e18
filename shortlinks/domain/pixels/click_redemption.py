"""Redemption of click tokens: a connected site exchanges a click for a visitor_uid.

The functions yield statements and receive rows, so that redirects can run them on an
asynchronous connection and the API on Django's (docs/adr/0017). Each statement may run
twice.
"""

import hashlib
import uuid
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple
from uuid import UUID

from shortlinks.domain.pixels import attachments, browser_ids, consent, visitor_hashes
from shortlinks.domain.pixels.click_tokens import Click

# A process may still use yesterday's salt for some seconds after midnight.
SELECT_VISIT = f"""
SELECT visit.user_agent, visit.visitor_hash, visit.pixel_sha256, link.account_id,
       link.contact_id, account.pixel_mode, {consent.SELECTED},
       existing.cookie_sha256,
       ARRAY(SELECT salt.key FROM shortlinks_dailysalt AS salt
             WHERE salt.day BETWEEN (visit.occurred_at AT TIME ZONE 'UTC')::date - 1
                                AND (visit.occurred_at AT TIME ZONE 'UTC')::date)
FROM shortlinks_visit AS visit
JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
JOIN shortlinks_account AS account ON account.id = link.account_id
JOIN shortlinks_contact AS contact ON contact.id = link.contact_id
LEFT JOIN shortlinks_pixel AS existing ON existing.account_id = link.account_id
 AND existing.visitor_uid = %(visitor_uid)s
WHERE visit.id = %(visit_id)s
"""  # noqa: S608  constants
# Only the first redemption counts. Its own retry, after a lost connection, succeeds.
REDEEM = """
INSERT INTO shortlinks_redemption
  (visit_id, account_id, contact_id, visitor_uid, previous_cookie_sha256,
   is_same_browser, idempotency_key, due_at)
SELECT %(visit_id)s, %(account_id)s, contact.id, %(visitor_uid)s, %(previous)s,
       %(is_same_browser)s, %(idempotency_key)s, now()
FROM (SELECT id FROM shortlinks_contact AS contact
      WHERE id = %(contact_id)s AND NOT is_deleted AND tracking_consent <> 'denied'
      FOR KEY SHARE) AS contact
ON CONFLICT (visit_id) DO UPDATE SET idempotency_key = excluded.idempotency_key
  WHERE shortlinks_redemption.idempotency_key = excluded.idempotency_key
RETURNING visitor_uid
"""
SELECT_EXISTING = """
SELECT visitor_uid FROM shortlinks_pixel
WHERE account_id = %(account_id)s AND visitor_uid = %(visitor_uid)s
"""
RECORD_GESTURE = """
UPDATE shortlinks_redemption AS redemption SET gesture_at = now(), due_at = now()
FROM shortlinks_contact AS contact
WHERE redemption.visit_id = %(visit_id)s AND redemption.account_id = %(account_id)s
  AND redemption.visitor_uid = %(visitor_uid)s AND redemption.gesture_at IS NULL
  AND redemption.redeemed_at > now() - interval '1 hour'
  AND contact.id = redemption.contact_id AND NOT contact.is_deleted
RETURNING redemption.visitor_uid
"""


class Outcome(Enum):
    REDEEMED = auto()
    ALREADY_USED = auto()
    NO_MATCH = auto()  # as without a token
    NOT_READY = auto()  # the visit is not stored yet


class RedemptionResult(NamedTuple):
    outcome: Outcome
    visitor_uid: str | None = None


Row = Sequence[Any]
# Yields a statement with parameters, receives its rows, returns the result.
QueryFlow = Generator[tuple[str, dict[str, Any]], Sequence[Row], RedemptionResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionRequest:
    """A request of a page, with the `visitor_uid` that it stores already, if any.

    `address` is the visitor's, of 4 or 16 bytes, and empty if it is unknown. `salt` is
    this process's, which may not be stored if Postgres was unavailable.
    """

    account_id: int
    click: Click | None
    user_agent: str
    address: bytes = b""
    salt: bytes = b""
    visitor_uid: str = ""


class _Visit(NamedTuple):
    """The columns of `SELECT_VISIT`."""

    user_agent: str
    visitor_hash: bytes
    pixel_sha256: bytes | None
    account_id: int
    contact_id: int
    pixel_mode: str
    tracking_consent: str
    page_sha256: bytes | None
    salts: Sequence[bytes]


def redeem(request: RedemptionRequest, *, now: float) -> QueryFlow:
    """Return a visitor_uid to the first request with the click's user agent.

    A page at another address gets a uid of its own, because the address may have been
    copied to somebody else (docs/adr/0041).
    """
    click = request.click
    if click is None or click.expires_at < now:
        return (yield from _existing_visitor(request))
    parameters = {"visit_id": click.visit_id, "visitor_uid": request.visitor_uid}
    rows = yield SELECT_VISIT, parameters
    if not rows:
        return RedemptionResult(Outcome.NOT_READY)
    visit = _Visit(*rows[0])
    if not visit.pixel_sha256 or not _may_track(visit, request):
        return (yield from _existing_visitor(request))
    return (yield from _store(click.visit_id, visit, request))


def record_gesture(request: RedemptionRequest) -> QueryFlow:
    """Record a gesture on the page that redeemed the click."""
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


def identify(request: RedemptionRequest, browser_id: bytes | None) -> QueryFlow:
    """Identify the browser by the cookie of a short domain under the site's domain."""
    existing = yield from _existing_visitor(request)
    if existing.visitor_uid or browser_id is None:
        return existing
    sha256 = bytes.fromhex(browser_ids.sha256(browser_id))
    uid = attachments.visitor_uid(request.account_id, sha256)
    return RedemptionResult(Outcome.NO_MATCH, uid)


def _store(visit_id: UUID, visit: _Visit, request: RedemptionRequest) -> QueryFlow:
    """Store the redemption; a known visitor_uid outlives the short host's cookie."""
    clicked = bytes(visit.pixel_sha256 or b"")
    page = visit.page_sha256 and bytes(visit.page_sha256)
    is_same = page == clicked or _is_same_visitor(visit, request)
    uid = request.visitor_uid
    if page is None:
        page = clicked if is_same else _new_browser(visit_id)
        uid = attachments.visitor_uid(visit.account_id, page)
    stored = yield (
        REDEEM,
        {
            "visit_id": visit_id,
            "account_id": visit.account_id,
            "contact_id": visit.contact_id,
            "visitor_uid": uid,
            "previous": page if page != clicked else None,
            "is_same_browser": is_same,
            "idempotency_key": uuid.uuid4(),
        },
    )
    if not stored:
        return RedemptionResult(Outcome.ALREADY_USED)
    return RedemptionResult(Outcome.REDEEMED, uid)


def _is_same_visitor(visit: _Visit, request: RedemptionRequest) -> bool:
    """Return whether the page has the address and user agent of the click."""
    return bool(request.address) and any(
        visitor_hashes.compute(bytes(salt), request.address, request.user_agent)
        == bytes(visit.visitor_hash)
        for salt in (request.salt, *visit.salts)
    )


def _new_browser(visit_id: UUID) -> bytes:
    """Return the cookie's hash of a browser that is known by one redemption only."""
    return hashlib.sha256(b"redemption " + visit_id.bytes).digest()


def _may_track(visit: _Visit, request: RedemptionRequest) -> bool:
    """Return whether consent allows it, and account and user agent are the click's."""
    code = consent.CODES[visit.tracking_consent]
    is_same = (visit.account_id, visit.user_agent) == (
        request.account_id,
        request.user_agent,
    )
    return is_same and consent.allows(visit.pixel_mode, code)


def _existing_visitor(request: RedemptionRequest) -> QueryFlow:
    if not request.visitor_uid:
        return RedemptionResult(Outcome.NO_MATCH)
    parameters = {"account_id": request.account_id, "visitor_uid": request.visitor_uid}
    rows = yield SELECT_EXISTING, parameters
    return RedemptionResult(Outcome.NO_MATCH, request.visitor_uid if rows else None)
