"""API tokens: JWTs signed with TOKEN_KEYS (docs/contract.md)."""

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
from jwt.utils import base64url_decode, base64url_encode

from shortlinks.domain.auth import security_events
from shortlinks.domain.postgres import queries
from shortlinks.domain.postgres.subqueries import Subquery
from shortlinks.models import Account, ApiToken, Integration, SecurityEventKind, User
from shortlinks.models.tokens import default_scopes

M = TypeVar("M", bound=Model)

ALGORITHM = "HS256"
MAX_TOKEN_LENGTH = 4096
DEFAULT_TTL = timedelta(days=365)
WARNING_PERIOD = timedelta(days=14)
LAST_USED_PRECISION = timedelta(minutes=1)
MAX_NETWORKS = 20
JOINED = (ApiToken, User, Account)
ACTIVE_TOKENS = """
shortlinks_apitoken
JOIN shortlinks_user ON shortlinks_user.id = shortlinks_apitoken.user_id
JOIN shortlinks_account ON shortlinks_account.id = shortlinks_apitoken.account_id
WHERE jti = %(token_jti)s AND revoked_at IS NULL AND expires_at > %(token_now)s
  AND shortlinks_user.is_active AND shortlinks_account.is_active
"""
# Every update of one of the three rows changes its address or its transaction.
ROW_VERSION = """
(shortlinks_apitoken.ctid, shortlinks_apitoken.xmin, shortlinks_user.ctid,
 shortlinks_user.xmin, shortlinks_account.ctid, shortlinks_account.xmin)::text
"""
SELECT_ACTIVE = f"SELECT {ROW_VERSION}, {{columns}} FROM {ACTIVE_TOKENS}"  # noqa: S608  constants
CONFIRM = f"""
SELECT 1 FROM {ACTIVE_TOKENS}
AND (%(token_version)s::text IS NULL OR {ROW_VERSION} = %(token_version)s)
"""  # noqa: S608  constants
MAX_CACHED = 1024


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token. Its `text` is stored nowhere and shown once."""

    text: str
    row: ApiToken


@dataclass(frozen=True, slots=True)
class CachedToken:
    """An active token as this process read it, and the version of its rows."""

    row: ApiToken
    version: str


@dataclass(frozen=True, slots=True)
class Caller:
    """The permissions of `user` apply, within the scopes of `token`.

    `version` is that of a cached token, which must be confirmed before it is trusted.
    """

    user: User
    token: ApiToken
    version: str | None = None


class TokenRejected(Exception):
    """The token is not active. Callers get no details.

    `row` is the token's, if its signature is valid, for the security event.
    """

    def __init__(self, row: ApiToken | None = None) -> None:
        super().__init__()
        self.row = row


def issue(
    user: User,
    *,
    name: str,
    life: timedelta = DEFAULT_TTL,
    scopes: Sequence[str] | None = None,
    integration: Integration | None = None,
) -> IssuedToken:
    """Create a token; it has the default scopes, unless the caller names some."""
    if user.account is None:
        raise ValueError("operators have no account and get no tokens")
    now = timezone.now().replace(microsecond=0)
    is_renewed = integration is not None  # by its refresh token
    row = ApiToken.objects.create(
        jti=uuid.uuid4(),
        account=user.account,
        user=user,
        integration=integration,
        name=name,
        scopes=default_scopes() if scopes is None else list(scopes),
        created_at=now,
        expires_at=now + life,
        warning_due_at=None if is_renewed else warning_due_at(now, now + life),
    )
    security_events.record(SecurityEventKind.TOKEN_ISSUED, user=user, detail=name)
    return IssuedToken(text=sign(row), row=row)


def sign(row: ApiToken) -> str:
    """Return the token of the row, always the same one until its key is replaced."""
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


def warning_due_at(issued_at: datetime, expires_at: datetime) -> datetime | None:
    """Return when to warn the owner, or None if the token expires too soon for that."""
    due_at = expires_at - WARNING_PERIOD
    return due_at if due_at > issued_at else None


def find(text: str) -> ApiToken | None:
    """Return the row of a token with a valid signature that is not revoked."""
    try:
        jti = _read_jti(text)
    except TokenRejected:
        return None
    return ApiToken.objects.filter(jti=jti, revoked_at=None).first()


def verify(text: str, *, now: datetime) -> ApiToken:
    """Return the active token's row with its user and account, or raise."""
    jti = _read_jti(text)
    found = _fetch_active(jti, now)
    if found is None:
        rows = ApiToken.objects.filter(jti=jti).select_related("user", "account")
        raise TokenRejected(rows.first())
    if _is_use_due(found.row, now):
        _record_use(found.row, now)
    else:  # not above, because recording the use changes the version
        _cache(found)
    return found.row


