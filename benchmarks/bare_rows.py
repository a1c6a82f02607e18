"""Links as bare SQL inserts them: the yardsticks' statements."""

import hashlib
from collections.abc import Sequence

from shortlinks.domain.links import codes

INSERT_ONE = """
INSERT INTO shortlinks_shortlink
  (account_id, contact_id, code, url, target, url_sha256, batch, created_at)
SELECT account_id, id, %(code)s, %(url)s, %(url)s, %(hash)s, gen_random_uuid(), now()
FROM shortlinks_contact WHERE entity_id = %(entity)s
  AND account_id = (SELECT min(id) FROM shortlinks_account)
"""
INSERT_MANY = """
INSERT INTO shortlinks_shortlink
  (account_id, contact_id, code, url, target, url_sha256, batch, created_at)
SELECT %(account)s, contact_id, code, url, url, hash, %(batch)s, now()
FROM unnest(%(contacts)s::bigint[], %(codes)s::text[], %(urls)s::text[],
            %(hashes)s::bytea[]) AS o (contact_id, code, url, hash)
"""


def columns(contacts: Sequence[int], urls: Sequence[str]) -> dict[str, object]:
    return {
        "contacts": list(contacts),
        "codes": [codes.generate() for _ in urls],
        "urls": list(urls),
        "hashes": [hashlib.sha256(url.encode()).digest() for url in urls],
    }
