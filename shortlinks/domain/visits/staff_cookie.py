"""Recognize users of the admin on the short host, so that their visits do not count.

A signed-in user gets a signed cookie on the short host and on each short domain of the
account. If the admin is on another host, redirects set the cookie (`staff_handoff`). It
contains the user and the account; an operator's cookie is valid for all accounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.db.models import OuterRef, Subquery

from shortlinks.domain import cookie_headers
from shortlinks.models import ShortDomain, ShortLink, User, Visit

TTL = timedelta(days=7)
NAME = "slstaff"
COOKIE_SALT = "shortlinks.staff.cookie"
MAX_NOTICES = 5
MAX_HOSTS = 10


@dataclass(frozen=True, slots=True)
class OwnOpen:
    """A user's own open of a client's link, by its source URL."""

    url: str
    opened_at: datetime


def cookie_name() -> str:
    return prefixed(NAME)


def prefixed(name: str) -> str:
    """Return the cookie's name; browsers accept __Host- only over https."""
    return f"__Host-{name}" if _is_https() else name


def cookie_value(user_id: int, account_id: int | None) -> str:
    return signing.dumps([user_id, account_id], salt=COOKIE_SALT)


def cookie_header(user_id: int, account_id: int | None) -> bytes:
    return set_cookie_header(NAME, cookie_value(user_id, account_id), TTL)


def set_cookie_header(name: str, value: str, ttl: timedelta) -> bytes:
    """Return a Set-Cookie header for this host only; the cookie ends after `ttl`."""
    attributes = f"Path=/; Max-Age={ttl.total_seconds():.0f}; HttpOnly; SameSite=Lax"
    secure = "; Secure" if _is_https() else ""
    return f"{prefixed(name)}={value}; {attributes}{secure}".encode()


def read(cookies: bytes, account_id: int) -> str:
    """Return `user <id>` if a cookie names a user of this account, or else ""."""
    prefix = f"{cookie_name()}=".encode()
    if prefix not in cookies:
        return ""
    for value in cookie_headers.values(cookies, prefix):
        if named := _find_user(value.decode("latin-1"), account_id):
            return named
    return ""


def is_same_host() -> bool:
    """Return whether browsers send the admin's cookies with short links, too."""
    base, short = urlsplit(settings.BASE_URL), urlsplit(settings.SHORT_BASE_URL)
    return (base.scheme, base.hostname) == (short.scheme, short.hostname)


def short_hosts(user: User) -> list[str]:
    """Return the hosts of the account's links; "" is the service's own short host."""
    domains = ShortDomain.objects.verified().filter(account=user.account_id)
    return ["", *domains.order_by("pk").values_list("host", flat=True)[:MAX_HOSTS]]


def own_opens(user: User, since: datetime) -> Sequence[OwnOpen]:
    """Return the user's own opens since then, for which no notes were written."""
    link = ShortLink.objects.filter(pk=OuterRef("link_id"))
    opens = (
        Visit.objects.filter(staff=_cookie_id(user.pk), occurred_at__gt=since)
        .annotate(link_url=Subquery(link.values("url")))
        .order_by("-occurred_at")
        .values_list("link_url", "occurred_at")[:MAX_NOTICES]
    )
    return [OwnOpen(url, opened_at) for url, opened_at in opens if url]


def _find_user(value: str, account_id: int) -> str:
    try:
        user_id, cookie_account = signing.loads(value, salt=COOKIE_SALT, max_age=TTL)
    except signing.BadSignature:
        return ""
    return _cookie_id(user_id) if cookie_account in (None, account_id) else ""


def _cookie_id(user_id: int) -> str:
    return f"user {user_id}"


def _is_https() -> bool:
    return bool(settings.SHORT_BASE_URL.startswith("https:"))
