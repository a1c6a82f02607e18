"""Valid rows; a test states just the fields it is about."""

import hashlib
import itertools
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from uuid_utils.compat import uuid7

from shortlinks.domain.auth import tokens
from shortlinks.domain.links import link_requests, urls
from shortlinks.domain.links import short_links as short_links
from shortlinks.domain.visits.visit_records import VisitRecord
from shortlinks.domain.webhooks import subscriptions
from shortlinks.domain.webhooks.subscriptions import Subscription
from shortlinks.models import (
    Account,
    ConnectedSite,
    Contact,
    Group,
    ShortDomain,
    ShortLink,
    User,
    Visit,
    Webhook,
)

URL = "https://shop.example/sale"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
# What a person's browser sends along when it opens a link.
BROWSER = {
    "User-Agent": CHROME,
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "ru-RU,ru;q=0.9,en;q=0.8",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-User": "?1",
}

_numbers = itertools.count(1)


def account(**fields: Any) -> Account:
    number = next(_numbers)
    return Account.objects.create(
        **{"name": f"Account {number}", "subdomain": f"account-{number}", **fields}
    )


def group(of: Account, **fields: Any) -> Group:
    return Group.objects.create(account=of, **{"name": f"G{next(_numbers)}", **fields})


def user(of: Account | None, **fields: Any) -> User:
    email = f"user-{next(_numbers)}@shop.example"
    return User.objects.create_user(
        **{
            "email": email,
            "account": of,
            "name": "A manager",
            "language": "en",
            **fields,
        }
    )


def admin(of: Account, **fields: Any) -> User:
    return user(of, is_admin=True, **fields)


def token(of: User, **fields: Any) -> str:
    return tokens.issue(of, **{"name": "a test", **fields}).text


def contact(of: Account, **fields: Any) -> Contact:
    number = next(_numbers)
    return Contact.objects.create(
        account=of,
        **{"entity_id": 1000 + number, "name": f"Contact {number}", **fields},
    )


def order(to: Contact, url: str = URL) -> link_requests.LinkRequest:
    return link_requests.LinkRequest(urls.parse(url, urls.policy()), to.entity_id)


def link(to: Contact, url: str = URL, **fields: Any) -> ShortLink:
    grant = link_requests.AuthorizedLinkRequest(
        urls.parse(url, urls.policy()), to.entity_id, to.id, to.account_id
    )
    made = short_links.create([grant])[0]
    row = ShortLink.objects.get(code=made.code)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return row


def links(to: Sequence[Contact], url: str = URL) -> list[ShortLink]:
    """One batch: a link for each contact."""
    parsed = urls.parse(url, urls.policy())
    grants = [
        link_requests.AuthorizedLinkRequest(parsed, c.entity_id, c.id, c.account_id)
        for c in to
    ]
    made = {created.code for created in short_links.create(grants)}
    return list(ShortLink.objects.filter(code__in=made).order_by("id"))


def visit(of: ShortLink | int, **fields: Any) -> Visit:
    """A visit as a redirect stores it, due at once."""
    now = timezone.now()
    return Visit.objects.create(
        **{
            "id": uuid7(),
            "link_id": of if isinstance(of, int) else of.id,
            "occurred_at": now,
            "method": "GET",
            "user_agent": CHROME,
            "accept_language": "ru",
            "referer": "",
            "sec_fetch": "none navigate document ?1",
            "purpose": "",
            "address": "192.0.2.0",
            "visitor_hash": secrets.token_bytes(16),  # each another browser
            "pixel_sha256": None,
            "pixel_is_new": False,
            "due_at": now - timedelta(minutes=1),
            **fields,
        }
    )


def facts(**fields: Any) -> VisitRecord:
    """A visit on its way into the log or the spool."""
    return VisitRecord(
        **{
            "id": str(uuid7()),
            "link_id": 7,
            "occurred_at": 1_795_000_000.25,
            "method": "GET",
            "user_agent": CHROME,
            "accept_language": "ru",
            "referer": "",
            "sec_fetch": "",
            "purpose": "",
            "address": "198.51.100.0",
            "visitor_hash": "ab" * 16,
            "pixel_sha256": "",
            "pixel_is_new": False,
            **fields,
        }
    )


def site(of: Account, **fields: Any) -> ConnectedSite:
    """With an origin of its own, unless it is told another."""
    origin = f"https://shop-{next(_numbers)}.example"
    return ConnectedSite.objects.create(account=of, **{"origin": origin, **fields})


def short_domain(of: Account, **fields: Any) -> ShortDomain:
    """Verified, under a site of its own, unless it is told otherwise."""
    host = f"go.shop-{next(_numbers)}.example"
    return ShortDomain.objects.create(
        account=of, **{"host": host, "verified_at": timezone.now(), **fields}
    )


def cookie_sha256(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-23T{text}+00:00")


def webhook(
    of: Account, destination: str, *, by: User | None = None
) -> tuple[Webhook, str]:
    """A webhook and its secret."""
    wanted = Subscription(destination, ["note_contact"], sort=None)
    made = subscriptions.subscribe(of, by or admin(of), wanted)
    assert made.secret is not None
    return made.webhook, made.secret
