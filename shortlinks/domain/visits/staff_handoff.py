"""Give a signed-in user's browser the staff cookie of another host, by redirects.

1. The admin redirects to the short host with a start token, bound to the session.
2. The short host sets a random verifier as a cookie, and redirects to itself to check
   that the browser returns it.
3. It redirects to the admin with the verifier's SHA-256, the challenge (as in PKCE).
4. The admin compares the session, and signs an invitation for user and challenge.
5. The short host accepts the invitation once, together with the verifier.

All steps must follow within a minute. No step needs a query.
"""

import hashlib
import itertools
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from shortlinks.domain.links import urls
from shortlinks.domain.visits import staff_cookie
from shortlinks.models import User

TTL = timedelta(minutes=1)
PATH = "/staff"
CALLBACK_PATH = "/admin/staff/"
START = "start"
CHALLENGE = "challenge"
INVITATION = "t"
START_SALT = "shortlinks.staff.start"
SESSION_SALT = "shortlinks.staff.session"
INVITATION_SALT = "shortlinks.staff.invitation"
MAX_VERIFIERS = 5  # of a browser, one for each tab in which the admin is opened
MAX_CHECKED_VERIFIERS = 2 * MAX_VERIFIERS
VERIFIER_NAME = "slverifier-"  # followed by digits of the challenge
NAME_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Start:
    """Handoff that the admin has started in one of its sessions."""

    session: str
    host: str
    back: str

    def is_of(self, session_key: str | None) -> bool:
        return constant_time_compare(self.session, _session_digest(session_key))


@dataclass(frozen=True, slots=True)
class Invitation:
    """Permission to set a user's staff cookie in the browser with the verifier."""

    user_id: int
    account_id: int | None
    challenge: str
    nonce: str
    back: str


def start_url(session_key: str | None, host: str, back: str) -> str:
    """Return the short host's URL that starts a handoff and ends at this path."""
    fields = [_session_digest(session_key), host, back]
    token = signing.dumps(fields, salt=START_SALT, compress=True)
    return f"{urls.short_base_url(host)}{PATH}?{urlencode({START: token})}"


def read_start(token: str) -> Start | None:
    """Return the handoff, or None if the token is forged or expired."""
    try:
        return Start(*signing.loads(token, salt=START_SALT, max_age=TTL))
    except signing.BadSignature:
        return None


def check_path(token: str, challenge: str) -> str:
    """Return the short host's path that checks whether the verifier is returned."""
    return f"{PATH}?{urlencode({START: token, CHALLENGE: challenge})}"


def callback_url(token: str, challenge: str) -> str:
    """Return the admin's URL; the challenge is empty if cookies are blocked."""
    query = urlencode({START: token, CHALLENGE: challenge})
    return f"{settings.BASE_URL}{CALLBACK_PATH}?{query}"


def invitation_url(user: User, start: Start, challenge: str) -> str:
    nonce = secrets.token_urlsafe(16)
    fields = [user.pk, user.account_id, challenge, nonce, start.back]
    token = signing.dumps(fields, salt=INVITATION_SALT, compress=True)
    return f"{urls.short_base_url(start.host)}{PATH}?{urlencode({INVITATION: token})}"


def read_invitation(token: str) -> Invitation | None:
    """Return the invitation, or None if the token is forged or expired."""
    try:
        fields = signing.loads(token, salt=INVITATION_SALT, max_age=TTL)
    except signing.BadSignature:
        return None
    return Invitation(*fields)


def back_url(back: str) -> str:
    return f"{settings.BASE_URL}{back}"


def claim_key(nonce: str) -> str:
    """Return the Redis key that exists after the invitation was accepted."""
    return f"{settings.REDIS_KEY_PREFIX}staff-invitation:{nonce}"


def new_verifier() -> tuple[str, bytes]:
    """Return the challenge and the header that sets the verifier as a cookie."""
    verifier = secrets.token_urlsafe(32)
    challenge = _challenge(verifier.encode())
    return challenge, _cookie(challenge, verifier, 2 * TTL)


def has_verifier(cookies: bytes, challenge: str) -> bool:
    """Return whether the browser has the verifier of this challenge."""
    return any(_challenge(value) == challenge for _, value in _verifiers(cookies))


def delete_verifier(challenge: str) -> bytes:
    return _cookie(challenge, "", timedelta())


def delete_many_verifiers(cookies: bytes) -> list[bytes]:
    """Return headers that delete all verifiers, if a page has caused too many."""
    found = _verifiers(cookies)
    if len(found) < MAX_VERIFIERS:
        return []
    return [delete_verifier(digits.decode()) for digits, _ in found]


def _verifiers(cookies: bytes) -> list[tuple[bytes, bytes]]:
    """Return the digits in the names of the browser's verifiers, and their values."""
    name = staff_cookie.prefixed(VERIFIER_NAME).encode()
    pattern = rb"(?:^|; ?)" + name + rb"([0-9a-f]{8})=([\w-]{43})"
    found = itertools.islice(re.finditer(pattern, cookies), MAX_CHECKED_VERIFIERS)
    return [(match[1], match[2]) for match in found]


def _cookie(challenge: str, value: str, ttl: timedelta) -> bytes:
    name = f"{VERIFIER_NAME}{challenge[:NAME_DIGITS]}"
    return staff_cookie.set_cookie_header(name, value, ttl)


def _challenge(verifier: bytes) -> str:
    return hashlib.sha256(verifier).hexdigest()


def _session_digest(session_key: str | None) -> str:
    return salted_hmac(SESSION_SALT, session_key or "", algorithm="sha256").hexdigest()