def get_cached(text: str, *, now: datetime) -> CachedToken | None:
    """Return the token if this process verified it recently.

    It may have changed since, so its caller must be confirmed.
    """
    token = _cached_tokens.get(_read_jti(text))
    is_due = token is None or _is_use_due(token.row, now)
    return None if is_due else token


def confirmation(caller: Caller, *, now: datetime) -> Subquery:
    """Return a query with one row if the caller's token is active and unchanged."""
    return Subquery(
        CONFIRM,
        {
            "token_jti": caller.token.jti,
            "token_version": caller.version,
            "token_now": now,
        },
    )


def confirm(caller: Caller, *, now: datetime) -> None:
    """Raise TokenRejected unless the caller's token is active and unchanged."""
    if not queries.fetch_prepared(*confirmation(caller, now=now)):
        raise TokenRejected


_cached_tokens: dict[uuid.UUID, CachedToken] = {}


def _cache(token: CachedToken) -> None:
    if len(_cached_tokens) >= MAX_CACHED:
        _cached_tokens.clear()
    _cached_tokens[token.row.jti] = token


def set_rate_limit(row: ApiToken, rate: int) -> None:
    """Set the token's limit in requests a second; 0 means unlimited."""
    row.rate = rate
    row.save(update_fields=["rate"])


def revoke(rows: Iterable[ApiToken]) -> None:
    """Revoke the tokens. Their next requests are rejected."""
    revoked = list(rows)
    ids = [row.pk for row in revoked]
    ApiToken.objects.filter(pk__in=ids).update(revoked_at=timezone.now())
    for row in revoked:
        _record_event(SecurityEventKind.TOKEN_REVOKED, row)


def record_network(row: ApiToken) -> None:
    """Store the network of a request, if the token was not used there before."""
    network = security_events.client_network()
    if not network or network in row.networks:
        return
    networks = [network, *row.networks][:MAX_NETWORKS]
    unlisted = ApiToken.objects.filter(pk=row.pk).exclude(networks__contains=[network])
    if unlisted.update(networks=networks):
        _record_event(SecurityEventKind.TOKEN_NEW_NETWORK, row)
    row.networks = networks  # this process may have cached the row


def record_rejected(error: TokenRejected) -> None:
    """Count a request with an unknown, expired or revoked token."""
    kind, row = SecurityEventKind.TOKEN_REJECTED, error.row
    if row is None:
        security_events.record_frequent(kind, user=None)
        return
    security_events.record_frequent(
        kind, user=row.user, account=row.account, detail=row.name
    )


def _record_event(kind: SecurityEventKind, row: ApiToken) -> None:
    security_events.record(kind, user=row.user, account=row.account, detail=row.name)


def _fetch_active(jti: uuid.UUID, now: datetime) -> CachedToken | None:
    found = queries.fetch_prepared(
        _select_active(), {"token_jti": jti, "token_now": now}
    )
    if not found:
        return None
    version, *columns = found[0]
    values = iter(columns)
    row = _instance(ApiToken, values)
    row.user, row.account = _instance(User, values), _instance(Account, values)
    return CachedToken(row, version)


@cache
def _select_active() -> str:
    """Return the query, which the ORM would compile in a third of a request's time."""
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
    """Return the `jti` of a token with a valid signature, or raise TokenRejected.

    It is cached although tokens expire, because queries check the expiry of the row.
    """
    try:
        if len(text) > MAX_TOKEN_LENGTH or not _is_canonical(text):
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


def _is_canonical(text: str) -> bool:
    """Return whether the signature is canonical base64; decoders accept other forms."""
    signature = text.rpartition(".")[2].encode()
    return base64url_encode(base64url_decode(signature)) == signature


def _record_use(row: ApiToken, now: datetime) -> None:
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_PRECISION)
    ApiToken.objects.filter(stale, pk=row.pk).update(last_used_at=now)


def _is_use_due(row: ApiToken, now: datetime) -> bool:
    return row.last_used_at is None or row.last_used_at < now - LAST_USED_PRECISION
