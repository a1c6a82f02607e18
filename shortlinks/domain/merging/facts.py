"""Facts for the merge rules, loaded with a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from shortlinks.domain.merging.rules import (
    Browser,
    BrowserOwner,
    ContactRef,
    MergeContext,
    Redemption,
)
from shortlinks.domain.postgres import queries
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
MAX_CHATS = 500
MAX_LINKS = 500
MAX_NAMED = 10  # opens of a contact in the evidence
MAX_OPENS = 500  # of one link; later browsers count as forwarded

SELECT_OWNERS = """
SELECT root.id, root.entity_id, root.is_anonymous, root.is_deleted,
       owned.first_seen_at, owned.last_seen_at, owned.is_confirmed, owned.was_clicked,
       owned.was_redeemed, owned.is_returning, owned.is_other_address,
       owned.last_seen_at - owned.first_seen_at >= interval '1 day' AS is_days_apart,
       others.browsers, others.earlier_browsers,
       (SELECT count(*) FROM shortlinks_merge AS merge
        WHERE merge.survivor_id = root.id AND merge.created_by_id IS NULL
          AND merge.created_at > %(now)s - interval '1 day') AS merged_today
FROM (
  SELECT coalesce(contact.merged_into_id, contact.id) AS root_id,
         min(attachment.first_seen_at) AS first_seen_at,
         max(attachment.last_seen_at) AS last_seen_at,
         bool_or(attachment.review = %(confirmed)s) AS is_confirmed,
         bool_or(attachment.evidence <> %(chat)s) AS was_clicked,
         bool_or(attachment.evidence = %(redeemed)s) AS was_redeemed,
         bool_or(attachment.is_returning) AS is_returning,
         bool_and(attachment.evidence = %(other_address)s) AS is_other_address
  FROM shortlinks_pixelattachment AS attachment
  JOIN shortlinks_contact AS contact ON contact.id = attachment.contact_id
  WHERE attachment.pixel_id = ANY(%(pixels)s)
  GROUP BY 1 HAVING NOT bool_or(attachment.review = %(rejected)s)
) AS owned
JOIN shortlinks_contact AS root ON root.id = owned.root_id
CROSS JOIN LATERAL (
  SELECT count(DISTINCT a.pixel_id) AS browsers,
         count(DISTINCT a.pixel_id) FILTER (
           WHERE a.first_seen_at < owned.first_seen_at
             AND a.first_seen_at > owned.first_seen_at - interval '30 days')
           AS earlier_browsers
  FROM shortlinks_contact AS member
  JOIN shortlinks_pixelattachment AS a ON a.contact_id = member.id
  WHERE coalesce(member.merged_into_id, member.id) = root.id
    AND a.pixel_id <> ALL(%(pixels)s) AND a.review <> %(rejected)s AND a.is_returning
) AS others
ORDER BY owned.last_seen_at DESC, root.id LIMIT %(limit)s
"""
# Contacts that chatted in the browser, the newest first.
SELECT_CHATTED = """
SELECT root.id, root.entity_id, root.is_anonymous, root.is_deleted,
       min(chat.created_at) AS first_seen_at, max(chat.updated_at) AS last_seen_at
FROM (SELECT contact_id, created_at, updated_at FROM shortlinks_chat
      WHERE account_id = %(account)s AND visitor_uid = ANY(%(visitor_uids)s)
        AND visitor_uid <> ''
      ORDER BY updated_at DESC LIMIT %(limit)s) AS chat
JOIN shortlinks_contact AS contact ON contact.id = chat.contact_id
JOIN shortlinks_contact AS root
  ON root.id = coalesce(contact.merged_into_id, contact.id)
GROUP BY root.id ORDER BY last_seen_at DESC, root.id
"""
# Links of these contacts that the browser opened, with its rank among the browsers that
# brought their cookies back.
SELECT_OPENS = """
SELECT link.root_id, link.id AS link_id, link.url, own.open_rank, own.opened_at,
       own.visit_id
