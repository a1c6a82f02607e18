"""What the rules decide on, read from rows in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from shortlinks.domain.merging.rules import Browser, Circumstances, Owner, Party
from shortlinks.models import (
    Account,
    Contact,
    Evidence,
    Pixel,
    SeparatePair,
    Standing,
    Verdict,
)
from shortlinks.models.contacts import ROOT

MOST_OWNERS = 50
MOST_LINKS = 500
MOST_OPENS = 500  # of one link; whoever comes after them got it passed on

SELECT_OWNERS = """
SELECT root.id, root.is_anonymous, owned.last_seen_at, owned.is_vouched,
       owned.was_clicked, others.browsers, others.before,
       (SELECT count(*) FROM shortlinks_merge AS merge
        WHERE merge.survivor_id = root.id AND merge.created_by_id IS NULL
          AND merge.created_at > %(now)s - interval '1 day')
FROM (
  SELECT coalesce(contact.merged_into_id, contact.id) AS root_id,
         min(attachment.first_seen_at) AS first_seen_at,
         max(attachment.last_seen_at) AS last_seen_at,
         bool_or(attachment.standing = %(vouched)s) AS is_vouched,
         bool_or(attachment.evidence <> %(manual)s) AS was_clicked
  FROM shortlinks_pixelattachment AS attachment
  JOIN shortlinks_contact AS contact ON contact.id = attachment.contact_id
  WHERE attachment.pixel_id = %(pixel)s
  GROUP BY 1 HAVING NOT bool_or(attachment.standing = %(revoked)s)
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
    AND a.pixel_id <> %(pixel)s AND a.standing <> %(revoked)s
) AS others
ORDER BY owned.last_seen_at DESC, root.id LIMIT %(most)s
"""
# Which links of these contacts the browser opened, and as the how manieth of all.
SELECT_OPENS = """
SELECT link.root_id, link.url, mine.place, mine.last_at
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
WHERE mine.pixel_sha256 = %(cookie)s
ORDER BY mine.last_at
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that a browser opened; its source url."""

    url: str
    at: datetime
    place: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A browser and its account at a moment; `opens` by contact, the newest last."""

    pixel: Pixel | None
    browser: Browser | None
    around: Circumstances
    opens: dict[int, list[Opened]]

    def evidence(self, root_id: int) -> dict[str, Any]:
        """What a person is to see of why the browser is thought to be the contact's."""
        found: dict[str, Any] = {}
        if self.pixel is not None:
            found["pixel_id"] = self.pixel.pk
        if opened := self.opens.get(root_id):
            last = opened[-1]
            found |= {"url": last.url, "opened_at": int(last.at.timestamp())}
        return found


def scene(account: Account, pixel: Pixel | None, also: Party | None = None) -> Scene:
    """What is known of the browser; `also` is somebody whom it may belong to."""
    now = timezone.now()
    if pixel is None:
        return Scene(None, None, Circumstances(now, account.merge_mode), {})
    owners = _owner_rows(pixel, now)
    opens = _opens(pixel, [row[0] for row in owners])
    browser = Browser(
        owners=[_owner(row, opens, account) for row in owners],
        is_quarantined=pixel.quarantined_at is not None,
    )
    parties = [owner.party for owner in browser.owners]
    apart = pairs_apart([*parties, *([also] if also else [])])
    around = Circumstances(now, account.merge_mode, apart)
    return Scene(pixel, browser, around, opens)


def party(contact: Contact) -> Party:
    root = contact.root
    return Party(root.pk, root.is_anonymous)


def pairs_apart(parties: Collection[Party]) -> frozenset[frozenset[int]]:
    """Which of these are not to be merged, they or what is merged into them."""
    members = Contact.objects.rooted_in([party.id for party in parties])
    roots = dict(members.values_list("pk", ROOT))
    pairs = SeparatePair.objects.filter(Q(one__in=roots) & Q(other__in=roots))
    return frozenset(
        frozenset({roots[one], roots[other]})
        for one, other in pairs.values_list("one_id", "other_id")
    )


def _owner_rows(pixel: Pixel, now: datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            SELECT_OWNERS,
            {
                "pixel": pixel.pk,
                "now": now,
                "most": MOST_OWNERS,
                "vouched": Standing.VOUCHED,
                "revoked": Standing.REVOKED,
                "manual": Evidence.MANUAL,
            },
        )
        return list(cursor.fetchall())


def _opens(pixel: Pixel, roots: Sequence[int]) -> dict[int, list[Opened]]:
    found: defaultdict[int, list[Opened]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            SELECT_OPENS,
            {
                "roots": list(roots),
                "cookie": bytes(pixel.cookie_sha256),
                "links": MOST_LINKS,
                "most": MOST_OPENS,
                "person": Verdict.PERSON,
            },
        )
        for root_id, url, place, last_at in cursor:
            found[root_id].append(Opened(url, last_at, place))
    return dict(found)


def _owner(
    row: tuple[Any, ...], opens: dict[int, list[Opened]], account: Account
) -> Owner:
    root_id, is_anonymous, last_seen_at, is_vouched, was_clicked, *counts = row
    browsers, before, merged_today = counts
    opened = opens.get(root_id, [])
    is_late = was_clicked and all(o.place > account.link_browsers for o in opened)
    return Owner(
        party=Party(root_id, is_anonymous),
        last_seen_at=last_seen_at,
        links_opened=len(opened),
        is_only_browser=browsers == 0,
        looks_forwarded=is_late or before >= account.contact_browsers,
        is_vouched=is_vouched,
        merged_today=merged_today,
    )
