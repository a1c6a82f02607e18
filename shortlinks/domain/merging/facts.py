"""What the rules decide on, read from rows in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from shortlinks.domain.merging.rules import (
    Browser,
    BrowserOwner,
    ContactRef,
    MergeContext,
    Redemption,
)
from shortlinks.models import (
    Account,
    AttachmentReview,
    Contact,
    Evidence,
    Pixel,
    SeparatePair,
    Verdict,
)
from shortlinks.models.contacts import ROOT

MAX_OWNERS = 50
MAX_REDEMPTIONS = 50
MAX_LINKS = 500
MAX_OPENS = 500  # of one link; whoever comes after them got it passed on

SELECT_OWNERS = """
SELECT root.id, root.is_anonymous, owned.last_seen_at, owned.is_confirmed,
       owned.was_clicked, others.browsers, others.before,
       (SELECT count(*) FROM shortlinks_merge AS merge
        WHERE merge.survivor_id = root.id AND merge.created_by_id IS NULL
          AND merge.created_at > %(now)s - interval '1 day')
FROM (
  SELECT coalesce(contact.merged_into_id, contact.id) AS root_id,
         min(attachment.first_seen_at) AS first_seen_at,
         max(attachment.last_seen_at) AS last_seen_at,
         bool_or(attachment.review = %(confirmed)s) AS is_confirmed,
         bool_or(attachment.evidence <> %(manual)s) AS was_clicked
  FROM shortlinks_pixelattachment AS attachment
  JOIN shortlinks_contact AS contact ON contact.id = attachment.contact_id
  WHERE attachment.pixel_id = ANY(%(pixels)s)
  GROUP BY 1 HAVING NOT bool_or(attachment.review = %(rejected)s)
) AS owned
JOIN shortlinks_contact AS root ON root.id = owned.root_id AND NOT root.is_deleted
CROSS JOIN LATERAL (
  SELECT count(DISTINCT a.pixel_id) AS browsers,
         count(DISTINCT a.pixel_id) FILTER (
           WHERE a.first_seen_at < owned.first_seen_at
             AND a.first_seen_at > owned.first_seen_at - interval '30 days') AS before
  FROM shortlinks_contact AS member
  JOIN shortlinks_pixelattachment AS a ON a.contact_id = member.id
  WHERE coalesce(member.merged_into_id, member.id) = root.id
    AND a.pixel_id <> ALL(%(pixels)s) AND a.review <> %(rejected)s
) AS others
ORDER BY owned.last_seen_at DESC, root.id LIMIT %(most)s
"""
# Which links of these contacts the browser opened, and as the how manieth of all.
SELECT_OPENS = """
SELECT link.root_id, link.id, link.url, mine.place, mine.last_at
FROM (
  SELECT coalesce(contact.merged_into_id, contact.id) AS root_id, link.id, link.url
  FROM shortlinks_contact AS contact
  JOIN shortlinks_shortlink AS link ON link.contact_id = contact.id
  WHERE coalesce(contact.merged_into_id, contact.id) = ANY(%(roots)s)
  ORDER BY link.id DESC LIMIT %(links)s
) AS link
CROSS JOIN LATERAL (
  SELECT pixel_sha256, last_at, rank() OVER (ORDER BY first_at) AS place
  FROM (
    SELECT visit.pixel_sha256, min(visit.occurred_at) AS first_at,
           max(visit.occurred_at) AS last_at
    FROM (
      SELECT pixel_sha256, occurred_at FROM shortlinks_visit
      WHERE link_id = link.id AND verdict = %(person)s AND verdict <> ''
        AND pixel_sha256 IS NOT NULL
      ORDER BY occurred_at LIMIT %(most)s) AS visit
    GROUP BY visit.pixel_sha256) AS browser
) AS mine
WHERE mine.pixel_sha256 = ANY(%(cookies)s)
ORDER BY mine.last_at
"""
# What the pages of connected sites took over in this browser, and by which cookie of
# the short host: browsers forget that sooner than what a site stores itself.
SELECT_REDEEMED = """
SELECT coalesce(contact.merged_into_id, contact.id), redeemed.redeemed_at,
       visit.pixel_sha256
FROM (
  SELECT * FROM shortlinks_redemption
  WHERE account_id = %(account)s AND visitor_uid = %(visitor_uid)s
  ORDER BY redeemed_at DESC LIMIT %(most)s) AS redeemed
JOIN shortlinks_contact AS contact ON contact.id = redeemed.contact_id
JOIN shortlinks_visit AS visit
  ON visit.id = redeemed.visit_id AND visit.verdict = %(person)s