FROM (
  SELECT coalesce(contact.merged_into_id, contact.id) AS root_id, link.id, link.url,
         link.account_id
  FROM shortlinks_contact AS contact
  JOIN shortlinks_shortlink AS link ON link.contact_id = contact.id
  WHERE coalesce(contact.merged_into_id, contact.id) = ANY(%(roots)s)
  ORDER BY link.id DESC LIMIT %(links)s
) AS link
CROSS JOIN LATERAL (
  SELECT pixel_sha256, opened_at, visit_id,
         1 + count(*) FILTER (WHERE pixel_sha256 <> ALL(%(cookies)s)) OVER (
           ORDER BY first_at ROWS UNBOUNDED PRECEDING) AS open_rank
  FROM (
    SELECT visit.pixel_sha256, min(visit.occurred_at) AS first_at,
           max(visit.occurred_at) AS opened_at,
           (array_agg(visit.id ORDER BY visit.occurred_at DESC))[1] AS visit_id
    FROM (
      SELECT id, pixel_sha256, occurred_at FROM shortlinks_visit
      WHERE link_id = link.id AND verdict = %(person)s AND verdict <> ''
        AND pixel_sha256 IS NOT NULL
      ORDER BY occurred_at LIMIT %(limit)s) AS visit
    GROUP BY visit.pixel_sha256) AS browser
  WHERE pixel_sha256 = ANY(%(cookies)s) OR EXISTS (
    SELECT FROM shortlinks_pixel AS pixel
    JOIN shortlinks_pixelattachment AS attachment ON attachment.pixel_id = pixel.id
    JOIN shortlinks_contact AS member ON member.id = attachment.contact_id
    WHERE (pixel.account_id, pixel.cookie_sha256)
          = (link.account_id, browser.pixel_sha256)
      AND coalesce(member.merged_into_id, member.id) = link.root_id
      AND attachment.is_returning AND attachment.review <> %(rejected)s)
) AS own
WHERE own.pixel_sha256 = ANY(%(cookies)s)
ORDER BY own.opened_at
"""
# Clicks that the site's page redeemed, with the short host's cookie.
# Browsers delete that cookie earlier than data that a site stores itself.
SELECT_REDEEMED = """
SELECT coalesce(contact.merged_into_id, contact.id) AS root_id,
       redeemed.redeemed_at, redeemed.is_same_browser, visit.pixel_sha256,
       visit.id AS visit_id, visit.occurred_at AS opened_at, link.id AS link_id,
       link.url
FROM (
  SELECT * FROM shortlinks_redemption
  WHERE account_id = %(account)s AND visitor_uid = %(visitor_uid)s
  ORDER BY redeemed_at DESC LIMIT %(limit)s) AS redeemed
JOIN shortlinks_contact AS contact ON contact.id = redeemed.contact_id
JOIN shortlinks_visit AS visit
  ON visit.id = redeemed.visit_id AND visit.verdict = %(person)s
