"""Limits on the contacts, links, imports and webhooks of an account.

Contacts and links are not counted for each request. A worker adds new rows to
`AccountUsage` twice a minute, and each process keeps what it read for 15 seconds.
So an account can exceed these quotas by what it creates within two minutes.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_noop

from shortlinks.models import AccountUsage
from shortlinks.models.ids import first_id_at

CACHE_SECONDS = 15.0
MAX_CACHED = 1024
# Longer than a transaction that inserts rows, so that no count misses any.
COUNTING_DELAY = timedelta(seconds=60)
# A concurrent update finds `counted_to` changed, and adds nothing.
COUNT = """
WITH mark AS MATERIALIZED (
  SELECT coalesce(max(counted_to), 0) AS low FROM shortlinks_accountusage),
contact AS (
  SELECT account_id, count(*) AS rows FROM shortlinks_contact
  WHERE id >= (SELECT low FROM mark) AND id < %(high)s GROUP BY 1),
link AS (
  SELECT account_id, count(*) AS rows FROM shortlinks_shortlink
  WHERE id >= (SELECT low FROM mark) AND id < %(high)s GROUP BY 1)
INSERT INTO shortlinks_accountusage AS known (account_id, contacts, links, counted_to)
SELECT account.id, coalesce(contact.rows, 0), coalesce(link.rows, 0), %(high)s
FROM shortlinks_account AS account
LEFT JOIN contact ON contact.account_id = account.id
LEFT JOIN link ON link.account_id = account.id
ORDER BY account.id
ON CONFLICT (account_id) DO UPDATE
  SET contacts = known.contacts + excluded.contacts,
      links = known.links + excluded.links,
      counted_to = excluded.counted_to
  WHERE known.counted_to = (SELECT low FROM mark)
"""


TOO_MANY_CONTACTS = gettext_noop(
    "The account may have no more contacts. Ask the operator for a higher limit."
)
TOO_MANY_LINKS = gettext_noop(
    "The account may have no more links. Ask the operator for a higher limit."
)
TOO_MANY_IMPORTS = gettext_noop(
    "Too many files wait to be imported. Finish or cancel one of them first."
)


class Quota(StrEnum):
    CONTACTS = "contacts"
    LINKS = "links"
    IMPORTS = "imports"
    WEBHOOKS = "webhooks"


class QuotaReached(Exception):
    """The account may have no more of these. Nothing was stored."""

    def __init__(self, quota: Quota) -> None:
        super().__init__(quota.value)
        self.quota = quota
        self.limit = limit(quota)


def limit(quota: Quota) -> int:
    """Return the number that an account may have, or 0 if there is no limit."""
    return {
        Quota.CONTACTS: settings.MAX_CONTACTS_PER_ACCOUNT,
        Quota.LINKS: settings.MAX_LINKS_PER_ACCOUNT,
        Quota.IMPORTS: settings.MAX_UNFINISHED_IMPORTS_PER_ACCOUNT,
        Quota.WEBHOOKS: settings.MAX_WEBHOOKS_PER_ACCOUNT,
    }[quota]


def is_reached(quota: Quota, count: int) -> bool:
    return 0 < limit(quota) <= count


def are_contacts_full(account_id: int) -> bool:
    return _is_full(Quota.CONTACTS, account_id)


def are_links_full(account_id: int) -> bool:
    return _is_full(Quota.LINKS, account_id)


def _is_full(quota: Quota, account_id: int) -> bool:
    return limit(quota) > 0 and is_reached(quota, _usage(account_id)[quota])


def count_new_rows() -> None:
    """Add the rows since the last count, except those of the last minute."""
    high = first_id_at(timezone.now() - COUNTING_DELAY)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"high": high})


Usage = Mapping[str, int]
NO_USAGE: Usage = {Quota.CONTACTS: 0, Quota.LINKS: 0}
_cache: dict[int, tuple[float, Usage]] = {}


def _usage(account_id: int) -> Usage:
    now = time.monotonic()
    expires, usage = _cache.get(account_id, (0.0, NO_USAGE))
    if now < expires:
        return usage
    rows = AccountUsage.objects.filter(account=account_id)
    usage = rows.values(Quota.CONTACTS, Quota.LINKS).first() or NO_USAGE
    if len(_cache) >= MAX_CACHED:
        _cache.clear()
    _cache[account_id] = (now + CACHE_SECONDS, usage)
    return usage


def clear_cache() -> None:
    """Empty the cache of this process."""
    _cache.clear()
