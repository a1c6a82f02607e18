"""Gates: the checks that a request passes before its view handles it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.http.request import HttpHeaders
from django.utils import timezone

from shortlinks.api import problems
from shortlinks.api.database_breaker import breaker
from shortlinks.api.problems import Problem
from shortlinks.domain import integers
from shortlinks.domain.auth import guess_limits, rate_limits, tokens
from shortlinks.domain.auth.guess_limits import Secret
from shortlinks.domain.auth.rate_limits import Acquired
from shortlinks.domain.auth.tokens import Caller, TokenRejected
from shortlinks.models import Scope, User

CONTEXT_USER = "X-Context-User-ID"
CONTEXT_USER_META = HttpHeaders.to_wsgi_name(CONTEXT_USER)
NO_CREDENTIALS = (
    "Authentication credentials were not provided. Send an access token as a Bearer"
    " token in the Authorization header."
)
OTHER_SCHEME = (
    "The Authorization header has another scheme than Bearer. Send an access token as"
    " `Authorization: Bearer <token>`."
)
NOT_AN_ADMIN = f"{CONTEXT_USER} requires an administrator's token. Omit this header."
UNKNOWN_USER = f"{CONTEXT_USER} does not match an active user of this account."


Scopes = Scope | Sequence[Scope] | None


@dataclass(slots=True)
class CheckedRequest:
    """A request, and what the gates have found out about it.

    The token needs one of `scopes`; None accepts any token. A cached token saves a
    query, but a view may accept it only if it confirms the caller (`tokens.confirm`).
    """

    request: HttpRequest
    scopes: Scopes
    accepts_cached_token: bool = False
    is_counted: bool = False
    acquired: Acquired | None = None  # None if nothing limits the request
    _caller: Caller | None = None

    @property
    def caller(self) -> Caller:
        assert self._caller is not None  # noqa: S101  gates set it
        return self._caller

    @caller.setter
    def caller(self, caller: Caller) -> None:
        self._caller = caller

    @property
    def user(self) -> User | None:
        """Return the caller's user, or None before authentication."""
        return self._caller.user if self._caller else None

    @property
    def has_cached_token(self) -> bool:
        return self._caller is not None and self._caller.version is not None


Gate = Callable[[CheckedRequest], None]


def require_database(checked: CheckedRequest) -> None:
    if breaker.is_open:
        raise problems.database_unavailable()


def authenticate(checked: CheckedRequest) -> None:
    words = checked.request.META.get("HTTP_AUTHORIZATION", "").split()
    if not words or words[0].lower() != "bearer":
        # do not repeat the header: it may be a token without a scheme
        detail = OTHER_SCHEME if words else NO_CREDENTIALS
        raise Problem(401, detail, headers=problems.CHALLENGE)
    try:
        checked.caller = _caller(words, accepts_cached=checked.accepts_cached_token)
    except TokenRejected as error:
        tokens.record_rejected(error)
        attempt = guess_limits.begin(Secret.TOKEN)
        if not attempt.is_allowed:
            raise problems.too_many_requests(attempt.wait_seconds) from None
        raise
    tokens.record_network(checked.caller.token)


def _caller(words: Sequence[str], *, accepts_cached: bool) -> Caller:
    if len(words) != 2:
        raise TokenRejected
    now = timezone.now()
    cached = tokens.get_cached(words[1], now=now) if accepts_cached else None
    if cached:
        return Caller(cached.row.user, cached.row, cached.version)
    token = tokens.verify(words[1], now=now)
    return Caller(token.user, token)


def act_for_user(checked: CheckedRequest) -> None:
    """Let an administrator's token act for the user that the request names."""
    text = checked.request.META.get(CONTEXT_USER_META)
    if text is None:
        return
    caller = checked.caller
    if not caller.user.is_admin:
        raise Problem(403, NOT_AN_ADMIN)
    user = (
        User.objects.in_account(caller.user.account_id or 0)
        .filter(pk=integers.from_text(text), is_active=True)
        .first()
    )
    if user is None:
        raise Problem(403, UNKNOWN_USER)
    checked.caller = Caller(user, caller.token, caller.version)


def limit_rate(checked: CheckedRequest) -> None:
    """Count the request once, even if it passes the gates twice."""
    if checked.is_counted:
        return
    token = checked.caller.token
    limits = rate_limits.limits_for_token(token.pk, token.account_id, token.rate)
    checked.acquired = rate_limits.acquire(limits)
    if checked.acquired and checked.acquired.wait_seconds:
        raise problems.too_many_requests(checked.acquired.wait_seconds)
    checked.is_counted = True


def require_scope(checked: CheckedRequest) -> None:
    """Reject a token without the scope, after `limit_rate` counted the request."""
    required = accepted_scopes(checked.scopes)
    if required and not required.intersection(checked.caller.token.scopes):
        raise Problem(403, "Invalid scope")


def accepted_scopes(scopes: Scopes) -> frozenset[Scope]:
    """Return the scopes of which a token needs one, or an empty set for any token."""
    if scopes is None:
        return frozenset()
    return frozenset([scopes] if isinstance(scopes, Scope) else scopes)


GATES: tuple[Gate, ...] = (
    require_database,
    authenticate,
    act_for_user,
    limit_rate,
    require_scope,
)


def check(checked: CheckedRequest) -> None:
    for gate in GATES:
        gate(checked)