JOIN shortlinks_shortlink AS link ON link.id = visit.link_id
ORDER BY redeemed.redeemed_at DESC
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that a browser opened, with its source URL and the newest visit."""

    link_id: int
    url: str
    opened_at: datetime
    open_rank: int
    visit_id: UUID


@dataclass(frozen=True, slots=True)
class BrowserSnapshot:
    """A browser with its stored facts; `opens` by contact, the newest last.

    `examine_at` is when to examine it again, because a click is still unprocessed.
    """

    pixel: Pixel | None
    browser: Browser | None
    context: MergeContext
    opens: dict[int, list[Opened]]
    examine_at: datetime | None = None

    def evidence(self, root_id: int, *others: int) -> dict[str, Any]:
        """Return the evidence that users see as the reason for a merge.

        The facts are those of `root_id`. The evidence names the opens of all these
        contacts' links, because the merge rests on them.
        """
        found = self._facts(root_id)
        if self.pixel is not None:
            found["pixel_id"] = self.pixel.pk
        if opened := self.opens.get(root_id):
            last = opened[-1]
            found |= {"url": last.url, "opened_at": int(last.opened_at.timestamp())}
        named = [self.opens.get(id_, [])[-MAX_NAMED:] for id_ in (root_id, *others)]
        if visits := [str(each.visit_id) for opened in named for each in opened]:
            found["visits"] = visits
        return found

    def _facts(self, root_id: int) -> dict[str, Any]:
        owners = self.browser.owners if self.browser else ()
        for owner in owners:
            if owner.contact.id == root_id and owner.first_seen_at is not None:
                return {
                    "entity_id": owner.entity_id,
                    "facts": owner.facts,
                    "first_seen_at": int(owner.first_seen_at.timestamp()),
                    "last_seen_at": int(owner.last_seen_at.timestamp()),
                }
        return {}


def load_snapshot(
    account: Account,
    pixel: Pixel | None,
    candidate: ContactRef | None = None,
    unprocessed: Sequence[BrowserOwner] = (),
) -> BrowserSnapshot:
    """Load what is stored about the browser, which may be `candidate`'s.

    `unprocessed` are the contacts of its clicks that are not processed yet.
    """
    now = timezone.now()
    if pixel is None:
        return BrowserSnapshot(None, None, MergeContext(now, account.merge_mode), {})
    clicks = _clicks(pixel)
    cookies = _cookies(pixel, clicks)
    pixels = list(Pixel.objects.filter(account=account, cookie_sha256__in=cookies))
    owned, chatted = _owner_rows(pixels, now), _chatted_rows(account, pixels)
    rows = [row for row in owned if not row["is_deleted"]]
    opens = _opens(cookies, [row["id"] for row in rows])
    openers = [_owner(row, opens.get(row["id"], []), account) for row in rows]
    # Deleted contacts, too: a user may have separated them from others in this browser.
    present = [ContactRef(row["id"], row["is_anonymous"]) for row in (*owned, *chatted)]
    present += [owner.contact for owner in unprocessed]
    separate = separated_pairs([*present, *([candidate] if candidate else [])])
    browser = Browser(
        owners=_with_unprocessed(_people(openers, _chatters(chatted)), unprocessed),
        is_shared=any(p.shared_since is not None for p in pixels),
        has_separated=any(len(pair) > 1 for pair in separate),
        redemptions=[
            Redemption(click["root_id"], click["redeemed_at"])
            for click in clicks
            if click["is_same_browser"]
        ],
    )
    _add_opens_elsewhere(opens, clicks)
    context = MergeContext(now, account.merge_mode, separate)
    return BrowserSnapshot(pixel, browser, context, opens)


def load_cookies(pixel: Pixel) -> list[bytes]:
    """Return the hashes of all cookies that this one browser had."""
    return _cookies(pixel, _clicks(pixel))


def load_contact(contact_id: int) -> ContactRef:
    """Load the contact's root; rows read before the lock may be outdated."""
    root = Contact.objects.select_related("merged_into").get(pk=contact_id).root
    return ContactRef(root.pk, root.is_anonymous)


def separated_pairs(contacts: Collection[ContactRef]) -> frozenset[frozenset[int]]:
    """Return the separate pairs among these contacts and those merged into them."""
    members = Contact.objects.with_root([contact.id for contact in contacts])
    roots = dict(members.values_list("pk", ROOT))
    pairs = SeparatePair.objects.filter(Q(one__in=roots) & Q(other__in=roots))
    return frozenset(
        frozenset({roots[one], roots[other]})
        for one, other in pairs.values_list("one_id", "other_id")
    )


def _clicks(pixel: Pixel) -> list[dict[str, Any]]:
    """Return the clicks of people that the site's page redeemed."""
    parameters = {
        "account": pixel.account_id,
        "visitor_uid": pixel.visitor_uid,
        "person": Verdict.PERSON,
        "limit": MAX_REDEMPTIONS,
    }
    return queries.fetch_dicts(SELECT_REDEEMED, parameters)


def _cookies(pixel: Pixel, clicks: Sequence[dict[str, Any]]) -> list[bytes]:
    same = [click for click in clicks if click["is_same_browser"]]
    cookies = {bytes(click["pixel_sha256"]) for click in same}
    return sorted({bytes(pixel.cookie_sha256), *cookies})


def _chatted_rows(account: Account, pixels: Sequence[Pixel]) -> list[dict[str, Any]]:
    parameters = {
        "account": account.pk,
        "visitor_uids": [pixel.visitor_uid for pixel in pixels],
        "limit": MAX_CHATS,
    }
    return queries.fetch_dicts(SELECT_CHATTED, parameters)


