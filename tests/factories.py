"""Create valid rows; a test passes only the fields that matter to it."""

import hashlib
import itertools
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from shortlinks.domain.auth import tokens
from shortlinks.domain.links import link_creation, link_requests, urls
from shortlinks.domain.visits.visit_records import VisitRecord
from shortlinks.domain.webhooks import subscriptions
from shortlinks.domain.webhooks.subscriptions import Subscription
from shortlinks.models import (
    Account,
    ConnectedSite,
    Contact,
    Erasure,
    ErasureOrigin,
    Group,
    Note,
    NoteType,
    ShortDomain,
    ShortLink,
    User,
    Visit,
    Webhook,
)
from shortlinks.models.tokens import USER_SCOPES

URL = "https://shop.example/sale"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
# The headers of a browser when a person opens a link.
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


def erasure(account: Account, **fields: Any) -> Erasure:
    """Create the receipt of a finished erasure."""
    return Erasure.objects.create(
        **{
            "account": account,
            "contacts": [],
            "origin": ErasureOrigin.API,
            "due_at": None,
            "finished_at": timezone.now(),
            **fields,
        }
    )


def admin(of: Account, **fields: Any) -> User:
    return user(of, is_admin=True, **fields)


def token(of: User, **fields: Any) -> str:
    """Return a token with a person's scopes that was used from this machine before."""
    issued = tokens.issue(of, **{"name": "a test", "scopes": USER_SCOPES, **fields})
    issued.row.networks = ["127.0.0.0"]
    issued.row.save(update_fields=["networks"])
    return issued.text


def contact(of: Account, **fields: Any) -> Contact:
    number = next(_numbers)
    return Contact.objects.create(
        account=of,
        **{"entity_id": 1000 + number, "name": f"Contact {number}", **fields},
    )


def order(to: Contact, url: str = URL) -> link_requests.LinkRequest:
    return link_requests.LinkRequest(urls.parse(url, urls.policy()), to.entity_id)


def note(of: Contact, **fields: Any) -> Note:
    return Note.objects.create(
        account=of.account,
        contact=of,
        **{"note_type": NoteType.COMMON, "text": "A note", **fields},
    )


def link(to: Contact, url: str = URL, **fields: Any) -> ShortLink:
    grant = link_requests.AuthorizedLinkRequest(
        urls.parse(url, urls.policy()), to.entity_id, to.id, to.account_id
    )
    made = link_creation.create([grant])[0]
    row = ShortLink.objects.get(code=made.code)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return row


def links(to: Sequence[Contact], url: str = URL) -> list[ShortLink]:
    """Create one batch with a link for each contact."""
    parsed = urls.parse(url, urls.policy())
    grants = [
        link_requests.AuthorizedLinkRequest(parsed, c.entity_id, c.id, c.account_id)
        for c in to
    ]
    made = {created.code for created in link_creation.create(grants)}
    return list(ShortLink.objects.filter(code__in=made).order_by("id"))


def visit_id(occurred_at: datetime) -> UUID:
    """Return a UUIDv7 of this time, in the order of calls within a millisecond."""
    milliseconds = int(occurred_at.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | next(_numbers))


def visit(of: ShortLink | int, **fields: Any) -> Visit:
    """Create a visit as a redirect stores it, due at once."""
    now = timezone.now()
    occurred_at = fields.get("occurred_at", now)
    return Visit.objects.create(
        **{
            "id": visit_id(occurred_at),
            "link_id": of if isinstance(of, int) else of.id,
            "occurred_at": occurred_at,
            "method": "GET",
            "user_agent": CHROME,
            "accept_language": "ru",
            "referer": "",
            "sec_fetch": "none navigate document ?1",
            "purpose": "",
            "address": "192.0.2.0",
            "visitor_hash": secrets.token_bytes(16),  # another browser for each
            "pixel_sha256": None,
            "pixel_is_new": False,
            "due_at": now - timedelta(minutes=1),
            **fields,
        }
    )


def facts(**fields: Any) -> VisitRecord:
    """Return a visit on its way to Postgres or the spool."""
    occurred_at = fields.get("occurred_at", 1_795_000_000.25)
    return VisitRecord(
        **{
            "id": str(visit_id(datetime.fromtimestamp(occurred_at, UTC))),
            "link_id": 7,
            "occurred_at": occurred_at,
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
    """Create a connected site with its own origin."""
    origin = f"https://shop-{next(_numbers)}.example"
    return ConnectedSite.objects.create(account=of, **{"origin": origin, **fields})


def short_domain(of: Account, **fields: Any) -> ShortDomain:
    """Create a verified short domain under its own host."""
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
    """Create a webhook and return it with its secret."""
    wanted = Subscription(destination, ["note_contact"], sort=None)
    made = subscriptions.subscribe(of, by or admin(of), wanted)
    assert made.secret is not None
    return made.webhook, made.secret


def disable(webhook: Webhook) -> None:
    """Disable a webhook as if its receiver had failed too long."""
    now = timezone.now()
    Webhook.objects.filter(pk=webhook.pk).update(
        disabled_at=now, failing_since=now, failures=10, last_error="status: 500"
    )
