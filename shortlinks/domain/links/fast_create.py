"""New links for a caller whom this process has seen before, in one round trip.

Whether the token is still what it was, whether its user may view the contacts, whether
there are live links already: the statement that inserts asks it all. It makes every
link, or it does nothing; what then is to be done `tokens`, `access` and `links` say.
"""

from collections.abc import Sequence
from functools import cache

from django.db import transaction

from shortlinks.domain.auth import permissions, tokens
from shortlinks.domain.auth.tokens import CachedToken
from shortlinks.domain.links import codes, redis_cache, short_links
from shortlinks.domain.links.link_requests import LinkRequest
from shortlinks.domain.links.short_links import CreatedLink


def create_in_one_statement(
    orders: Sequence[LinkRequest], token: CachedToken, *, created_from: str = ""
) -> list[CreatedLink] | None:
    """A new link for each order, in their order; None if that is not the whole answer,
    and then nothing has changed.

    One order is asked for once: two that are the same are not all new.
    """
    user = token.row.user
    new_codes = [codes.generate() for _ in orders]
    urls = [order.url for order in orders]
    parameters = {
        **permissions.visible_contacts_params(user),
        **short_links.url_params(urls, token.row.account_id, created_from),
        "jti": token.row.jti,
        "version": token.version,
        "entity_ids": [order.entity_id for order in orders],
        "codes": new_codes,
        "hashes": [short_links.sha256(url.given) for url in urls],
    }
    made = short_links.insert_if_all_new(
        _insert(permissions.visible_contacts_sql(user)), parameters
    )
    if len(made) < len(orders):
        return None
    live = {link.code: link for link in made.values()}
    cached = {code: link.cached for code, link in live.items()}
    transaction.on_commit(lambda: redis_cache.write_soon(cached))
    return [
        CreatedLink(code, token.row.account_id, order.entity_id, live[code].host)
        for code, order in zip(new_codes, orders, strict=True)
    ]


@cache
def _insert(readable: str) -> str:
    return f"""
    WITH caller AS (
      SELECT FROM {tokens.ACTIVE_TOKENS_SQL}
      AND {tokens.ROW_VERSION_SQL} = %(version)s),
    readable (entity_id, contact_id) AS ({readable}),
    o AS MATERIALIZED (
      SELECT contact_id, code, url, target, url_sha256
      FROM unnest(%(entity_ids)s::bigint[], %(codes)s::text[], %(urls)s::text[],
                  %(targets)s::text[], %(hashes)s::bytea[])
        AS o (entity_id, code, url, target, url_sha256)
      JOIN readable USING (entity_id) JOIN caller ON true),
    {short_links.NEW_LINKS_CTE} {short_links.SELECT_NEW_LINKS}
    """  # noqa: S608  put together from constants
