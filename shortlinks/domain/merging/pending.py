"""Opens that a decision has to wait for (docs/merge-rules.md).

A click may be stored or redeemed, but not processed yet. And the latest open of a
browser may still turn out to be the first of a burst.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from shortlinks.domain.merging.rules import RECENCY_WINDOW, BrowserOwner, ContactRef
from shortlinks.domain.pixels import attachments
from shortlinks.domain.postgres import arrays, queries
from shortlinks.models import Account, AttachmentReview, MergeMode, Pixel

POLL_INTERVAL = timedelta(seconds=1)
# For a visit that fails, or whose worker has stopped. Then chats are only suggested.
MAX_WAIT = timedelta(minutes=2)
# A burst is complete this long after its first open: its length, and the time in which
# the later visits are stored and processed.
SETTLING = BURST + timedelta(seconds=2)
MAX_VISITS = 10_000  # the newest due, and newest dead-lettered, of all browsers

# Uses the partial indexes of due and of dead-lettered visits. An index of cookies
# would slow down each redirect.
SELECT_UNPROCESSED = """
WITH due AS (
  SELECT link_id, pixel_sha256, occurred_at FROM shortlinks_visit
  WHERE due_at IS NOT NULL ORDER BY due_at DESC LIMIT %(limit)s
), failed AS (
  SELECT link_id, pixel_sha256, occurred_at FROM shortlinks_visit
  WHERE dead_lettered_at IS NOT NULL ORDER BY dead_lettered_at DESC LIMIT %(limit)s
), clicked AS (
  SELECT link.contact_id, stored.occurred_at AS seen_at, stored.is_due
  FROM (SELECT *, true AS is_due FROM due UNION ALL SELECT *, false FROM failed)
    AS stored
  JOIN shortlinks_shortlink AS link ON link.id = stored.link_id
  WHERE stored.pixel_sha256 = ANY(%(cookies)s::bytea[])
    AND stored.occurred_at > %(since)s AND link.account_id = %(account)s
  UNION ALL
  SELECT redemption.contact_id,
         greatest(redemption.redeemed_at, redemption.gesture_at),
         redemption.due_at IS NOT NULL OR visit.due_at IS NOT NULL
  FROM shortlinks_redemption AS redemption
  LEFT JOIN shortlinks_visit AS visit ON visit.id = redemption.visit_id
  WHERE redemption.account_id = %(account)s
    AND redemption.visitor_uid = %(visitor_uid)s
    AND redemption.redeemed_at > %(since)s
    AND (redemption.due_at IS NOT NULL OR visit.verdict = '')
), people AS (
  SELECT coalesce(contact.merged_into_id, contact.id) AS root_id,
         max(clicked.seen_at) AS last_seen_at,
         max(clicked.seen_at) FILTER (WHERE clicked.is_due) AS due_since
  FROM clicked JOIN shortlinks_contact AS contact ON contact.id = clicked.contact_id
  GROUP BY 1
)
SELECT (SELECT count(*) FROM due) >= %(limit)s AS are_many_due,
       (SELECT count(*) FROM failed) >= %(limit)s AS have_many_failed, found.*
FROM (SELECT) AS always LEFT JOIN (
  SELECT root.id, root.entity_id, root.is_anonymous, people.last_seen_at,
         people.due_since,
         EXISTS (
           SELECT FROM shortlinks_pixelattachment AS attachment
           JOIN shortlinks_contact AS member ON member.id = attachment.contact_id
           WHERE attachment.pixel_id = %(pixel)s::bigint
             AND attachment.review = %(rejected)s
             AND coalesce(member.merged_into_id, member.id) = root.id) AS is_rejected
  FROM people
  JOIN shortlinks_contact AS root ON root.id = people.root_id AND NOT root.is_deleted
) AS found ON true
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


@dataclass(frozen=True, slots=True)
class _Clicks:
    """The clicks of a browser that are not processed.

    `due_since` is the time of the latest click that a worker will process. If
    `are_many_due` or `have_many_failed`, others may be among the visits that were not
    examined.
    """

    owners: Sequence[BrowserOwner]
    due_since: datetime | None
    has_clicks: bool
    are_many_due: bool
    have_many_failed: bool

    @property
    def are_doubtful(self) -> bool:
        return self.has_clicks or self.are_many_due or self.have_many_failed

    def is_wait_over(self, asked_at: datetime, now: datetime) -> bool:
        since = asked_at if self.are_many_due else None
        waits = [each for each in (self.due_since, since) if each is not None]
        return all(each <= now - MAX_WAIT for each in waits)


