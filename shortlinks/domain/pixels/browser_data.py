"""Everything that is stored about one browser, for the page `/privacy`.

Only the cookie's hash names the browser. The result names no contact, user or account.
Redirects run the statements, which may run twice.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

# The search is bounded, because no index has the cookie of a visit.
MAX_LINKS = 100
MAX_OPENS_OF_LINK = 200
MAX_OPENS = 100

SELECT = """
SELECT pixel.created_at, pixel.last_seen_at, opens.occurred_at, opens.target
FROM shortlinks_pixel AS pixel
LEFT JOIN LATERAL (
  SELECT visit.occurred_at, link.target
  FROM (
    SELECT link.id, link.target
    FROM shortlinks_pixelattachment AS attached
    JOIN shortlinks_contact AS contact
      ON attached.contact_id IN (contact.id, contact.merged_into_id)
    JOIN shortlinks_shortlink AS link ON link.contact_id = contact.id
    WHERE attached.pixel_id = pixel.id
    ORDER BY link.id DESC LIMIT %(max_links)s) AS link
  CROSS JOIN LATERAL (
    SELECT visit.occurred_at, visit.pixel_sha256 FROM shortlinks_visit AS visit
    WHERE visit.link_id = link.id AND visit.verdict <> ''
    ORDER BY visit.occurred_at DESC LIMIT %(max_opens_of_link)s) AS visit
  WHERE visit.pixel_sha256 = pixel.cookie_sha256
  ORDER BY visit.occurred_at DESC LIMIT %(max_opens)s) AS opens ON true
WHERE pixel.cookie_sha256 = decode(%(sha256)s, 'hex')
ORDER BY opens.occurred_at DESC LIMIT %(max_opens)s
"""
# A processed visit keeps the hash of the cookie, which no browser has any more. A visit
# that is not processed yet loses it, so that it does not create the pixel again. The
# update waits for workers, and `ERASE_PIXEL` finds what they have created.
ERASE_FROM_VISITS = """
UPDATE shortlinks_visit SET pixel_sha256 = NULL
WHERE due_at IS NOT NULL AND pixel_sha256 = decode(%(sha256)s, 'hex')
"""
ERASE_PIXEL = """
WITH pixel AS (
  SELECT id, account_id, visitor_uid FROM shortlinks_pixel
  WHERE cookie_sha256 = decode(%(sha256)s, 'hex') FOR UPDATE
), redemptions AS (
  DELETE FROM shortlinks_redemption AS redemption USING pixel
  WHERE redemption.account_id = pixel.account_id
    AND redemption.visitor_uid = pixel.visitor_uid
), chats AS (
  UPDATE shortlinks_chat AS chat SET visitor_uid = '' FROM pixel
  WHERE chat.account_id = pixel.account_id AND chat.visitor_uid <> ''
    AND chat.visitor_uid = pixel.visitor_uid
), checks AS (
  DELETE FROM shortlinks_mergecheck AS merge_check
  USING shortlinks_pixelattachment AS attached, pixel
  WHERE merge_check.attachment_id = attached.id AND attached.pixel_id = pixel.id
), attached AS (
  DELETE FROM shortlinks_pixelattachment AS attached USING pixel
  WHERE attached.pixel_id = pixel.id
)
DELETE FROM shortlinks_pixel USING pixel WHERE shortlinks_pixel.id = pixel.id
"""
ERASURE = (ERASE_FROM_VISITS, ERASE_PIXEL)
LIMITS = {
    "max_links": MAX_LINKS,
    "max_opens_of_link": MAX_OPENS_OF_LINK,
    "max_opens": MAX_OPENS,
}


class Open(NamedTuple):
    occurred_at: datetime
    host: str


class BrowserData(NamedTuple):
    """The newest opens come first; `first_seen_at` is None if nothing is stored."""

    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    opens: Sequence[Open] = ()

    def as_json(self) -> bytes:
        """Return indented JSON, because people read it."""
        data = self._asdict() | {"opens": [each._asdict() for each in self.opens]}
        return msgspec.json.format(msgspec.json.encode(data), indent=2)


def parameters(sha256: str) -> dict[str, Any]:
    """Return the parameters of all statements."""
    return {"sha256": sha256, **LIMITS}


def from_rows(rows: Iterable[Sequence[Any]]) -> BrowserData:
    """Return the data of all accounts' pixels of the browser.

    Only the host of a target is shown, because a URL may contain a name.
    """
    read = [(_utc(first), _utc(last), at, target) for first, last, at, target in rows]
    if not read:
        return BrowserData()
    return BrowserData(
        min(first for first, _, _, _ in read),
        max(last for _, last, _, _ in read),
        [
            Open(_utc(at), urlsplit(target).hostname or "")
            for _, _, at, target in read
            if at is not None
        ],
    )


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(microsecond=0)