ORDER BY redeemed.redeemed_at DESC
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that a browser opened; its source url."""

    link_id: int
    url: str
    opened_at: datetime
    open_rank: int


@dataclass(frozen=True, slots=True)
class BrowserSnapshot:
    """A browser and its account at a moment; `opens` by contact, the newest last."""

    pixel: Pixel | None
    browser: Browser | None
    context: MergeContext
    opens: dict[int, list[Opened]]

    def evidence(self, root_id: int) -> dict[str, Any]:
        """What a person is to see of why the browser is thought to be the contact's."""
        found: dict[str, Any] = {}
        if self.pixel is not None:
            found["pixel_id"] = self.pixel.pk
        if opened := self.opens.get(root_id):
            last = opened[-1]
            found |= {"url": last.url, "opened_at": int(last.opened_at.timestamp())}
        return found


def load_snapshot(
    account: Account, pixel: Pixel | None, also: ContactRef | None = None
) -> BrowserSnapshot:
    """What is known of the browser; `also` is somebody whom it may belong to."""
    now = timezone.now()
    if pixel is None:
        return BrowserSnapshot(None, None, MergeContext(now, account.merge_mode), {})
    redemptions, cookies = _redemptions(pixel)
    one = list(Pixel.objects.filter(account=account, cookie_sha256__in=cookies))
    owners = _owner_rows(one, now)
    opens = _opens(cookies, [row[0] for row in owners])
    browser = Browser(
        owners=[_owner(row, opens, account) for row in owners],
        is_quarantined=any(p.quarantined_at is not None for p in one),
        redemptions=redemptions,
    )
    parties = [owner.contact for owner in browser.owners]
    apart = separated_pairs([*parties, *([also] if also else [])])
    around = MergeContext(now, account.merge_mode, apart)
    return BrowserSnapshot(pixel, browser, around, opens)


def load_party(contact_id: int) -> ContactRef:
    """As the contact is now, in one's turn: what was read before may be outdated."""
    root = Contact.objects.select_related("merged_into").get(pk=contact_id).root
    return ContactRef(root.pk, root.is_anonymous)


def separated_pairs(parties: Collection[ContactRef]) -> frozenset[frozenset[int]]:
    """Which of these are not to be merged, they or what is merged into them."""
    members = Contact.objects.with_root([party.id for party in parties])
    roots = dict(members.values_list("pk", ROOT))
    pairs = SeparatePair.objects.filter(Q(one__in=roots) & Q(other__in=roots))
    return frozenset(
        frozenset({roots[one], roots[other]})
        for one, other in pairs.values_list("one_id", "other_id")
    )


def _redemptions(pixel: Pixel) -> tuple[list[Redemption], list[bytes]]:
    """Redeemed clicks of people, and the cookies that are this one browser's."""
    cookies = {bytes(pixel.cookie_sha256)}
    found = []
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {
            "account": pixel.account_id,
            "visitor_uid": pixel.visitor_uid,
            "person": Verdict.PERSON,
            "most": MAX_REDEMPTIONS,
        }
        cursor.execute(SELECT_REDEEMED, asked)
        for root_id, redeemed_at, cookie in cursor:
            found.append(Redemption(root_id, redeemed_at))
            cookies.add(bytes(cookie))
    return found, sorted(cookies)


def _owner_rows(pixels: Sequence[Pixel], now: datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            SELECT_OWNERS,
            {
                "pixels": [pixel.pk for pixel in pixels],
                "now": now,
                "most": MAX_OWNERS,
                "confirmed": AttachmentReview.CONFIRMED,
                "rejected": AttachmentReview.REJECTED,
                "manual": Evidence.MANUAL,
            },
        )
        return list(cursor.fetchall())


def _opens(cookies: Sequence[bytes], roots: Sequence[int]) -> dict[int, list[Opened]]:
    found: defaultdict[int, list[Opened]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            SELECT_OPENS,
            {
                "roots": list(roots),
                "cookies": list(cookies),
                "links": MAX_LINKS,
                "most": MAX_OPENS,
                "person": Verdict.PERSON,
            },
        )
        for root_id, link_id, url, place, last_at in cursor:
            found[root_id].append(Opened(link_id, url, last_at, place))
    return dict(found)


def _owner(
    row: tuple[Any, ...], opens: dict[int, list[Opened]], account: Account
) -> BrowserOwner:
    root_id, is_anonymous, last_seen_at, is_confirmed, was_clicked, *counts = row
    browsers, before, merged_today = counts
    opened = opens.get(root_id, [])
    is_late = was_clicked and all(
        o.open_rank > account.max_browsers_per_link for o in opened
    )
    return BrowserOwner(
        contact=ContactRef(root_id, is_anonymous),
        last_seen_at=last_seen_at,
        links_opened=len({o.link_id for o in opened}),
        is_only_browser=browsers == 0,
        looks_forwarded=is_late or before >= account.max_browsers_per_contact,
        is_confirmed=is_confirmed,
        merged_today=merged_today,
    )
