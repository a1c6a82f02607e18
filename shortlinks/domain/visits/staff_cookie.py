"""How the short host knows the browsers of those who work in the admin (DESIGN 11).

Whoever is signed in to the admin gets a signed cookie on the host of the short links:
at once where both share a host, else by being sent there and back; the same for each
short domain of the account. It says which user of which account; an operator's is good
for all accounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.db.models import OuterRef, Subquery

from shortlinks.domain.links import urls
from shortlinks.models import ShortDomain, ShortLink, User, Visit

TTL = timedelta(days=7)
HANDOFF_TTL = timedelta(minutes=1)
PATH = "/staff"
PARAMETER = "t"
COOKIE_SALT = "shortlinks.colleagues.cookie"
HANDOFF_SALT = "shortlinks.colleagues.invitation"
MAX_NOTICES = 5
MAX_HOSTS = 10


@dataclass(frozen=True, slots=True)
class OwnOpen:
    """A colleague opened a client's link; told in source urls, like all else."""

    url: str
    opened_at: datetime


def cookie_name() -> str:
    """Browsers take a __Host- cookie over https alone."""
    return "__Host-slstaff" if _is_https() else "slstaff"


def cookie_value(user: User) -> str:
    return signing.dumps([user.pk, user.account_id], salt=COOKIE_SALT)


def cookie_header(value: str) -> bytes:
    attributes = f"Path=/; Max-Age={TTL.total_seconds():.0f}; HttpOnly; SameSite=Lax"
    secure = "; Secure" if _is_https() else ""
    return f"{cookie_name()}={value}; {attributes}{secure}".encode()


def read(cookies: bytes, account_id: int) -> str:
    """Which colleague of the account the browser's cookies name: `user <id>`, or ""."""
    prefix = f"{cookie_name()}=".encode()
    if prefix not in cookies:
        return ""
    for part in cookies.split(b";"):
        name, _, value = part.strip().partition(b"=")
        named = name + b"=" == prefix and _find_user(
            value.decode("latin-1"), account_id
        )
        if named:  # one that another set may stand before ours
            return named
    return ""


def is_same_host() -> bool:
    """Whether a cookie that the admin sets is sent with short links, too."""
    base, short = urlsplit(settings.BASE_URL), urlsplit(settings.SHORT_BASE_URL)
    return (base.scheme, base.hostname) == (short.scheme, short.hostname)


def short_hosts(user: User) -> list[str]:
    """All that may open a link of the account; "" is the service's own short host."""
    domains = ShortDomain.objects.verified().filter(account=user.account_id)
    return ["", *domains.order_by("pk").values_list("host", flat=True)[:MAX_HOSTS]]


def handoff_url(user: User, back: str, host: str = "") -> str:
    """Where to send the browser for its cookie; it comes back to this path."""
    token = signing.dumps([cookie_value(user), back], salt=HANDOFF_SALT)
    return f"{urls.short_base_url(host)}{PATH}?{PARAMETER}={token}"


def accept_handoff(token: str) -> tuple[str, str] | None:
    """The cookie's value and the url to go back to; None if we never sent this."""
    try:
        value, back = signing.loads(token, salt=HANDOFF_SALT, max_age=HANDOFF_TTL)
    except signing.BadSignature:
        return None
    return value, f"{settings.BASE_URL}{back}"


def own_opens(user: User, since: datetime) -> Sequence[OwnOpen]:
    """What the user opened since then, and what was therefore not noted."""
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
        user_id, own_account = signing.loads(value, salt=COOKIE_SALT, max_age=TTL)
    except signing.BadSignature:
        return ""
    return _cookie_id(user_id) if own_account in (None, account_id) else ""


def _cookie_id(user_id: int) -> str:
    return f"user {user_id}"


def _is_https() -> bool:
    return bool(settings.SHORT_BASE_URL.startswith("https:"))
