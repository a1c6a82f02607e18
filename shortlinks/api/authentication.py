"""Who calls: a bearer token, and for administrators whom it acts for (contract §1)."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.http.request import HttpHeaders
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from shortlinks.domain.auth import tokens
from shortlinks.domain.auth.tokens import CachedToken
from shortlinks.models import ApiToken, User

CONTEXT_USER = "X-Context-User-ID"
CONTEXT_USER_META = HttpHeaders.to_wsgi_name(CONTEXT_USER)


@dataclass(frozen=True, slots=True)
class Caller:
    """`user` is whose rights count; `token` what the program may do at all."""

    user: User
    token: ApiToken


class TokenAuth(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, Caller] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        try:
            [text] = words[1:]
            token = tokens.verify(text.decode("ascii"), now=timezone.now())
        except (ValueError, tokens.TokenRejected):
            raise AuthenticationFailed("The access token is not valid.") from None
        user = _acting_user(token.user, request.META.get(CONTEXT_USER_META))
        return user, Caller(user, token)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def cached_token(request: HttpRequest) -> CachedToken | None:
    """Of a caller for himself whose token this process remembers (`tokens.known`)."""
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or CONTEXT_USER_META in request.META:
        return None
    return tokens.get_cached(text, now=timezone.now())


def _acting_user(user: User, context_user_id: str | None) -> User:
    if context_user_id is None:
        return user
    if not user.is_admin:
        raise PermissionDenied(f"{CONTEXT_USER} is for administrators' tokens.")
    if not context_user_id.isdecimal() or len(context_user_id) > 18:
        raise PermissionDenied(f"{CONTEXT_USER} names no user of the account.")
    acting: User | None = (
        User.objects.in_account(user.account_id or 0)
        .filter(pk=int(context_user_id), is_active=True)
        .first()
    )
    if acting is None:
        raise PermissionDenied(f"{CONTEXT_USER} names no user of the account.")
    return acting