def load_for_open(account: Account, visitor_uid: str) -> BrowserSnapshot | datetime:
    """Load what is stored about the browser, or return when to examine it again.

    After the wait, only the opens that are processed count.
    """
    return _load(account, visitor_uid, None, asked_at=timezone.now() - MAX_WAIT)


def load_for_chat(
    account: Account, visitor_uid: str, contact: ContactRef, *, chatted_at: datetime
) -> BrowserSnapshot | datetime:
    """Load the same for a chat; after the wait, an unprocessed click is a doubt."""
    return _load(account, visitor_uid, contact, asked_at=chatted_at)


def _load(
    account: Account,
    visitor_uid: str,
    contact: ContactRef | None,
    *,
    asked_at: datetime,
) -> BrowserSnapshot | datetime:
    """Search for unprocessed clicks first, then load the facts.

    In the other order, a click that is processed in between would be in neither.
    """
    now = timezone.now()
    pixels = Pixel.objects.filter(account=account, visitor_uid=visitor_uid)
    pixel = pixels.first()
    if account.merge_mode == MergeMode.OFF:
        return facts.load_snapshot(account, pixel, contact)
    clicks = _unprocessed(account, visitor_uid, pixel, now)
    if not clicks.is_wait_over(asked_at, now):
        return now + POLL_INTERVAL
    people = clicks.owners if contact is not None else ()
    snapshot = facts.load_snapshot(account, pixel or pixels.first(), contact, people)
    settles_at = _settles_at(snapshot, now)
    if settles_at and settles_at > now:
        return settles_at
    return _with_doubt(snapshot, clicks, now)


def _with_doubt(
    snapshot: BrowserSnapshot, clicks: _Clicks, now: datetime
) -> BrowserSnapshot:
    if snapshot.browser is None or not clicks.are_doubtful:
        return snapshot
    is_due = clicks.due_since is not None or clicks.are_many_due
    return replace(
        snapshot,
        browser=replace(snapshot.browser, has_unprocessed=True),
        examine_at=now + MAX_WAIT if is_due else None,
    )


def _unprocessed(
    account: Account, visitor_uid: str, pixel: Pixel | None, now: datetime
) -> _Clicks:
    cookies = facts.load_cookies(pixel) if pixel else _due_cookies(account, visitor_uid)
    parameters: dict[str, Any] = {
        "account": account.pk,
        "visitor_uid": visitor_uid,
        "pixel": pixel.pk if pixel else None,
        "cookies": arrays.encode(list(cookies)),
        "since": now - RECENCY_WINDOW,
        "limit": MAX_VISITS,
        "rejected": AttachmentReview.REJECTED,
    }
    rows = queries.fetch_dicts(SELECT_UNPROCESSED, parameters)
    clicked = [row for row in rows if row["id"] is not None]
    due = [row["due_since"] for row in clicked if row["due_since"] is not None]
    return _Clicks(
        owners=[_owner(row) for row in clicked if not row["is_rejected"]],
        due_since=max(due, default=None),
        has_clicks=bool(clicked),
        are_many_due=rows[0]["are_many_due"],
        have_many_failed=rows[0]["have_many_failed"],
    )


def _owner(row: dict[str, Any]) -> BrowserOwner:
    return BrowserOwner(
        ContactRef(row["id"], row["is_anonymous"]),
        row["last_seen_at"],
        row["last_seen_at"],
        entity_id=row["entity_id"],
        is_only_browser=False,  # not known
        is_unprocessed=True,
    )


def _due_cookies(account: Account, visitor_uid: str) -> list[bytes]:
    """Return the hash of the new browser's cookie, if its first open is stored."""
    parameters = {"account": account.pk, "limit": MAX_VISITS}
    with connection.cursor() as cursor:
        cursor.execute(SELECT_DUE_COOKIES, parameters)
        due = [bytes(cookie) for (cookie,) in cursor.fetchall()]
    return [c for c in due if attachments.visitor_uid(account.pk, c) == visitor_uid]


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