def _chatters(rows: Sequence[dict[str, Any]]) -> list[BrowserOwner]:
    return [
        BrowserOwner(
            ContactRef(row["id"], row["is_anonymous"]),
            row["last_seen_at"],
            row["first_seen_at"],
            has_chatted=True,
            entity_id=row["entity_id"],
            links_opened=0,
            is_only_browser=False,  # not known
        )
        for row in rows
        if not row["is_deleted"]
    ]


def _people(
    openers: Sequence[BrowserOwner], chatters: Sequence[BrowserOwner]
) -> list[BrowserOwner]:
    """Return openers and known contacts that chatted, once each."""
    people = {owner.contact.id: owner for owner in openers}
    for chatter in chatters:
        if opener := people.get(chatter.contact.id):
            people[chatter.contact.id] = _with_chat(opener, chatter)
        elif not chatter.contact.is_anonymous:
            people[chatter.contact.id] = chatter
    return list(people.values())


def _with_unprocessed(
    people: Sequence[BrowserOwner], unprocessed: Sequence[BrowserOwner]
) -> list[BrowserOwner]:
    processed = {owner.contact for owner in people}
    return [*people, *(o for o in unprocessed if o.contact not in processed)]


def _with_chat(opener: BrowserOwner, chatter: BrowserOwner) -> BrowserOwner:
    both = (opener, chatter)
    return replace(
        opener,
        has_chatted=True,
        first_seen_at=min(each.first_seen_at for each in both if each.first_seen_at),
        last_seen_at=max(each.last_seen_at for each in both),
    )


def _add_opens_elsewhere(
    opens: dict[int, list[Opened]], clicks: Sequence[dict[str, Any]]
) -> None:
    """Add clicks from another address as evidence, unless there is better evidence."""
    fields = ("link_id", "url", "opened_at", "visit_id")
    for click in clicks:
        if not click["is_same_browser"] and click["root_id"] not in opens:
            values = {name: click[name] for name in fields}
            opens[click["root_id"]] = [Opened(**values, open_rank=0)]


def _owner_rows(pixels: Sequence[Pixel], now: datetime) -> list[dict[str, Any]]:
    parameters = {
        "pixels": [pixel.pk for pixel in pixels],
        "now": now,
        "limit": MAX_OWNERS,
        "confirmed": AttachmentReview.CONFIRMED,
        "rejected": AttachmentReview.REJECTED,
        "chat": Evidence.CHAT,
        "redeemed": Evidence.CLICK_REDEEMED,
        "other_address": Evidence.OTHER_ADDRESS,
    }
    return queries.fetch_dicts(SELECT_OWNERS, parameters)


def _opens(cookies: Sequence[bytes], roots: Sequence[int]) -> dict[int, list[Opened]]:
    parameters = {
        "roots": list(roots),
        "cookies": list(cookies),
        "links": MAX_LINKS,
        "limit": MAX_OPENS,
        "person": Verdict.PERSON,
        "rejected": AttachmentReview.REJECTED,
    }
    found: defaultdict[int, list[Opened]] = defaultdict(list)
    for row in queries.fetch_dicts(SELECT_OPENS, parameters):
        found[row.pop("root_id")].append(Opened(**row))
    return dict(found)


def _owner(
    row: dict[str, Any], opened: Sequence[Opened], account: Account
) -> BrowserOwner:
    # After a detach, only later opens count, as for `is_days_apart`.
    since = [each for each in opened if each.opened_at >= row["first_seen_at"]]
    is_late = row["was_clicked"] and all(
        each.open_rank > account.max_browsers_per_link for each in since or opened
    )
    has_many = row["earlier_browsers"] >= account.max_browsers_per_contact
    return BrowserOwner(
        contact=ContactRef(row["id"], row["is_anonymous"]),
        last_seen_at=row["last_seen_at"],
        first_seen_at=row["first_seen_at"],
        has_redeemed=row["was_redeemed"],
        entity_id=row["entity_id"],
        links_opened=len({each.link_id for each in since}),
        is_returning=row["is_returning"],
        is_days_apart=row["is_days_apart"],
        is_only_browser=row["browsers"] == 0,
        is_other_address=row["is_other_address"],
        looks_forwarded=is_late or has_many,
        is_confirmed=row["is_confirmed"],
        merged_today=row["merged_today"],
    )
