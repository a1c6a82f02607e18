"""Opens that a decision has to wait for (docs/merge-rules.md).

A click may be stored or redeemed, but not processed yet. And the latest open of a
browser may still turn out to be the first of a burst.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from shortlinks.domain.burst_windows import (
    BURST,
    SENDER_TEST_PERIOD,
    SENDER_TEST_WINDOW,
)
from shortlinks.domain.merging import facts
from shortlinks.domain.merging.facts import BrowserSnapshot
from shortlinks.domain.merging.rules import ContactRef
from shortlinks.domain.pixels import attachments
from shortlinks.domain.postgres import arrays
from shortlinks.models import Account, MergeMode, Pixel

POLL_INTERVAL = timedelta(seconds=1)
# For a visit that is in a spool, or fails. Then the rules decide without it.
MAX_WAIT = timedelta(minutes=2)
# A burst is complete this long after its first open: its length, and the time in which
# the later visits are stored and processed.
SETTLING = BURST + timedelta(seconds=2)
MAX_DUE_VISITS = 2000  # the newest, of all browsers

SELECT_UNPROCESSED = """
SELECT EXISTS (
  SELECT FROM shortlinks_redemption AS redemption
  LEFT JOIN shortlinks_visit AS visit ON visit.id = redemption.visit_id
  WHERE redemption.account_id = %(account)s
    AND redemption.visitor_uid = %(visitor_uid)s
    AND redemption.redeemed_at > %(since)s
    AND (redemption.due_at IS NOT NULL OR visit.verdict = '')
) OR EXISTS (
  SELECT FROM (
    SELECT pixel_sha256, occurred_at FROM shortlinks_visit
    WHERE due_at IS NOT NULL ORDER BY due_at DESC LIMIT %(limit)s) AS due
  WHERE due.pixel_sha256 = ANY(%(cookies)s::bytea[]) AND due.occurred_at > %(since)s
)
"""
# A new browser gets its row when its first visit is processed.
SELECT_DUE_COOKIES = """
SELECT DISTINCT visit.pixel_sha256
FROM (
  SELECT pixel_sha256, link_id FROM shortlinks_visit
  WHERE due_at IS NOT NULL ORDER BY due_at DESC LIMIT %(limit)s) AS visit
JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
WHERE link.account_id = %(account)s AND visit.pixel_sha256 IS NOT NULL
"""
# A user's test of new links may be found to be a burst a minute later.
SELECT_LAST_OPEN = """
SELECT max(visit.occurred_at
           + CASE WHEN visit.address = link.created_from
                   AND visit.occurred_at < link.created_at + %(sender_test_period)s
             THEN %(sender_test_window)s ELSE interval '0' END)
FROM shortlinks_visit AS visit
JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
WHERE visit.id = ANY(%(visits)s::uuid[])
"""


def load_settled(
    account: Account, visitor_uid: str, candidate: ContactRef | None = None
) -> BrowserSnapshot | datetime:
    """Load what is stored about the browser, or return when to examine it again.

    The facts are loaded after the search for unprocessed opens. In the other order, an
    open that is processed in between would be in neither.
    """
    now = timezone.now()
    pixels = Pixel.objects.filter(account=account, visitor_uid=visitor_uid)
    pixel = pixels.first()
    if account.merge_mode == MergeMode.OFF:
        return facts.load_snapshot(account, pixel, candidate)
    cookies = facts.load_cookies(pixel) if pixel else _due_cookies(account, visitor_uid)
    if _has_unprocessed(account, visitor_uid, cookies, now):
        return now + POLL_INTERVAL
    snapshot = facts.load_snapshot(account, pixel or pixels.first(), candidate)
    settles_at = _settles_at(snapshot, now)
    return settles_at if settles_at and settles_at > now else snapshot


def _due_cookies(account: Account, visitor_uid: str) -> list[bytes]:
    """Return the hash of the new browser's cookie, if its first open is stored."""
    parameters = {"account": account.pk, "limit": MAX_DUE_VISITS}
    with connection.cursor() as cursor:
        cursor.execute(SELECT_DUE_COOKIES, parameters)
        due = [bytes(cookie) for (cookie,) in cursor.fetchall()]
    return [c for c in due if attachments.visitor_uid(account.pk, c) == visitor_uid]


def _has_unprocessed(
    account: Account, visitor_uid: str, cookies: Sequence[bytes], now: datetime
) -> bool:
    parameters: dict[str, Any] = {
        "account": account.pk,
        "visitor_uid": visitor_uid,
        "cookies": arrays.encode(list(cookies)),
        "since": now - MAX_WAIT,
        "limit": MAX_DUE_VISITS,
    }
    with connection.cursor() as cursor:
        cursor.execute(SELECT_UNPROCESSED, parameters)
        [(is_pending,)] = cursor.fetchall()
    return bool(is_pending)


def _settles_at(snapshot: BrowserSnapshot, now: datetime) -> datetime | None:
    """Return when the verdicts of the browser's latest opens are final."""
    since = now - SENDER_TEST_WINDOW - SETTLING
    recent = [
        each.visit_id
        for opened in snapshot.opens.values()
        for each in opened
        if each.opened_at > since
    ]
    if not recent:
        return None
    parameters: dict[str, Any] = {
        "visits": arrays.encode(recent),
        "sender_test_period": SENDER_TEST_PERIOD,
        "sender_test_window": SENDER_TEST_WINDOW,
    }
    with connection.cursor() as cursor:
        cursor.execute(SELECT_LAST_OPEN, parameters)
        [(last_open,)] = cursor.fetchall()
    return last_open + SETTLING if last_open else None
