"""API tokens: JWTs signed by a key of their own (contract §3)."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from django.db import connection
from django.db.models import Model, Q
from django.utils import timezone

from shortlinks.domain.postgres import queries
from shortlinks.models import Account, ApiToken, Integration, Scope, User

M = TypeVar("M", bound=Model)

ALGORITHM = "HS256"
MAX_TOKEN_LENGTH = 4096
DEFAULT_TTL = timedelta(days=365)
LAST_USED_PRECISION = timedelta(minutes=1)
JOINED = (ApiToken, User, Account)
# Tokens that still open the door (contract §2: otherwise 401).
ACTIVE_TOKENS_SQL = """
shortlinks_apitoken
JOIN shortlinks_user ON shortlinks_user.id = shortlinks_apitoken.user_id
JOIN shortlinks_account ON shortlinks_account.id = shortlinks_apitoken.account_id
WHERE jti = %(jti)s AND revoked_at IS NULL AND expires_at > %(now)s
  AND shortlinks_user.is_active AND shortlinks_account.is_active
"""
# Another for each change of any of the three rows: where it lies, and who wrote it.
ROW_VERSION_SQL = """
(shortlinks_apitoken.ctid, shortlinks_apitoken.xmin, shortlinks_user.ctid,
 shortlinks_user.xmin, shortlinks_account.ctid, shortlinks_account.xmin)::text
"""
SELECT_ACTIVE = f"SELECT {ROW_VERSION_SQL}, {{columns}} FROM {ACTIVE_TOKENS_SQL}"  # noqa: S608  constants
MAX_CACHED = 1024


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """The only sight of a token: `text` is stored nowhere."""

    text: str
    row: ApiToken


@dataclass(frozen=True, slots=True)
class CachedToken:
    """A live token as this process last saw it; `version` says of which rows."""

    row: ApiToken
    version: str


class TokenRejected(Exception):
    """The token opens nothing; callers hear no more than that."""


def issue(
    user: User,
    *,
    name: str,
    life: timedelta = DEFAULT_TTL,
    scopes: Sequence[str] = tuple(Scope.values),
    integration: Integration | None = None,
) -> IssuedToken:
    if user.account is None:
        raise ValueError("an operator has no account, and so no token")
    now = timezone.now().replace(microsecond=0)
    row = ApiToken.objects.create(
        jti=uuid.uuid4(),
        account=user.account,
        user=user,
        integration=integration,
        name=name,
        scopes=list(scopes),
        created_at=now,
        expires_at=now + life,
    )
    return IssuedToken(text=_sign(row), row=row)


def verify(text: str, *, now: datetime) -> ApiToken:
    """The live token's row with its user and account, or TokenRejected."""
    found = _fetch_active(_read_jti(text), now)
    if found is None:
        raise TokenRejected
    _record_use(found.row, now)
    _cache(found)
    return found.row


def get_cached(text: str, *, now: datetime) -> CachedToken | None:
    """What this process remembers of the token, or None if it should ask `verify`.

    It may be revoked by now, and its user may have lost his rights: whoever relies on
    it asks in his own statement whether the row `LIVE` still has this `VERSION`.
    """
    try:
        token = _cached_tokens.get(_read_jti(text))
    except TokenRejected:
        return None
    is_due = token is None or _is_use_due(token.row, now)
    return None if is_due else token


_cached_tokens: dict[uuid.UUID, CachedToken] = {}


def _cache(token: CachedToken) -> None:
    if len(_cached_tokens) >= MAX_CACHED:
        _cached_tokens.clear()
    _cached_tokens[token.row.jti] = token


def set_rate_limit(row: ApiToken, rate: int) -> None:
    """Requests a second that the token may make from now on; 0 is no limit."""
    row.rate = rate
    row.save(update_fields=["rate"])


def revoke(rows: Iterable[ApiToken]) -> None:
    """From the next request on the tokens open nothing."""
    ids = [row.pk for row in rows]
    ApiToken.objects.filter(pk__in=ids).update(revoked_at=timezone.now())


def _sign(row: ApiToken) -> str:
    kid, key = next(iter(settings.TOKEN_KEYS.items()))
    domain = urlsplit(settings.BASE_URL).netloc
    issued_at = int(row.created_at.timestamp())
    claims = {
        "aud": str(row.integration.client_id) if row.integration else "shortlinks",
        "jti": str(row.jti),
        "iat": issued_at,
        "nbf": issued_at,
        "exp": int(row.expires_at.timestamp()),
        "sub": str(row.user_id),
        "account_id": row.account_id,
        "base_domain": domain,
        "api_domain": domain,
        "scopes": row.scopes,
        "version": 2,
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid})


def _fetch_active(jti: uuid.UUID, now: datetime) -> CachedToken | None:
    found = queries.fetch_prepared(_select_active(), {"jti": jti, "now": now})
    if not found:
        return None
    version, *columns = found[0]
    values = iter(columns)
    row = _instance(ApiToken, values)
    row.user, row.account = _instance(User, values), _instance(Account, values)
    return CachedToken(row, version)


@cache
def _select_active() -> str:
    """As text, since the ORM put it together for each request: a third of its time."""
    columns = ", ".join(
        f"{model._meta.db_table}.{field.column}"
        for model in JOINED
        for field in model._meta.concrete_fields
    )
    return SELECT_ACTIVE.format(columns=columns)


def _instance(model: type[M], values: Iterator[Any]) -> M:
    names = [field.attname for field in model._meta.concrete_fields]
    return model.from_db(connection.alias, names, [next(values) for _ in names])


@lru_cache(maxsize=1024)
def _read_jti(text: str) -> uuid.UUID:
    """Whose signature was right stays right; whether it is over the row says, too."""
    try:
        if len(text) > MAX_TOKEN_LENGTH:
            raise TokenRejected
        key = settings.TOKEN_KEYS[jwt.get_unverified_header(text)["kid"]]
        claims = jwt.decode(
            text,
            key,
            algorithms=[ALGORITHM],
            options={"require": ["exp", "jti"], "verify_aud": False},
            leeway=5,
        )
        return uuid.UUID(claims["jti"])
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
        raise TokenRejected from None


def _record_use(row: ApiToken, now: datetime) -> None:
    """Note the last use, at most once a minute."""
    if _is_use_due(row, now):
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_PRECISION)
        ApiToken.objects.filter(stale, pk=row.pk).update(last_used_at=now)


def _is_use_due(row: ApiToken, now: datetime) -> bool:
    return row.last_used_at is None or row.last_used_at < now - LAST_USED_PRECISION
